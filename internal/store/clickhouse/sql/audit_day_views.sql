-- What the rollups of events must add up to, by site and day.
select
    website_id,
    toInt64(toDate(timestamp) - toDate('1970-01-01')) * 86400000,
    toInt64(countIf(event_type in ('pageview', 'event'))),
    sumIf(events.revenue, event_type in ('pageview', 'event') and currency <> ''),
    toInt64(countIf(event_type in ('pageview', 'event') and currency <> '')),
    sumIf(events.time_on_page, event_type = 'engagement'),
    toInt64(countIf(event_type = 'pageview'))
from events
where timestamp >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
    and timestamp < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and event_type in ('pageview', 'event', 'engagement')
group by 1, 2

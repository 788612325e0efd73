-- Visits, and what may be one, with their last event in [p1, p2) that have events of topic imports, which a processor takes, and of topic
-- events, which the stream has made sessions of. Only sites with imported events of that time are read.
select website_id, session_id, bot_band, toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp))
from events
where timestamp >= fromUnixTimestamp64Milli({p1:Int64} - 90000000, 'UTC')
    and timestamp < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and event_type in ('pageview', 'event', 'engagement')
    and website_id in (
        select distinct website_id
        from events
        where timestamp >= fromUnixTimestamp64Milli({p1:Int64} - 90000000, 'UTC')
            and timestamp < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
            and log_topic = 'imports'
    )
group by website_id, session_id, bot_band
having countIf(log_topic = 'imports') > 0
    and countIf(log_topic = 'events') > 0
    and max(timestamp) >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
order by 1, 2, 3

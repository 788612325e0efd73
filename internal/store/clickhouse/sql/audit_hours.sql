-- Hours of which event_hours says other than the rows of events, but for those that are still written to.
-- {p1}: the cut; {p2}: events before may be gone
with kept as (
    select website_id, max(day) as day
    from kept_from
    group by website_id
)
select website_id, toInt64(toUnixTimestamp(hour)) * 1000 as millis, sum(there) as rows, sum(noted) as said
from (
    select website_id, toStartOfHour(toDateTime(timestamp, 'UTC')) as hour, toInt64(count()) as there, toInt64(0) as noted,
        countIf(received_at >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) as fresh
    from events
    left join kept on kept.website_id = events.website_id
    where timestamp >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
        and toDate(timestamp) >= kept.day
    group by website_id, hour
    union all
    select website_id, hour, toInt64(0) as there, toInt64(sum(rows)) as noted, 0 as fresh
    from event_hours
    left join kept on kept.website_id = event_hours.website_id
    where hour >= toDateTime(fromUnixTimestamp64Milli({p2:Int64}, 'UTC'))
        and toDate(hour) >= kept.day
    group by website_id, hour
)
group by website_id, hour
having rows <> said and sum(fresh) = 0
order by website_id, millis

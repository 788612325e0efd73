select c.website_id, toInt64(c.day - toDate('1970-01-01')) * 86400000, c.changes, ifNull(r.changes, 0), ifNull(e.events, 0)
from (
    select website_id, day, sum(changes) as changes
    from changes
    where day >= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) and day < toDate(fromUnixTimestamp64Milli({p2:Int64}, 'UTC'))
    group by website_id, day
) as c
left join (
    select website_id, day, changes
    from rolled_days final
) as r on r.website_id = c.website_id and r.day = c.day
left join (
    select website_id, toDate(timestamp) as day, count() as events
    from events
    where timestamp >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC') and timestamp < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    group by website_id, day
) as e on e.website_id = c.website_id and e.day = c.day
order by c.website_id, c.day

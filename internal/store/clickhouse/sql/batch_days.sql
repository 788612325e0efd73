-- The days of all sites of which anything was ever written, and the changes that their rollups hold.
select changed.website_id, toInt64(changed.day - toDate('1970-01-01')) * 86400000, changed.changes, ifNull(rolled.changes, 0), ifNull(rolled.events, 0)
from (
    select website_id, day, sum(changes) as changes
    from changes
    where day >= toDate(intDiv({p1:Int64}, 86400000))
        and day < toDate(intDiv({p2:Int64}, 86400000))
    group by website_id, day
) as changed
left join (
    select website_id, day, changes, events
    from rolled_days final
    where day >= toDate(intDiv({p1:Int64}, 86400000))
        and day < toDate(intDiv({p2:Int64}, 86400000))
) as rolled on rolled.website_id = changed.website_id
    and rolled.day = changed.day
order by 1, 2

-- The changes of sites' days, and from which day on they keep their events where they keep less than others: one question, as it is asked
-- each second of the sites that somebody looks at.
select website_id, 0 as kept, toInt64(day - toDate('1970-01-01')) * 86400000 as millis, sum(changes) as n
from changes
where website_id in {p1:Array(String)}
group by website_id, day
union all
select website_id, 1 as kept, toInt64(max(day) - toDate('1970-01-01')) * 86400000 as millis, toUInt64(0) as n
from kept_from
where website_id in {p1:Array(String)}
group by website_id

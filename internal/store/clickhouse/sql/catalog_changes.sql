-- The changes of a site's days, and from which day on it keeps its events where it keeps less than others: one question, as it is asked
-- each second of each site that somebody looks at.
select 0 as kept, toInt64(day - toDate('1970-01-01')) * 86400000 as millis, sum(changes) as n
from changes
where website_id = {p1:String}
group by day
union all
select 1 as kept, toInt64(max(day) - toDate('1970-01-01')) * 86400000 as millis, toUInt64(0) as n
from kept_from
where website_id = {p1:String}
having count() > 0

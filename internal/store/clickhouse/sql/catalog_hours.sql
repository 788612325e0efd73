-- The hours of sites, on all days or on some.
select
    website_id, toInt64(toUnixTimestamp(hour)) * 1000 as at, toInt64(sum(rows)), toUnixTimestamp64Milli(min(first)), toUnixTimestamp64Milli(max(last))
from event_hours
where website_id in {p1:Array(String)} and (empty({p2:Array(Date)}) or has({p2:Array(Date)}, toDate(hour)))
group by website_id, hour
having sum(rows) > 0
order by website_id, at

select
    website_id, toInt64(toUnixTimestamp(hour)) * 1000 as at, toInt64(sum(rows)), toUnixTimestamp64Milli(min(first)), toUnixTimestamp64Milli(max(last))
from event_hours
where website_id in {p1:Array(String)}
group by website_id, hour
having sum(rows) > 0
order by website_id, at

select
    toInt64(toUnixTimestamp(hour)) * 1000 as at, toInt64(sum(rows)), toUnixTimestamp64Milli(min(first)), toUnixTimestamp64Milli(max(last))
from event_hours
where website_id = {p1:String}
group by hour
having sum(rows) > 0
order by at

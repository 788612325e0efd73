-- Rows of each day that came from the source {p2}. The sums are those of migrate.EventTally
select
    intDiv(toUnixTimestamp64Milli(timestamp), 86400000) as day, toInt64(count()),
    sum(reinterpretAsUInt64(reverse(substring(UUIDToNum(event_id), 9, 8)))),
    sum(toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(timestamp))
from events
where website_id = {p1:String} and log_topic = {p2:String}
group by day

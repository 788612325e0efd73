-- The events of a site before a day: how many, the first day, and how many have just come.
-- {p1}: the site; {p2}: the day, ms; {p3}: what was received then or later has just come
select toInt64(count()), toInt64(min(toDate(timestamp)) - toDate('1970-01-01')),
    toInt64(countIf(received_at >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC')))
from events
where website_id = {p1:String}
    and timestamp < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')

-- How many events each site has between two times, by day, and a sum over what places them. The daily job makes the same sum:
-- jobs/daily/daily.sql, counts.
select
    website_id,
    toInt64(toDate(timestamp) - toDate('1970-01-01')) * 86400000,
    toInt64(count()),
    sum(toUInt64(CRC32(concat(toString(event_id), '/', session_id, '/', toString(toUnixTimestamp64Milli(timestamp)), '/', toString(bot_band)))))
from events
where timestamp >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
    and timestamp < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
group by 1, 2

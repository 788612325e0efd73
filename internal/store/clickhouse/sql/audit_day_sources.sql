-- What the rollups of sessions must add up to, by site and day of their start.
select
    website_id,
    toInt64(toDate(session_start) - toDate('1970-01-01')) * 86400000,
    toInt64(countIf(bounce)),
    sum(toUnixTimestamp64Milli(session_end) - toUnixTimestamp64Milli(session_start)),
    sum(sessions.pageviews),
    sum(sessions.revenue),
    toInt64(count())
from sessions final
where session_start >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
    and session_start < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
group by 1, 2

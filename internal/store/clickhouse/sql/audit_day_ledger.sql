-- By site and day of receipt: rows of events, and what the ledger says was stored.
select website_id, toInt64(day - toDate('1970-01-01')) * 86400000, sum(rows), sum(stored)
from (
    select website_id, toDate(received_at) as day, toInt64(count()) as rows, toInt64(0) as stored
    from events
    where received_at >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
        and received_at < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    group by website_id, day
    union all
    select website_id, toDate(minute) as day, toInt64(0), sum(count)
    from ledger
    where outcome = 'stored'
        and minute >= toDateTime(intDiv({p1:Int64}, 1000), 'UTC')
        and minute < toDateTime(intDiv({p2:Int64}, 1000), 'UTC')
    group by website_id, day
)
group by 1, 2

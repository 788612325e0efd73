-- Receipt minutes of which the ledger says that other than the rows of events were stored. {p1}: the cut
select website_id, toInt64(toUnixTimestamp(at)) * 1000 as millis, sum(rows) as there, sum(stored) as counted
from (
    select website_id, toDateTime(toStartOfMinute(received_at), 'UTC') as at, toInt64(count()) as rows, toInt64(0) as stored
    from events
    where received_at < toStartOfMinute(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
    group by website_id, at
    union all
    select website_id, minute as at, toInt64(0) as rows, sum(count) as stored
    from ledger
    where outcome = 'stored'
        and minute < toStartOfMinute(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
    group by website_id, at
)
group by website_id, at
having there <> counted
order by website_id, millis

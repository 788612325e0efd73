-- Minutes of the ledger whose outcomes do not add up. {p1}: the cut
select website_id, toInt64(toUnixTimestamp(minute)) * 1000 as at, sumIf(count, outcome = 'received') as received, sumIf(count, outcome <> 'received') as ended
from ledger
where minute < toStartOfMinute(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
group by website_id, minute
having received <> ended
order by website_id, at

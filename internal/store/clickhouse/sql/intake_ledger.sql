select intDiv(toInt64(toUnixTimestamp(minute)), 86400) as day, sum(count)
from ledger
where website_id = {p1:String} and outcome not in ('received', 'stored')
group by day

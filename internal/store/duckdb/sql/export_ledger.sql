select minute, outcome, reason, sum(count)::bigint
from ledger
where website_id = ? and minute >= ? and minute < ? and outcome not in ('received', 'stored')
group by 1, 2, 3
order by 1, 2, 3

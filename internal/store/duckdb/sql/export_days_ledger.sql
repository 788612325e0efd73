select website_id, minute // 1440, sum(count)::bigint
from ledger
where outcome not in ('received', 'stored')
group by 1, 2

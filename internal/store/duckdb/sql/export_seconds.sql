select timestamp // 1000, count(*)
from events
where website_id = ? and timestamp >= ? and timestamp < ?
group by 1
order by 1

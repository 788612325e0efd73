insert into event_hours
select website_id, timestamp // 3600000 * 3600000, count(*), min(timestamp), max(timestamp)
from events
where website_id = $1
    and list_contains($2::bigint[], timestamp // 3600000 * 3600000)
group by 1, 2

select
    website_id, timestamp // 86400000, count(*),
    (sum(event_id_low) % 18446744073709551616)::ubigint, sum(received_after)::bigint
from events
group by 1, 2

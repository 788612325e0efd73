select
    website_id, session_start // 86400000, count(*),
    sum(session_start % 86400000)::bigint, sum(session_end - session_start)::bigint, sum(session_start - chain_start)::bigint,
    sum(events)::bigint, sum(pageviews)::bigint, sum(interactive)::bigint, sum(engaged_ms)::bigint, sum(revenue_events)::bigint
from sessions
group by 1, 2

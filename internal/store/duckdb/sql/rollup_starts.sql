-- Session measures by the bucket of the session's start, and band.
-- %[1]s: the bucket of sessions.session_start
-- $1 site, $2 and $3 range, $4 day by quarter hour since $2
select
    %[1]s as bucket,
    bot_band,
    '' as value,
    0::bigint as pageviews,
    0::bigint as events,
    0::bigint as engaged_ms,
    0::bigint as revenue_events,
    0::bigint as revenue,
    '' as currency,
    '' as other_currency,
    count(*) as visits,
    count(*) filter (bounce) as bounces,
    sum(session_end - session_start)::bigint as duration_ms,
    sum(pageviews)::bigint as session_pageviews,
    null::uinteger[] as coupons
from sessions
where website_id = $1
    and session_start >= $2
    and session_start < $3
    and len($4::bigint[]) > 0
group by 1, 2

-- rows, events
select
    count(distinct e.sample_key) as visitors,
    count(*) filter (where e.event_type = 'pageview') as pageviews,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
-- [s 2 1782856800000 1783461600000]

-- rows, sessions
select
    count(*) as visits,
    count(*) filter (where s.bounce) as bounces,
    cast(coalesce(sum(s.session_end - s.session_start), 0) as bigint) as duration_ms,
    cast(coalesce(sum(s.pageviews), 0) as bigint) as session_pageviews
from sessions s
where s.website_id = ?
and s.bot_band < ?
and s.session_start >= ? and s.session_start < ?
-- [s 2 1782856800000 1783461600000]


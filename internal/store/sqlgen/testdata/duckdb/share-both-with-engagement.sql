-- rows, events+session
select
    e.page as d1,
    s.source as d2,
    count(distinct case when e.event_type in ('pageview', 'event') then e.sample_key end) as visitors,
    count(*) filter (where e.event_type = 'pageview') as pageviews,
    count(*) filter (where e.event_type in ('pageview', 'event')) as events,
    cast(coalesce(sum(case when e.event_type = 'engagement' then e.time_on_page end), 0) as bigint) as engaged_ms
from events e
join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event', 'engagement')
and e.timestamp >= ? and e.timestamp < ?
and hash(e.page) % 8 = 3
group by d1, d2
-- [s s 2 1774652400000 1774908000000]


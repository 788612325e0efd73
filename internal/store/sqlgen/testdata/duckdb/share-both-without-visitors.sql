-- rows, events+session
select
    e.page as d1,
    s.source as d2,
    count(*) filter (where e.event_type = 'pageview') as pageviews,
    count(*) as events
from events e
join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
and hash(e.session_id) % 8 = 3
and hash(s.session_id) % 8 = 3
group by d1, d2
-- [s s 2 1774652400000 1774908000000]


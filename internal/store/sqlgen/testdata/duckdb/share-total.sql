-- rows, events
select
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
and e.sample_key % 8 = 3
-- [s 2 1774652400000 1774908000000]

-- rows, sessions
select
    count(*) as visits
from sessions s
where s.website_id = ?
and s.bot_band < ?
and s.session_start >= ? and s.session_start < ?
and s.sample_key % 8 = 3
-- [s 2 1774652400000 1774908000000]


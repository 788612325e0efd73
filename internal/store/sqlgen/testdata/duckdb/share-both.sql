-- rows, events+session
select
    e.page as d1,
    s.source as d2,
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
and e.sample_key % 8 = 3
and (s.sample_key % 8 = 3 or s.visitors is not null)
group by d1, d2
-- [s s 2 1774652400000 1774908000000]

-- rows, sessions by event
with matched as (
    select distinct
        e.page as d1,
        s.source as d2,
        s.session_id,
        s.bot_band,
        s.chain_start,
        s.sample_key as sample_key,
        s.bounce as bounce,
        s.pageviews as pageviews,
        s.session_end - s.session_start as duration
    from events e
    join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
    where e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event')
    and e.timestamp >= ? and e.timestamp < ?
    and hash(e.session_id) % 8 = 3
    and hash(s.session_id) % 8 = 3
)
select
    d1,
    d2,
    count(*) as visits
from matched s
group by d1, d2
-- [s s 2 1774652400000 1774908000000]


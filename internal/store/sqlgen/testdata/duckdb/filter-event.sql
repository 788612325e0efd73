-- rows, events
select
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
and e.page in (?, ?)
-- [s 2 1782856800000 1783461600000 / ]

-- rows, sessions by event
with matched as (
    select distinct
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
    and e.page in (?, ?)
)
select
    count(*) as visits
from matched s
-- [s s 2 1782856800000 1783461600000 / ]


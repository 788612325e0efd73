-- rows, events
with numbered as materialized (
    select
        e.page as d1,
        cast(row_number() over () as integer) as number,
        count(*) filter (where e.event_type = 'pageview') as pageviews,
        count(*) filter (where e.event_type in ('pageview', 'event')) as events,
        cast(coalesce(sum(case when e.event_type = 'engagement' then e.time_on_page end), 0) as bigint) as engaged_ms
    from events e
    where e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event', 'engagement')
    and e.timestamp >= ? and e.timestamp < ?
    group by d1
), visitors as (
    select
        g.number,
        count(distinct e.sample_key) as visitors
    from events e
    join numbered g on g.d1 = e.page
    where e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event')
    and e.timestamp >= ? and e.timestamp < ?
    group by g.number
)
select
    g.d1,
    coalesce(v.visitors, 0) as visitors,
    g.pageviews,
    g.events,
    g.engaged_ms
from numbered g
left join visitors v on v.number = g.number
-- [s 2 1782856800000 1783461600000 s 2 1782856800000 1783461600000]

-- rows, sessions by event
with matched as (
    select distinct
        e.page as d1,
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
)
select
    d1,
    count(*) as visits
from matched s
group by d1
-- [s s 2 1782856800000 1783461600000]

-- rows, scroll
with depths as (
    select
        e.page as d1,
        s.sample_key as sample_key,
        cast(max(e.scroll_depth) as bigint) as depth
    from events e
    join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
    where e.website_id = ?
    and e.bot_band < ?
    and e.event_type = 'engagement' and e.scroll_depth >= 0
    and e.timestamp >= ? and e.timestamp < ?
    group by d1, s.session_id, s.bot_band, s.chain_start, s.sample_key, e.page
)
select
    d1,
    cast(coalesce(sum(s.depth), 0) as bigint) as scroll_sum,
    count(*) as scroll_count
from depths s
group by d1
-- [s s 2 1782856800000 1783461600000]


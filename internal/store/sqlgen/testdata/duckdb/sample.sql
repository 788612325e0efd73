-- rows, events
select
    d1,
    count(*) filter (where v.events > 0) as visitors,
    cast(coalesce(sum(v.pageviews), 0) as bigint) as pageviews,
    cast(coalesce(sum(v.events), 0) as bigint) as events,
    cast(coalesce(sum(v.engaged_ms), 0) as bigint) as engaged_ms,
    cast(coalesce(sum(v.revenue_events), 0) as bigint) as revenue_events,
    cast(coalesce(sum(v.revenue), 0) as bigint) as revenue,
    coalesce(min(nullif(v.currency_min, '')), '') as currency_min,
    coalesce(max(v.currency_max), '') as currency_max,
    coalesce(sum(cast(v.pageviews as double) * v.pageviews), 0) as p1,
    coalesce(sum(cast(v.engaged_ms as double) * v.engaged_ms), 0) as p2,
    coalesce(sum(cast(v.engaged_ms as double) * v.pageviews), 0) as p3,
    coalesce(sum(cast(v.revenue as double) * v.revenue), 0) as p4
from (
    select
        e.page as d1,
        count(*) filter (where e.event_type = 'pageview') as pageviews,
        count(*) filter (where e.event_type in ('pageview', 'event')) as events,
        cast(coalesce(sum(case when e.event_type = 'engagement' then e.time_on_page end), 0) as bigint) as engaged_ms,
        count(case when e.event_type in ('pageview', 'event') then nullif(e.currency, '') end) as revenue_events,
        cast(coalesce(sum(case when e.event_type in ('pageview', 'event') then e.revenue end), 0) as bigint) as revenue,
        coalesce(min(case when e.event_type in ('pageview', 'event') then nullif(e.currency, '') end), '') as currency_min,
        coalesce(max(case when e.event_type in ('pageview', 'event') then nullif(e.currency, '') end), '') as currency_max,
        e.sample_key as visitor
    from events e
    where e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event', 'engagement')
    and e.timestamp >= ? and e.timestamp < ?
    and e.sample_key % 10 = 0
    group by d1, visitor
) v
group by d1
-- [s 2 1782856800000 1783461600000]

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
    and s.sample_key % 10 = 0
)
select
    d1,
    cast(coalesce(sum(v.visits), 0) as bigint) as visits,
    coalesce(sum(cast(v.visits as double) * v.visits), 0) as p1
from (
    select
        d1,
        count(*) as visits,
        s.sample_key as visitor
    from matched s
    group by d1, visitor
) v
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
    and s.sample_key % 10 = 0
    group by d1, s.session_id, s.bot_band, s.chain_start, s.sample_key, e.page
)
select
    d1,
    cast(coalesce(sum(v.scroll_sum), 0) as bigint) as scroll_sum,
    cast(coalesce(sum(v.scroll_count), 0) as bigint) as scroll_count,
    coalesce(sum(cast(v.scroll_sum as double) * v.scroll_sum), 0) as p1,
    coalesce(sum(cast(v.scroll_sum as double) * v.scroll_count), 0) as p2,
    coalesce(sum(cast(v.scroll_count as double) * v.scroll_count), 0) as p3
from (
    select
        d1,
        cast(coalesce(sum(s.depth), 0) as bigint) as scroll_sum,
        count(*) as scroll_count,
        s.sample_key as visitor
    from depths s
    group by d1, visitor
) v
group by d1
-- [s s 2 1782856800000 1783461600000]


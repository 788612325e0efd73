-- rows, events
select
    e.page as d1,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
and hash(e.page) % 8 = 3
group by d1
-- [s 2 1774652400000 1774908000000]

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
    and hash(e.session_id) % 8 = 3
    and hash(s.session_id) % 8 = 3
    group by d1, s.session_id, s.bot_band, s.chain_start, s.sample_key, e.page
)
select
    d1,
    cast(coalesce(sum(s.depth), 0) as bigint) as scroll_sum,
    count(*) as scroll_count
from depths s
group by d1
-- [s s 2 1774652400000 1774908000000]


-- rows, events+session
select
    d1,
    count(*) filter (where v.events > 0) as visitors,
    cast(coalesce(sum(v.events), 0) as bigint) as events
from (
    select
        s.source as d1,
        count(*) as events,
        e.sample_key as visitor
    from events e
    join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
    where e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event')
    and e.timestamp >= ? and e.timestamp < ?
    and e.sample_key % 10 = 0
    group by d1, visitor
) v
group by d1
-- [s s 2 1782856800000 1783461600000]

-- rows, sessions
select
    d1,
    cast(coalesce(sum(v.visits), 0) as bigint) as visits,
    cast(coalesce(sum(v.bounces), 0) as bigint) as bounces,
    coalesce(sum(cast(v.bounces as double) * v.bounces), 0) as p1,
    coalesce(sum(cast(v.bounces as double) * v.visits), 0) as p2,
    coalesce(sum(cast(v.visits as double) * v.visits), 0) as p3
from (
    select
        s.source as d1,
        count(*) as visits,
        count(*) filter (where s.bounce) as bounces,
        s.sample_key as visitor
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and s.session_start >= ? and s.session_start < ?
    and s.sample_key % 10 = 0
    group by d1, visitor
) v
group by d1
-- [s 2 1782856800000 1783461600000]


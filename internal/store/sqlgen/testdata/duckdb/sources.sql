-- rows, sessions+edges
with rows as (
    select
        s.source as d1,
        s.sample_key as visitors,
        s.events as events
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and s.chain_start >= ? and s.session_end < ?
    union all
    select
        s.source as d1,
        case when e.event_type in ('pageview', 'event') then e.sample_key end as visitors,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events
    from events e
    join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
    where s.website_id = ?
    and s.bot_band < ?
    and s.session_end >= ? and s.chain_start < ?
    and not (s.chain_start >= ? and s.session_end < ?)
    and e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event', 'engagement')
    and (e.timestamp >= ? and e.timestamp < ? or e.timestamp >= ? and e.timestamp < ?)
    union all
    select
        s.source as d1,
        unnest(s.visitors) as visitors,
        0 as events
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and s.chain_start >= ? and s.session_end < ?
    and s.visitors is not null
)
select
    d1,
    count(distinct v.visitors) as visitors,
    cast(coalesce(sum(v.events), 0) as bigint) as events
from rows v
group by d1
-- [s 2 1782856800000 1783461600000 s s 2 1782856800000 1783461600000 1782856800000 1783461600000 s 2 1782856800000 1782943200000 1783375200000 1783461600000 s 2 1782856800000 1783461600000]

-- rows, sessions
select
    s.source as d1,
    count(*) as visits
from sessions s
where s.website_id = ?
and s.bot_band < ?
and s.session_start >= ? and s.session_start < ?
group by d1
-- [s 2 1782856800000 1783461600000]

-- total, events
select
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
-- [s 2 1782856800000 1783461600000]


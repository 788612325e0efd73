-- rows, sessions+edges
with rows as (
    select
        s.source as d1,
        cast((s.chain_start - ?) // ? as bigint) as bucket,
        s.sample_key as visitors,
        s.events as events
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and s.chain_start >= ? and s.session_end < ? and cast((s.chain_start - ?) // ? as bigint) = cast((s.session_end - ?) // ? as bigint)
    union all
    select
        s.source as d1,
        cast((e.timestamp - ?) // ? as bigint) as bucket,
        case when e.event_type in ('pageview', 'event') then e.sample_key end as visitors,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events
    from events e
    join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
    where s.website_id = ?
    and s.bot_band < ?
    and s.session_end >= ? and s.chain_start < ?
    and not (s.chain_start >= ? and s.session_end < ? and cast((s.chain_start - ?) // ? as bigint) = cast((s.session_end - ?) // ? as bigint))
    and e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event', 'engagement')
    and e.timestamp >= ? and e.timestamp < ?
    union all
    select
        s.source as d1,
        cast((s.chain_start - ?) // ? as bigint) as bucket,
        unnest(s.visitors) as visitors,
        0 as events
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and s.chain_start >= ? and s.session_end < ? and cast((s.chain_start - ?) // ? as bigint) = cast((s.session_end - ?) // ? as bigint)
    and s.visitors is not null
)
select
    d1,
    bucket,
    count(distinct v.visitors) as visitors,
    cast(coalesce(sum(v.events), 0) as bigint) as events
from rows v
group by d1, bucket
-- [1782856800000 86400000 s 2 1782856800000 1783461600000 1782856800000 86400000 1782856800000 86400000 1782856800000 86400000 s s 2 1782856800000 1783461600000 1782856800000 1783461600000 1782856800000 86400000 1782856800000 86400000 s 2 1782856800000 1783461600000 1782856800000 86400000 s 2 1782856800000 1783461600000 1782856800000 86400000 1782856800000 86400000]


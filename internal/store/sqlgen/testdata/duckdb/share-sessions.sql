-- rows, sessions+edges
with rows as (
    select
        s.source as d1,
        cast(case when s.chain_start < ? then ? when s.chain_start < ? then ? else ? end as bigint) as bucket,
        s.sample_key as visitors,
        s.events as events
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and s.chain_start >= ? and s.session_end < ? and cast(case when s.chain_start < ? then ? when s.chain_start < ? then ? else ? end as bigint) = cast(case when s.session_end < ? then ? when s.session_end < ? then ? else ? end as bigint)
    union all
    select
        s.source as d1,
        cast(case when e.timestamp < ? then ? when e.timestamp < ? then ? else ? end as bigint) as bucket,
        case when e.event_type in ('pageview', 'event') then e.sample_key end as visitors,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events
    from events e
    join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
    where s.website_id = ?
    and s.bot_band < ?
    and s.session_end >= ? and s.chain_start < ?
    and not (s.chain_start >= ? and s.session_end < ? and cast(case when s.chain_start < ? then ? when s.chain_start < ? then ? else ? end as bigint) = cast(case when s.session_end < ? then ? when s.session_end < ? then ? else ? end as bigint))
    and e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event', 'engagement')
    and e.timestamp >= ? and e.timestamp < ?
    union all
    select
        s.source as d1,
        cast(case when s.chain_start < ? then ? when s.chain_start < ? then ? else ? end as bigint) as bucket,
        unnest(s.visitors) as visitors,
        0 as events
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and s.chain_start >= ? and s.session_end < ? and cast(case when s.chain_start < ? then ? when s.chain_start < ? then ? else ? end as bigint) = cast(case when s.session_end < ? then ? when s.session_end < ? then ? else ? end as bigint)
    and s.visitors is not null
)
select
    d1,
    bucket,
    count(distinct v.visitors) as visitors,
    cast(coalesce(sum(v.events), 0) as bigint) as events
from rows v
where hash(d1, bucket) % 8 = 3
group by d1, bucket
-- [1774738800000 0 1774821600000 1 2 s 2 1774652400000 1774908000000 1774738800000 0 1774821600000 1 2 1774738800000 0 1774821600000 1 2 1774738800000 0 1774821600000 1 2 s s 2 1774652400000 1774908000000 1774652400000 1774908000000 1774738800000 0 1774821600000 1 2 1774738800000 0 1774821600000 1 2 s 2 1774652400000 1774908000000 1774738800000 0 1774821600000 1 2 s 2 1774652400000 1774908000000 1774738800000 0 1774821600000 1 2 1774738800000 0 1774821600000 1 2]

-- rows, sessions
select
    s.source as d1,
    cast(case when s.session_start < ? then ? when s.session_start < ? then ? else ? end as bigint) as bucket,
    count(*) as visits
from sessions s
where s.website_id = ?
and s.bot_band < ?
and s.session_start >= ? and s.session_start < ?
and hash(cast(case when s.session_start < ? then ? when s.session_start < ? then ? else ? end as bigint), s.source) % 8 = 3
group by d1, bucket
-- [1774738800000 0 1774821600000 1 2 s 2 1774652400000 1774908000000 1774738800000 0 1774821600000 1 2]


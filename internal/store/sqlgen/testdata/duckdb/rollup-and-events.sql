-- rows, rollup_days
select
    r.value as d1,
    r.visitors as sketch,
    r.events as events,
    r.visits as visits,
    r.bucket as in_bucket,
    r.bot_band as in_band
from rollup_days r
where r.website_id = ?
and r.dimension = ?
and r.bot_band < ?
and (r.bucket >= ? and r.bucket < ? or r.bucket >= ? and r.bucket < ? or r.bucket >= ? and r.bucket < ?)
-- [s visit:source 2 1773961200000 1774134000000 1774220400000 1774306800000 1774393200000 1775426400000]

-- rows, sessions+edges
with rows as (
    select
        s.source as d1,
        s.visitor_coupon as coupons,
        s.events as events
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and (s.chain_start >= ? and s.session_end < ? or s.chain_start >= ? and s.session_end < ?)
    union all
    select
        s.source as d1,
        case when e.event_type in ('pageview', 'event') then e.visitor_coupon end as coupons,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events
    from events e
    join sessions s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end and s.website_id = ?
    where s.website_id = ?
    and s.bot_band < ?
    and (s.session_end >= ? and s.chain_start < ? or s.session_end >= ? and s.chain_start < ?)
    and not ((s.chain_start >= ? and s.session_end < ? or s.chain_start >= ? and s.session_end < ?))
    and e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event', 'engagement')
    and (e.timestamp >= ? and e.timestamp < ? or e.timestamp >= ? and e.timestamp < ?)
    union all
    select
        s.source as d1,
        unnest(s.visitor_coupons) as coupons,
        0 as events
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and (s.chain_start >= ? and s.session_end < ? or s.chain_start >= ? and s.session_end < ?)
    and s.visitors is not null
)
select
    d1,
    list(distinct v.coupons) filter (where v.coupons is not null) as coupons,
    cast(coalesce(sum(v.events), 0) as bigint) as events
from rows v
group by d1
-- [s 2 1774134000000 1774220400000 1774306800000 1774393200000 s s 2 1774134000000 1774220400000 1774306800000 1774393200000 1774134000000 1774220400000 1774306800000 1774393200000 s 2 1774134000000 1774220400000 1774306800000 1774393200000 s 2 1774134000000 1774220400000 1774306800000 1774393200000]

-- rows, sessions
select
    s.source as d1,
    count(*) as visits
from sessions s
where s.website_id = ?
and s.bot_band < ?
and (s.session_start >= ? and s.session_start < ? or s.session_start >= ? and s.session_start < ?)
group by d1
-- [s 2 1774134000000 1774220400000 1774306800000 1774393200000]


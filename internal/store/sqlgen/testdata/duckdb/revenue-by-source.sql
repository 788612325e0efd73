-- rows, sessions+edges
with rows as (
    select
        s.source as d1,
        s.events as events,
        s.revenue_events as revenue_events,
        s.revenue as revenue,
        s.currency as currency_min,
        s.currency as currency_max
    from sessions s
    where s.website_id = ?
    and s.bot_band < ?
    and s.chain_start >= ? and s.session_end < ?
    union all
    select
        s.source as d1,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events,
        case when e.event_type in ('pageview', 'event') and e.currency <> '' then 1 else 0 end as revenue_events,
        case when e.event_type in ('pageview', 'event') then e.revenue else 0 end as revenue,
        case when e.event_type in ('pageview', 'event') then e.currency else '' end as currency_min,
        case when e.event_type in ('pageview', 'event') then e.currency else '' end as currency_max
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
)
select
    d1,
    cast(coalesce(sum(v.events), 0) as bigint) as events,
    cast(coalesce(sum(v.revenue_events), 0) as bigint) as revenue_events,
    cast(coalesce(sum(v.revenue), 0) as bigint) as revenue,
    coalesce(min(nullif(v.currency_min, '')), '') as currency_min,
    coalesce(max(v.currency_max), '') as currency_max
from rows v
group by d1
-- [s 2 1782856800000 1783461600000 s s 2 1782856800000 1783461600000 1782856800000 1783461600000 s 2 1782856800000 1782943200000 1783375200000 1783461600000]


-- rows, events
select
    case when e.event_type = 'pageview' and e.name = '' then 'pageview' else e.name end as d1,
    count(*) as events,
    count(nullif(e.currency, '')) as revenue_events,
    cast(coalesce(sum(e.revenue), 0) as bigint) as revenue,
    coalesce(min(nullif(e.currency, '')), '') as currency_min,
    coalesce(max(nullif(e.currency, '')), '') as currency_max
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
group by d1
-- [s 2 1782856800000 1783461600000]


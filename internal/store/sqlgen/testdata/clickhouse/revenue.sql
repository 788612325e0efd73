-- rows, events
select
    case when e.event_type = 'pageview' and e.name = '' then 'pageview' else e.name end as d1,
    count(*) as events,
    count(nullif(e.currency, '')) as revenue_events,
    toInt64(coalesce(sum(e.revenue), 0)) as revenue,
    coalesce(min(nullif(e.currency, '')), '') as currency_min,
    coalesce(max(nullif(e.currency, '')), '') as currency_max
from events e
where e.website_id = {p1:String}
and e.bot_band < {p2:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
group by d1
-- [s 2 1782856800000 1783461600000]


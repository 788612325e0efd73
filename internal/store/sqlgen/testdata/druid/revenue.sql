-- rows, page_views
select
    r.source as d1,
    r.currency as currency,
    cast(coalesce(sum(r.events), 0) as bigint) as events,
    cast(coalesce(sum(r.revenue_events), 0) as bigint) as revenue_events,
    cast(coalesce(sum(r.revenue), 0) as bigint) as revenue
from "page_views" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
and r.in_session = 1
group by 1, 2
-- [s 2 1780264800000 1782856800000]


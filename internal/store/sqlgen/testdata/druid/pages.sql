-- rows, page_views
select
    r.page as d1,
    ds_hll(r.visitors, 12) as sketch,
    cast(coalesce(sum(r.views), 0) as bigint) as pageviews,
    cast(coalesce(sum(r.events), 0) as bigint) as events,
    cast(coalesce(sum(r.total_time), 0) as bigint) as engaged_ms
from "page_views" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
group by 1
-- [s 2 1780264800000 1782856800000]


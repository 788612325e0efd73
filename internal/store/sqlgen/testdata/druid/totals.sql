-- rows, page_views
select
    ds_hll(r.visitors, 12) as sketch,
    cast(coalesce(sum(r.views), 0) as bigint) as pageviews,
    cast(coalesce(sum(r.events), 0) as bigint) as events
from "page_views" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
-- [s 2 1780264800000 1782856800000]

-- rows, sources
select
    cast(coalesce(sum(r.sessions), 0) as bigint) as visits,
    cast(coalesce(sum(r.bounces), 0) as bigint) as bounces,
    cast(coalesce(sum(r.duration), 0) as bigint) as duration_ms,
    cast(coalesce(sum(r.pageviews), 0) as bigint) as session_pageviews
from "sources" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
-- [s 2 1780264800000 1782856800000]


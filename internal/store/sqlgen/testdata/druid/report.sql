-- rows, page_views
select
    r.source as d1,
    r.device_type as d2,
    cast((timestamp_to_millis(r.__time) - ?) / ? as bigint) as bucket,
    ds_hll(r.visitors, 12) as sketch,
    cast(coalesce(sum(r.views), 0) as bigint) as pageviews,
    cast(coalesce(sum(r.events), 0) as bigint) as events
from "page_views" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
and r.in_session = 1
group by 1, 2, 3
-- [1780264800000 86400000 s 2 1780264800000 1782856800000]

-- rows, sources
select
    r.source as d1,
    r.device_type as d2,
    cast((timestamp_to_millis(r.__time) - ?) / ? as bigint) as bucket,
    cast(coalesce(sum(r.sessions), 0) as bigint) as visits,
    cast(coalesce(sum(r.bounces), 0) as bigint) as bounces
from "sources" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
group by 1, 2, 3
-- [1780264800000 86400000 s 2 1780264800000 1782856800000]


-- rows, page_views
select
    cast((timestamp_to_millis(r.__time) - ?) / ? as bigint) as bucket,
    ds_hll(r.visitors, 12) as sketch,
    cast(coalesce(sum(r.events), 0) as bigint) as events
from "page_views" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
group by 1
-- [1780264800000 3600000 s 2 1780264800000 1781128800000]


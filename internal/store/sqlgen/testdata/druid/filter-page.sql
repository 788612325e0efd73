-- rows, page_views
select
    ds_hll(r.visitors, 12) as sketch,
    cast(coalesce(sum(r.events), 0) as bigint) as events
from "page_views" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
and r.page in (?, ?)
-- [s 2 1780264800000 1782856800000 / ]


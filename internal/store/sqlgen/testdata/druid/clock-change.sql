-- rows, page_views
select
    cast(case when timestamp_to_millis(r.__time) < ? then (timestamp_to_millis(r.__time) - ?) / ? when timestamp_to_millis(r.__time) < ? then ? else (timestamp_to_millis(r.__time) - ?) / ? + ? end as bigint) as bucket,
    cast(coalesce(sum(r.views), 0) as bigint) as pageviews,
    cast(coalesce(sum(r.events), 0) as bigint) as events
from "page_views" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
group by 1
-- [1774738800000 1772319600000 86400000 1774821600000 28 1774821600000 86400000 29 s 2 1772319600000 1777586400000]


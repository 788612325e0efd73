-- rows, sources
select
    cast(case when timestamp_to_millis(r.__time) < ? then (timestamp_to_millis(r.__time) - ?) / ? when timestamp_to_millis(r.__time) < ? then ? when timestamp_to_millis(r.__time) < ? then ? when timestamp_to_millis(r.__time) < ? then ? when timestamp_to_millis(r.__time) < ? then (timestamp_to_millis(r.__time) - ?) / ? + ? when timestamp_to_millis(r.__time) < ? then ? when timestamp_to_millis(r.__time) < ? then ? when timestamp_to_millis(r.__time) < ? then ? when timestamp_to_millis(r.__time) < ? then ? else ? end as bigint) as bucket,
    cast(coalesce(sum(r.sessions), 0) as bigint) as visits
from "sources" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
group by 1
-- [1756677600000 1751320800000 2678400000 1759269600000 2 1761951600000 3 1764543600000 4 1769900400000 1764543600000 2678400000 5 1772319600000 7 1774994400000 8 1777586400000 9 1780264800000 10 11 s 2 1751320800000 1782856800000]


-- rows, page_views
select
    ds_hll(r.visitors, 12) as sketch,
    cast(coalesce(sum(r.events), 0) as bigint) as events
from "page_views" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
and (lower(replace(replace(r.page, U&'\0130', 'i'), U&'\03A3', U&'\03C3')) in (lower(replace(replace(?, U&'\0130', 'i'), U&'\03A3', U&'\03C3'))) and (r.page <> '' and (strpos(lower(replace(replace(r.page, U&'\0130', 'i'), U&'\03A3', U&'\03C3')), lower(replace(replace(?, U&'\0130', 'i'), U&'\03A3', U&'\03C3'))) > 0)) and (r.page <> '' and (regexp_like(r.page, ?))))
-- [s 2 1780264800000 1782856800000 /A b [\x{43}\x{63}]]


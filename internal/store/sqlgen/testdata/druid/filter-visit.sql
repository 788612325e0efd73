-- rows, sources
select
    cast(coalesce(sum(r.sessions), 0) as bigint) as visits
from "sources" r
where r.website_id = ?
and r.bot_band < ?
and r.__time >= millis_to_timestamp(?) and r.__time < millis_to_timestamp(?)
and ((r.source <> '' and (strpos(r.source, ?) > 0 or strpos(r.source, ?) > 0)) or (r.campaign <> '' and (regexp_like(r.campaign, ?) or regexp_like(r.campaign, ?))))
-- [s 2 1780264800000 1782856800000 oo b_r% (?:\Aa) (?:b\z)]


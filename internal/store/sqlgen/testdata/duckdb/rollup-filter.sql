-- rows, rollup_days
select
    cast(case when r.bucket < ? then ? when r.bucket < ? then ? else ? end as bigint) as bucket,
    r.visitors as sketch,
    r.events as events,
    r.bucket as in_bucket,
    r.bot_band as in_band
from rollup_days r
where r.website_id = ?
and r.dimension = ?
and r.bot_band < ?
and r.bucket >= ? and r.bucket < ?
and not (r.value <> '' and (contains(r.value, ?) or contains(r.value, ?)))
-- [1774220400000 0 1774821600000 1 2 s event:page 2 1773961200000 1775426400000 /a /b]


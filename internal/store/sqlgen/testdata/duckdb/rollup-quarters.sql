-- rows, rollup_quarters
select
    cast((r.bucket - ?) // ? as bigint) as bucket,
    r.visitors as sketch,
    r.events as events,
    r.visits as visits,
    r.bucket as in_bucket,
    r.bot_band as in_band
from rollup_quarters r
where r.website_id = ?
and r.bot_band < ?
and r.bucket >= ? and r.bucket < ?
-- [1773961200000 3600000 s 2 1773961200000 1775426400000]


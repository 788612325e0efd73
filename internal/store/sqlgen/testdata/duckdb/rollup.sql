-- rows, rollup_days
select
    r.value as d1,
    r.visitors as sketch,
    r.events as events,
    r.revenue_events as revenue_events,
    r.revenue as revenue,
    r.currency as currency_min,
    r.currency as currency_max,
    r.visits as visits,
    r.bounces as bounces,
    r.bucket as in_bucket,
    r.bot_band as in_band
from rollup_days r
where r.website_id = ?
and r.dimension = ?
and r.bot_band < ?
and r.bucket >= ? and r.bucket < ?
-- [s visit:source 2 1773961200000 1775426400000]

-- total, rollup_days
select
    r.visitors as sketch,
    r.events as events
from rollup_days r
where r.website_id = ?
and r.dimension = ?
and r.bot_band < ?
and r.bucket >= ? and r.bucket < ?
-- [s  2 1773961200000 1775426400000]


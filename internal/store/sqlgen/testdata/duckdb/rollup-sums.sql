-- rows, rollup_days
select
    cast(case when r.bucket < ? then (r.bucket - ?) // ? when r.bucket < ? then ? else (r.bucket - ?) // ? + ? end as bigint) as bucket,
    cast(coalesce(sum(r.pageviews), 0) as bigint) as pageviews,
    cast(coalesce(sum(r.events), 0) as bigint) as events,
    cast(coalesce(sum(r.revenue_events), 0) as bigint) as revenue_events,
    cast(coalesce(sum(r.revenue), 0) as bigint) as revenue,
    coalesce(min(nullif(r.currency, '')), '') as currency_min,
    coalesce(max(nullif(r.currency, '')), '') as currency_max,
    cast(coalesce(sum(r.visits), 0) as bigint) as visits
from rollup_days r
where r.website_id = ?
and r.dimension = ?
and r.bot_band < ?
and r.bucket >= ? and r.bucket < ?
group by bucket
-- [1774738800000 1773961200000 86400000 1774821600000 9 1774821600000 86400000 10 s  2 1773961200000 1775426400000]


-- rows, events
select
    e.page as d1,
    cast(case when e.timestamp < ? then ? else ? end as bigint) as bucket,
    count(*) filter (where e.event_type = 'pageview') as pageviews,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
group by d1, bucket
-- [1774738800000 0 1 s 2 1774652400000 1774821600000]


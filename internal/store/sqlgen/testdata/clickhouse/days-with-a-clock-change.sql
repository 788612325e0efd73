-- rows, events
select
    e.page as d1,
    toInt64(case when toUnixTimestamp64Milli(e.timestamp) < {p1:Int64} then {p2:Int64} else {p3:Int64} end) as bucket,
    count(*) filter (where e.event_type = 'pageview') as pageviews,
    count(*) as events
from events e
where e.website_id = {p4:String}
and e.bot_band < {p5:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
group by d1, bucket
-- [1774738800000 0 1 s 2 1774652400000 1774821600000]


-- rows, events
select
    e.page as d1,
    e.properties[{p1:String}] as d2,
    toInt64(case when toUnixTimestamp64Milli(e.timestamp) < {p2:Int64} then {p3:Int64} else {p4:Int64} end) as bucket,
    count(distinct e.sample_key) as visitors,
    count(*) filter (where e.event_type = 'pageview') as pageviews,
    count(*) as events
from events e
where e.website_id = {p5:String}
and e.bot_band < {p6:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p7:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p8:Int64}, 'UTC')
and case when e.event_type = 'pageview' and e.name = '' then 'pageview' else e.name end in ({p9:String})
group by d1, d2, bucket
-- [it's 1774738800000 0 1 s 2 1774652400000 1774821600000 Buy]


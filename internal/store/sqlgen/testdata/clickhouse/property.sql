-- rows, events
select
    e.properties[{p1:String}] as d1,
    count(*) as events
from events e
where e.website_id = {p2:String}
and e.bot_band < {p3:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p4:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p5:Int64}, 'UTC')
group by d1
-- [it's s 2 1782856800000 1783461600000]


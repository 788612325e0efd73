-- rows, events
select
    toInt64(intDiv((toUnixTimestamp64Milli(e.timestamp) - {p1:Int64}), {p2:Int64})) as bucket,
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = {p3:String}
and e.bot_band < {p4:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p5:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p6:Int64}, 'UTC')
group by bucket
-- [1782856800000 86400000 s 2 1782856800000 1783461600000]

-- rows, sessions
select
    toInt64(intDiv((toUnixTimestamp64Milli(s.session_start) - {p1:Int64}), {p2:Int64})) as bucket,
    count(*) as visits
from sessions as s final
where s.website_id = {p3:String}
and s.bot_band < {p4:Int64}
and s.session_start >= fromUnixTimestamp64Milli({p5:Int64}, 'UTC') and s.session_start < fromUnixTimestamp64Milli({p6:Int64}, 'UTC')
group by bucket
-- [1782856800000 86400000 s 2 1782856800000 1783461600000]


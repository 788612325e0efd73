-- rows, events
select
    count(distinct e.sample_key) as visitors,
    count(*) filter (where e.event_type = 'pageview') as pageviews,
    count(*) as events
from events e
where e.website_id = {p1:String}
and e.bot_band < {p2:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
-- [s 2 1782856800000 1783461600000]

-- rows, sessions
select
    count(*) as visits,
    count(*) filter (where s.bounce) as bounces,
    toInt64(coalesce(sum(toUnixTimestamp64Milli(s.session_end) - toUnixTimestamp64Milli(s.session_start)), 0)) as duration_ms,
    toInt64(coalesce(sum(s.pageviews), 0)) as session_pageviews
from sessions as s final
where s.website_id = {p1:String}
and s.bot_band < {p2:Int64}
and s.session_start >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and s.session_start < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
-- [s 2 1782856800000 1783461600000]


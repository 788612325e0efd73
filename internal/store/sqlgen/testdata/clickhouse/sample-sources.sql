-- rows, events+session
select
    d1,
    count(*) filter (where v.events > 0) as visitors,
    toInt64(coalesce(sum(v.events), 0)) as events
from (
    select
        s.source as d1,
        count(*) as events,
        e.sample_key as visitor
    from events e
    join (select * from sessions final where website_id = {p1:String} and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end
    where e.website_id = {p4:String}
    and e.bot_band < {p5:Int64}
    and e.event_type in ('pageview', 'event')
    and e.timestamp >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
    and e.sample_key % 10 = 0
    group by d1, visitor
) v
group by d1
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000]

-- rows, sessions
select
    d1,
    toInt64(coalesce(sum(v.visits), 0)) as visits,
    toInt64(coalesce(sum(v.bounces), 0)) as bounces,
    coalesce(sum(toFloat64(v.bounces) * v.bounces), 0) as p1,
    coalesce(sum(toFloat64(v.bounces) * v.visits), 0) as p2,
    coalesce(sum(toFloat64(v.visits) * v.visits), 0) as p3
from (
    select
        s.source as d1,
        count(*) as visits,
        count(*) filter (where s.bounce) as bounces,
        s.sample_key as visitor
    from sessions as s final
    where s.website_id = {p1:String}
    and s.bot_band < {p2:Int64}
    and s.session_start >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and s.session_start < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
    and s.sample_key % 10 = 0
    group by d1, visitor
) v
group by d1
-- [s 2 1782856800000 1783461600000]


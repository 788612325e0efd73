-- rows, sessions+edges
with rows as (
    select
        s.source as d1,
        s.sample_key as visitors,
        s.events as events
    from (select * from sessions final where website_id = {p1:String} and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) s
    where s.website_id = {p4:String}
    and s.bot_band < {p5:Int64}
    and s.chain_start >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
    union all
    select
        s.source as d1,
        case when e.event_type in ('pageview', 'event') then e.sample_key end as visitors,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events
    from events e
    join (select * from sessions final where website_id = {p8:String} and session_start >= fromUnixTimestamp64Milli({p9:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p10:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end
    where s.website_id = {p11:String}
    and s.bot_band < {p12:Int64}
    and s.session_end >= fromUnixTimestamp64Milli({p13:Int64}, 'UTC') and s.chain_start < fromUnixTimestamp64Milli({p14:Int64}, 'UTC')
    and not (s.chain_start >= fromUnixTimestamp64Milli({p15:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p16:Int64}, 'UTC'))
    and e.website_id = {p17:String}
    and e.bot_band < {p18:Int64}
    and e.event_type in ('pageview', 'event', 'engagement')
    and (e.timestamp >= fromUnixTimestamp64Milli({p19:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p20:Int64}, 'UTC') or e.timestamp >= fromUnixTimestamp64Milli({p21:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p22:Int64}, 'UTC'))
    union all
    select
        s.source as d1,
        arrayJoin(s.visitors) as visitors,
        0 as events
    from (select * from sessions final where website_id = {p23:String} and session_start >= fromUnixTimestamp64Milli({p24:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p25:Int64}, 'UTC')) s
    where s.website_id = {p26:String}
    and s.bot_band < {p27:Int64}
    and s.chain_start >= fromUnixTimestamp64Milli({p28:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p29:Int64}, 'UTC')
    and notEmpty(s.visitors)
)
select
    d1,
    count(distinct v.visitors) as visitors,
    toInt64(coalesce(sum(v.events), 0)) as events
from rows v
group by d1
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 1782856800000 1783461600000 s 2 1782856800000 1782943200000 1783375200000 1783461600000 s 1782770400000 1783548000000 s 2 1782856800000 1783461600000]

-- rows, sessions
select
    s.source as d1,
    count(*) as visits
from sessions as s final
where s.website_id = {p1:String}
and s.bot_band < {p2:Int64}
and s.session_start >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and s.session_start < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
group by d1
-- [s 2 1782856800000 1783461600000]

-- total, events
select
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = {p1:String}
and e.bot_band < {p2:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
-- [s 2 1782856800000 1783461600000]


-- rows, sessions+edges
with rows as (
    select
        s.source as d1,
        toInt64(intDiv((toUnixTimestamp64Milli(s.chain_start) - {p1:Int64}), {p2:Int64})) as bucket,
        s.sample_key as visitors,
        s.events as events
    from (select * from sessions final where website_id = {p3:String} and session_start >= fromUnixTimestamp64Milli({p4:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p5:Int64}, 'UTC')) s
    where s.website_id = {p6:String}
    and s.bot_band < {p7:Int64}
    and s.chain_start >= fromUnixTimestamp64Milli({p8:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p9:Int64}, 'UTC') and toInt64(intDiv((toUnixTimestamp64Milli(s.chain_start) - {p10:Int64}), {p11:Int64})) = toInt64(intDiv((toUnixTimestamp64Milli(s.session_end) - {p12:Int64}), {p13:Int64}))
    union all
    select
        s.source as d1,
        toInt64(intDiv((toUnixTimestamp64Milli(e.timestamp) - {p14:Int64}), {p15:Int64})) as bucket,
        case when e.event_type in ('pageview', 'event') then e.sample_key end as visitors,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events
    from events e
    join (select * from sessions final where website_id = {p16:String} and session_start >= fromUnixTimestamp64Milli({p17:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p18:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end
    where s.website_id = {p19:String}
    and s.bot_band < {p20:Int64}
    and s.session_end >= fromUnixTimestamp64Milli({p21:Int64}, 'UTC') and s.chain_start < fromUnixTimestamp64Milli({p22:Int64}, 'UTC')
    and not (s.chain_start >= fromUnixTimestamp64Milli({p23:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p24:Int64}, 'UTC') and toInt64(intDiv((toUnixTimestamp64Milli(s.chain_start) - {p25:Int64}), {p26:Int64})) = toInt64(intDiv((toUnixTimestamp64Milli(s.session_end) - {p27:Int64}), {p28:Int64})))
    and e.website_id = {p29:String}
    and e.bot_band < {p30:Int64}
    and e.event_type in ('pageview', 'event', 'engagement')
    and e.timestamp >= fromUnixTimestamp64Milli({p31:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p32:Int64}, 'UTC')
    union all
    select
        s.source as d1,
        toInt64(intDiv((toUnixTimestamp64Milli(s.chain_start) - {p33:Int64}), {p34:Int64})) as bucket,
        arrayJoin(s.visitors) as visitors,
        0 as events
    from (select * from sessions final where website_id = {p35:String} and session_start >= fromUnixTimestamp64Milli({p36:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p37:Int64}, 'UTC')) s
    where s.website_id = {p38:String}
    and s.bot_band < {p39:Int64}
    and s.chain_start >= fromUnixTimestamp64Milli({p40:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p41:Int64}, 'UTC') and toInt64(intDiv((toUnixTimestamp64Milli(s.chain_start) - {p42:Int64}), {p43:Int64})) = toInt64(intDiv((toUnixTimestamp64Milli(s.session_end) - {p44:Int64}), {p45:Int64}))
    and notEmpty(s.visitors)
)
select
    d1,
    bucket,
    count(distinct v.visitors) as visitors,
    toInt64(coalesce(sum(v.events), 0)) as events
from rows v
group by d1, bucket
-- [1782856800000 86400000 s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 1782856800000 86400000 1782856800000 86400000 1782856800000 86400000 s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 1782856800000 1783461600000 1782856800000 86400000 1782856800000 86400000 s 2 1782856800000 1783461600000 1782856800000 86400000 s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 1782856800000 86400000 1782856800000 86400000]


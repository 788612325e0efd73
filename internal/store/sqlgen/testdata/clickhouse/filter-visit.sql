-- rows, sessions+edges
with rows as (
    select
        s.sample_key as visitors,
        s.events as events
    from (select * from sessions final where website_id = {p1:String} and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) s
    where s.website_id = {p4:String}
    and s.bot_band < {p5:Int64}
    and s.chain_start >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
    and ((s.source <> '' and (position(s.source, {p8:String}) > 0 or position(s.source, {p9:String}) > 0)) or (s.campaign <> '' and (match(s.campaign, {p10:String}) or match(s.campaign, {p11:String}))))
    union all
    select
        case when e.event_type in ('pageview', 'event') then e.sample_key end as visitors,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events
    from events e
    join (select * from sessions final where website_id = {p12:String} and session_start >= fromUnixTimestamp64Milli({p13:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p14:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end
    where s.website_id = {p15:String}
    and s.bot_band < {p16:Int64}
    and s.session_end >= fromUnixTimestamp64Milli({p17:Int64}, 'UTC') and s.chain_start < fromUnixTimestamp64Milli({p18:Int64}, 'UTC')
    and not (s.chain_start >= fromUnixTimestamp64Milli({p19:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p20:Int64}, 'UTC'))
    and e.website_id = {p21:String}
    and e.bot_band < {p22:Int64}
    and e.event_type in ('pageview', 'event', 'engagement')
    and (e.timestamp >= fromUnixTimestamp64Milli({p23:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p24:Int64}, 'UTC') or e.timestamp >= fromUnixTimestamp64Milli({p25:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p26:Int64}, 'UTC'))
    and ((s.source <> '' and (position(s.source, {p27:String}) > 0 or position(s.source, {p28:String}) > 0)) or (s.campaign <> '' and (match(s.campaign, {p29:String}) or match(s.campaign, {p30:String}))))
    union all
    select
        arrayJoin(s.visitors) as visitors,
        0 as events
    from (select * from sessions final where website_id = {p31:String} and session_start >= fromUnixTimestamp64Milli({p32:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p33:Int64}, 'UTC')) s
    where s.website_id = {p34:String}
    and s.bot_band < {p35:Int64}
    and s.chain_start >= fromUnixTimestamp64Milli({p36:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p37:Int64}, 'UTC')
    and ((s.source <> '' and (position(s.source, {p38:String}) > 0 or position(s.source, {p39:String}) > 0)) or (s.campaign <> '' and (match(s.campaign, {p40:String}) or match(s.campaign, {p41:String}))))
    and notEmpty(s.visitors)
)
select
    count(distinct v.visitors) as visitors,
    toInt64(coalesce(sum(v.events), 0)) as events
from rows v
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 oo b_r% ^a b$ s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 1782856800000 1783461600000 s 2 1782856800000 1782943200000 1783375200000 1783461600000 oo b_r% ^a b$ s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 oo b_r% ^a b$]


-- rows, events+session
select
    e.page as d1,
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
join (select * from sessions final where website_id = {p1:String} and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end
where e.website_id = {p4:String}
and e.bot_band < {p5:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
and ((s.session_id, s.bot_band, s.chain_start) in (select s.session_id, s.bot_band, s.chain_start from events e join (select * from sessions final where website_id = {p8:String} and session_start >= fromUnixTimestamp64Milli({p9:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p10:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end where e.website_id = {p11:String} and e.bot_band < {p12:Int64} and e.event_type in ('pageview', 'event') and e.timestamp >= fromUnixTimestamp64Milli({p13:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p14:Int64}, 'UTC') and case when e.event_type = 'pageview' and e.name = '' then 'pageview' else e.name end in ({p15:String})) and not (s.session_id, s.bot_band, s.chain_start) in (select s.session_id, s.bot_band, s.chain_start from events e join (select * from sessions final where website_id = {p16:String} and session_start >= fromUnixTimestamp64Milli({p17:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p18:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end where e.website_id = {p19:String} and e.bot_band < {p20:Int64} and e.event_type in ('pageview', 'event') and e.timestamp >= fromUnixTimestamp64Milli({p21:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p22:Int64}, 'UTC') and e.page in ({p23:String})))
group by d1
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 Buy s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 /]

-- rows, sessions by event
with matched as (
    select distinct
        e.page as d1,
        s.session_id,
        s.bot_band,
        s.chain_start,
        s.sample_key as sample_key,
        s.bounce as bounce,
        s.pageviews as pageviews,
        toUnixTimestamp64Milli(s.session_end) - toUnixTimestamp64Milli(s.session_start) as duration
    from events e
    join (select * from sessions final where website_id = {p1:String} and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end
    where e.website_id = {p4:String}
    and e.bot_band < {p5:Int64}
    and e.event_type in ('pageview', 'event')
    and e.timestamp >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
    and ((s.session_id, s.bot_band, s.chain_start) in (select s.session_id, s.bot_band, s.chain_start from events e join (select * from sessions final where website_id = {p8:String} and session_start >= fromUnixTimestamp64Milli({p9:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p10:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end where e.website_id = {p11:String} and e.bot_band < {p12:Int64} and e.event_type in ('pageview', 'event') and e.timestamp >= fromUnixTimestamp64Milli({p13:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p14:Int64}, 'UTC') and case when e.event_type = 'pageview' and e.name = '' then 'pageview' else e.name end in ({p15:String})) and not (s.session_id, s.bot_band, s.chain_start) in (select s.session_id, s.bot_band, s.chain_start from events e join (select * from sessions final where website_id = {p16:String} and session_start >= fromUnixTimestamp64Milli({p17:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p18:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end where e.website_id = {p19:String} and e.bot_band < {p20:Int64} and e.event_type in ('pageview', 'event') and e.timestamp >= fromUnixTimestamp64Milli({p21:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p22:Int64}, 'UTC') and e.page in ({p23:String})))
)
select
    d1,
    count(*) as visits
from matched s
group by d1
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 Buy s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 /]


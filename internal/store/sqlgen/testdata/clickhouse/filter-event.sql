-- rows, events
select
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = {p1:String}
and e.bot_band < {p2:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
and e.page in ({p5:String}, {p6:String})
-- [s 2 1782856800000 1783461600000 / ]

-- rows, sessions by event
with matched as (
    select distinct
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
    and e.page in ({p8:String}, {p9:String})
)
select
    count(*) as visits
from matched s
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 / ]


-- rows, events
select
    e.page as d1,
    count(distinct case when e.event_type in ('pageview', 'event') then e.sample_key end) as visitors,
    count(*) filter (where e.event_type = 'pageview') as pageviews,
    count(*) filter (where e.event_type in ('pageview', 'event')) as events,
    toInt64(coalesce(sum(case when e.event_type = 'engagement' then e.time_on_page end), 0)) as engaged_ms
from events e
where e.website_id = {p1:String}
and e.bot_band < {p2:Int64}
and e.event_type in ('pageview', 'event', 'engagement')
and e.timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
group by d1
-- [s 2 1782856800000 1783461600000]

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
)
select
    d1,
    count(*) as visits
from matched s
group by d1
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000]

-- rows, scroll
with depths as (
    select
        e.page as d1,
        s.sample_key as sample_key,
        toInt64(max(e.scroll_depth)) as depth
    from events e
    join (select * from sessions final where website_id = {p1:String} and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) s on s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end
    where e.website_id = {p4:String}
    and e.bot_band < {p5:Int64}
    and e.event_type = 'engagement' and e.scroll_depth >= 0
    and e.timestamp >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
    group by d1, s.session_id, s.bot_band, s.chain_start, s.sample_key, e.page
)
select
    d1,
    toInt64(coalesce(sum(s.depth), 0)) as scroll_sum,
    count(*) as scroll_count
from depths s
group by d1
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000]


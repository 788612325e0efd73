-- rows, sessions+edges
with rows as (
    select
        s.source as d1,
        s.events as events,
        s.revenue_events as revenue_events,
        s.revenue as revenue,
        s.currency as currency_min,
        s.currency as currency_max
    from (select * from sessions final where website_id = {p1:String} and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) s
    where s.website_id = {p4:String}
    and s.bot_band < {p5:Int64}
    and s.chain_start >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') and s.session_end < fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
    union all
    select
        s.source as d1,
        case when e.event_type in ('pageview', 'event') then 1 else 0 end as events,
        case when e.event_type in ('pageview', 'event') and e.currency <> '' then 1 else 0 end as revenue_events,
        case when e.event_type in ('pageview', 'event') then e.revenue else 0 end as revenue,
        case when e.event_type in ('pageview', 'event') then e.currency else '' end as currency_min,
        case when e.event_type in ('pageview', 'event') then e.currency else '' end as currency_max
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
)
select
    d1,
    toInt64(coalesce(sum(v.events), 0)) as events,
    toInt64(coalesce(sum(v.revenue_events), 0)) as revenue_events,
    toInt64(coalesce(sum(v.revenue), 0)) as revenue,
    coalesce(min(nullif(v.currency_min, '')), '') as currency_min,
    coalesce(max(v.currency_max), '') as currency_max
from rows v
group by d1
-- [s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 s 1782770400000 1783548000000 s 2 1782856800000 1783461600000 1782856800000 1783461600000 s 2 1782856800000 1782943200000 1783375200000 1783461600000]


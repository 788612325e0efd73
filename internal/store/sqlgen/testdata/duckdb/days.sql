-- rows, events
select
    cast((e.timestamp - ?) // ? as bigint) as bucket,
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
group by bucket
-- [1782856800000 86400000 s 2 1782856800000 1783461600000]

-- rows, sessions
select
    cast((s.session_start - ?) // ? as bigint) as bucket,
    count(*) as visits
from sessions s
where s.website_id = ?
and s.bot_band < ?
and s.session_start >= ? and s.session_start < ?
group by bucket
-- [1782856800000 86400000 s 2 1782856800000 1783461600000]


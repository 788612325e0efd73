-- rows, events
select
    coalesce(e.properties[?], '') as d1,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
group by d1
-- [it's s 2 1782856800000 1783461600000]


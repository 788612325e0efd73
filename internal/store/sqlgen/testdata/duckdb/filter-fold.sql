-- rows, events
select
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = ?
and e.bot_band < ?
and e.event_type in ('pageview', 'event')
and e.timestamp >= ? and e.timestamp < ?
and (lower(e.page) in (lower(?)) and (e.page <> '' and (contains(lower(e.page), lower(?)))) and (e.page <> '' and (regexp_matches(e.page, ?, 'i'))))
-- [s 2 1782856800000 1783461600000 /A b c]


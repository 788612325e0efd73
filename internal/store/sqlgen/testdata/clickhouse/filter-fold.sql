-- rows, events
select
    count(distinct e.sample_key) as visitors,
    count(*) as events
from events e
where e.website_id = {p1:String}
and e.bot_band < {p2:Int64}
and e.event_type in ('pageview', 'event')
and e.timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') and e.timestamp < fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
and (lowerUTF8(translateUTF8(e.page, 'İΣ', 'iσ')) in (lowerUTF8(translateUTF8({p5:String}, 'İΣ', 'iσ'))) and (e.page <> '' and (position(lowerUTF8(translateUTF8(e.page, 'İΣ', 'iσ')), lowerUTF8(translateUTF8({p6:String}, 'İΣ', 'iσ'))) > 0)) and (e.page <> '' and (match(e.page, concat('(?i)', {p7:String})))))
-- [s 2 1782856800000 1783461600000 /A b c]


-- The keys of sessions that have events behind the cut.
select distinct website_id, session_id, bot_band
from events
where received_at >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
    and cityHash64(website_id, session_id) % {p2:UInt64} = {p3:UInt64}
    and event_type in ('pageview', 'event', 'engagement')

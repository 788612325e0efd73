select distinct website_id, session_id, bot_band
from events
where timestamp >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
    and event_type in ('pageview', 'event', 'engagement')

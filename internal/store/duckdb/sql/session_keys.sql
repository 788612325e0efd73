select distinct website_id, session_id, bot_band
from events
where timestamp >= $1
    and event_type in ('pageview', 'event', 'engagement')

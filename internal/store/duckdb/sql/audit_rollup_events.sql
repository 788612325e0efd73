-- The events of a site in a range, each with the attributes of its session: null in all of them without one.
select
    events.timestamp, events.bot_band, event_type, events.visitor_coupon, time_on_page, events.revenue, events.currency,
    page, hostname, name, sessions.session_start is not null,
    %[1]s
from events
left join sessions on sessions.website_id = events.website_id
    and sessions.session_id = events.session_id
    and sessions.bot_band = events.bot_band
    and events.timestamp between sessions.chain_start and sessions.session_end
    and sessions.session_start between $2 - 172800000 and $3 + 172800000
where events.website_id = $1
    and events.timestamp >= $2
    and events.timestamp < $3
    and event_type in ('pageview', 'event', 'engagement')

select
    event_id_high, website_id, session_id, user_id, event_type, interactive, timestamp, sample_key, visitor_coupon, bot_band,
    revenue, currency, time_on_page,
    page, hostname, referrer, source, medium, campaign, term, content, channel,
    country, region, city, device_type, browser, browser_version, os, os_version, screen, language, event_id_low
from events
where website_id = $1
    and event_type in ('pageview', 'event', 'engagement')
    and %[1]s

select
    event_id_high, event_id_low, website_id, session_id, user_id, event_type, name, interactive, timestamp, received_after,
    sample_key, visitor_coupon, bot_score, bot_band, revenue, currency, time_on_page, value,
    page, hostname, title, referrer, source, medium, campaign, term, content, channel,
    country, region, city, device_type, browser, browser_version, os, os_version, screen, language,
    category, action, label
from events
where timestamp >= $1

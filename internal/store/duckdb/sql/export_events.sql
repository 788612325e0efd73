select
    timestamp, received_after, event_id_high, event_id_low, event_type, name, interactive, user_id, sample_key, visitor_coupon, session_id,
    page, hostname, title, referrer, source, medium, campaign, term, content, channel,
    ip_address, country, region, city, device_type, browser, browser_version, os, os_version, screen, language,
    bot_score, bot_band, bot_reasons, category, action, label, value, revenue, currency, time_on_page, scroll_depth,
    map_keys(properties), map_values(properties), flags
from events
where website_id = ? and timestamp >= ? and timestamp < ?
order by timestamp, id_high(event_id_high, timestamp), event_id_low

select
    event_id, website_id, session_id, user_id, event_type, interactive, toUnixTimestamp64Milli(timestamp), sample_key, visitor_coupon, bot_band,
    revenue, currency, time_on_page,
    page, hostname, referrer, source, medium, campaign, term, content, channel,
    country, region, city, device_type, browser, browser_version, os, os_version, screen, language,
    name, toUnixTimestamp64Milli(received_at), bot_score, value, title, category, action, label
from events
where timestamp >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')

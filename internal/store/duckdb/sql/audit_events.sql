select
    event_id_high, website_id, session_id, user_id, event_type, interactive, timestamp, sample_key, visitor_coupon, bot_band,
    revenue, currency, time_on_page,
    page, hostname, referrer, source, medium, campaign, term, content, channel,
    country, region, city, device_type, browser, browser_version, os, os_version, screen, language, event_id_low
from events
where timestamp >= ? and timestamp < ?
    and event_type in ('pageview', 'event', 'engagement')
    and hash(website_id, session_id) %% %[1]d = %[2]d
order by website_id, session_id, bot_band, timestamp, id_high(event_id_high, timestamp), event_id_low

select
    event_id, website_id, session_id, user_id, event_type, interactive, toUnixTimestamp64Milli(timestamp), sample_key, visitor_coupon, bot_band,
    revenue, currency, time_on_page,
    page, hostname, referrer, source, medium, campaign, term, content, channel,
    country, region, city, device_type, browser, browser_version, os, os_version, screen, language
from events
where received_at < fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
    and cityHash64(website_id, session_id) % {p2:UInt64} = {p3:UInt64}
    and event_type in ('pageview', 'event', 'engagement')
order by website_id, session_id, bot_band, timestamp, toString(event_id)

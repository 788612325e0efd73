select
    event_id, website_id, session_id, user_id, event_type, interactive, toUnixTimestamp64Milli(timestamp), sample_key, visitor_coupon, bot_band,
    revenue, currency, time_on_page,
    page, hostname, referrer, source, medium, campaign, term, content, channel,
    country, region, city, device_type, browser, browser_version, os, os_version, screen, language
from events
where timestamp between fromUnixTimestamp64Milli({p1:Int64}, 'UTC') and fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and website_id in (select website_id from spans)
    and session_id in (select session_id from spans)
    and event_type in ('pageview', 'event', 'engagement')

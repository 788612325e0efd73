select
    event_id, website_id, session_id, user_id, event_type, interactive, toUnixTimestamp64Milli(timestamp), sample_key, visitor_coupon, bot_band,
    revenue, currency, time_on_page,
    page, hostname, referrer, source, medium, campaign, term, content, channel,
    country, region, city, device_type, browser, browser_version, os, os_version, screen, language
from events
where website_id = {p1:String}
    and (empty({p5:Array(String)}) or has({p5:Array(String)}, session_id))
    and event_type in ('pageview', 'event', 'engagement')

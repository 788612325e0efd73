select
    website_id, session_id, bot_band, toUnixTimestamp64Milli(chain_start), toUnixTimestamp64Milli(session_start), toUnixTimestamp64Milli(session_end),
    user_id, sample_key, visitor_coupon, visitors, visitor_coupons,
    pageviews, events, interactive, engaged_ms, revenue_events, revenue, currency, bounce,
    entry_page, entry_hostname, exit_page, exit_hostname,
    source, medium, campaign, term, content, channel, referrer, country, region, city,
    device_type, browser, browser_version, os, os_version, screen, language
from sessions final

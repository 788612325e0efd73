select
    website_id, session_id, bot_band, chain_start, session_start, session_end, user_id, sample_key, visitor_coupon,
    visitors, visitor_coupons, pageviews, events, interactive, engaged_ms, revenue_events, revenue, currency, bounce,
    entry_page, entry_hostname, exit_page, exit_hostname,
    source, medium, campaign, term, content, channel, referrer, country, region, city,
    device_type, browser, browser_version, os, os_version, screen, language
from sessions
where chain_start >= ? and chain_start < ?
    and hash(website_id, session_id) %% %[1]d = %[2]d

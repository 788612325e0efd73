-- A join, as spans do not overlap: for an exists with a range, DuckDB first keeps all columns of all events between the times, on disk where
-- they are many.
select
    event_id_high, events.website_id, events.session_id, user_id, event_type, interactive, timestamp, sample_key, visitor_coupon, bot_band,
    revenue, currency, time_on_page,
    page, hostname, referrer, source, medium, campaign, term, content, channel,
    country, region, city, device_type, browser, browser_version, os, os_version, screen, language, event_id_low
from events
join (
    select
        unnest($1::varchar[]) as website_id, unnest($2::varchar[]) as session_id, unnest($3::bigint[]) as band,
        unnest($4::bigint[]) as first, unnest($5::bigint[]) as last
) as spans on spans.website_id = events.website_id
    and spans.session_id = events.session_id
    and spans.band = events.bot_band
    and events.timestamp between spans.first and spans.last
where timestamp between %d and %d
    and event_type in ('pageview', 'event', 'engagement')

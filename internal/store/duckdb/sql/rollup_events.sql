-- Event measures by bucket, band and one value of the events themselves.
-- %[1]s: the bucket of events.timestamp; %[2]s: the value; %[3]s: the types that make rows
-- $1 site, $2 and $3 range, $4 day by quarter hour since $2
select
    %[1]s as bucket,
    bot_band,
    %[2]s as value,
    count(*) filter (event_type = 'pageview') as pageviews,
    count(*) filter (event_type in ('pageview', 'event')) as events,
    coalesce(sum(time_on_page) filter (event_type = 'engagement'), 0)::bigint as engaged_ms,
    count(*) filter (event_type in ('pageview', 'event') and currency <> '') as revenue_events,
    coalesce(sum(revenue) filter (event_type in ('pageview', 'event') and currency <> ''), 0)::bigint as revenue,
    coalesce(min(currency) filter (event_type in ('pageview', 'event') and currency <> ''), '') as currency,
    coalesce(max(currency) filter (event_type in ('pageview', 'event') and currency <> ''), '') as other_currency,
    0::bigint as visits,
    0::bigint as bounces,
    0::bigint as duration_ms,
    0::bigint as session_pageviews,
    list(distinct visitor_coupon) filter (event_type in ('pageview', 'event')) as coupons
from events
where website_id = $1
    and timestamp >= $2
    and timestamp < $3
    and event_type in (%[3]s)
    and len($4::bigint[]) > 0
group by 1, 2, 3

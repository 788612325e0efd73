-- All measures by day, band and one value of the sessions. A session that lies in one day gives its sums; of one that
-- crosses an edge, the events are read.
-- %[1]s, %[2]s: the day of sessions.session_start and of events.timestamp; %[3]s: the value
-- %[4]s: that chain_start and session_end lie in the same day of the range
-- $1 site, $2 and $3 range, $4 day by quarter hour since $2
with near as (
    select * exclude (website_id), %[3]s as value, (%[4]s) is true as whole
    from sessions
    where website_id = $1
        and session_start >= $2 - 172800000
        and session_start < $3 + 172800000
        and session_end >= $2
        and chain_start < $3
),
parts as (
    select
        %[1]s as bucket, bot_band, value,
        if(whole, pageviews, 0) as pageviews, if(whole, events, 0) as events, if(whole, engaged_ms, 0) as engaged_ms,
        if(whole, revenue_events, 0) as revenue_events, if(whole, revenue, 0) as revenue, if(whole, currency, '') as currency,
        1 as visits, bounce::bigint as bounces, session_end - session_start as duration_ms, pageviews as session_pageviews,
        if(whole, visitor_coupon, null) as coupon
    from near
    where session_start >= $2 and session_start < $3
    union all
    select %[1]s, bot_band, value, 0, 0, 0, 0, 0, '', 0, 0, 0, 0, unnest(visitor_coupons)
    from near
    where whole and visitor_coupons is not null
    union all
    select
        %[2]s, events.bot_band, near.value,
        (event_type = 'pageview')::bigint, (event_type <> 'engagement')::bigint, if(event_type = 'engagement', time_on_page, 0),
        (event_type <> 'engagement' and events.currency <> '')::bigint,
        if(event_type <> 'engagement', events.revenue, 0), if(event_type <> 'engagement', events.currency, ''),
        0, 0, 0, 0, if(event_type <> 'engagement', events.visitor_coupon, null)
    from near
    join events on events.session_id = near.session_id
        and events.bot_band = near.bot_band
        and events.timestamp between near.chain_start and near.session_end
    where not near.whole
        and events.website_id = $1
        and events.timestamp >= $2
        and events.timestamp < $3
        and event_type in ('pageview', 'event', 'engagement')
)
select
    bucket,
    bot_band,
    value,
    sum(pageviews)::bigint as pageviews,
    sum(events)::bigint as events,
    sum(engaged_ms)::bigint as engaged_ms,
    sum(revenue_events)::bigint as revenue_events,
    sum(revenue)::bigint as revenue,
    coalesce(min(currency) filter (currency <> ''), '') as currency,
    coalesce(max(currency) filter (currency <> ''), '') as other_currency,
    sum(visits)::bigint as visits,
    sum(bounces)::bigint as bounces,
    sum(duration_ms)::bigint as duration_ms,
    sum(session_pageviews)::bigint as session_pageviews,
    list(distinct coupon) filter (coupon is not null) as coupons
from parts
where len($4::bigint[]) > 0
group by 1, 2, 3

-- The daily job: from the archive, the rollups by the minute of whole days (UTC), their sessions, and what was counted.
-- docs/format/daily.md draws what goes in and comes out; docs/semantics.md is the meaning; internal/stream and the rollups of
-- internal/store/duckdb are what it must be equal to.
--
-- Variables: events (path of the archived days, two more on each side than are made), from and to (ms, half open: the days that are
-- made), out (an empty folder).
--
-- A session that concerns a day lies within the day before and the day behind: a longer chain is cut at midnight. That a chain is
-- longer shows in the half hour beyond: so much more is read. What is cut off by the ends of that window starts on no day that is made.

create temporary view archived
using parquet
options (path '${events}', pathGlobFilter '*.parquet');

-- A repeated id is a duplicate when the copy before it was received within 7 days of it (late_limit).
create temporary view kept as
select * except (earlier)
from (
    select
        website_id, event_id, event_type, session_id, bot_band, user_id, sample_key, visitor_coupon, page, hostname,
        source, medium, campaign, term, content, channel, referrer, country, region, city,
        device_type, browser, browser_version, os, os_version, screen, language,
        interactive, revenue, currency, time_on_page,
        unix_millis(timestamp) as at, unix_millis(received_at) as received,
        event_type in ('pageview', 'event') as counted,
        event_type in ('pageview', 'event', 'engagement') as forms,
        received_at - lag(received_at) over (
            partition by website_id, event_id
            order by received_at, log_topic, log_partition, log_position
        ) <= interval '7' day as earlier
    from archived
    where timestamp >= timestamp_millis(${from} - 88200000)
        and timestamp < timestamp_millis(${to} + 88200000)
)
where earlier is not true;

-- Ties go by id, and of one id that was received again after the 7 days, by receipt.
-- Every event and, of those that form sessions, the number of its chain and, where the chain is longer than 24 h, its day.
create temporary view cut as
select
    *,
    if(max(at) over chains - min(at) over chains > 86400000, at div 86400000, 0) as piece
from (
    select
        *,
        count_if(parted) over (
            partition by forms, website_id, session_id, bot_band
            order by at, event_id, received
            rows between unbounded preceding and current row
        ) as chain
    from (
        select
            *,
            at - lag(at) over (partition by forms, website_id, session_id, bot_band order by at, event_id, received) > 1800000 as parted
        from kept
    )
)
window chains as (partition by forms, website_id, session_id, bot_band, chain);

-- Every event with its session, which is what its first counted event says; null for an event of none.
cache table placed options ('storageLevel' 'DISK_ONLY') as
select
    *,
    if(forms, first_value(
        if(
            counted,
            struct(
                event_id, received, at as start, user_id, sample_key, visitor_coupon,
                source, medium, campaign, term, content, channel, referrer, country, region, city,
                device_type, browser, browser_version, os, os_version, screen, language
            ),
            null
        )
    ) ignore nulls over (
        partition by forms, website_id, session_id, bot_band, chain, piece
        order by at, event_id, received
        rows between unbounded preceding and unbounded following
    ), null) as session
from cut;

create temporary view sessions as
select
    website_id, session_id, bot_band, first(session) as session,
    min(at) as chain_start, max(at) as session_end,
    sort_array(collect_set(if(counted, struct(sample_key, visitor_coupon), null))) as all_visitors,
    count_if(event_type = 'pageview') as pageviews,
    count_if(counted) as events,
    count_if(event_type = 'event' and interactive) as interactive,
    coalesce(sum(if(event_type = 'engagement', time_on_page, 0)), 0) as engaged_ms,
    count_if(counted and currency <> '') as revenue_events,
    coalesce(sum(if(counted and currency <> '', revenue, 0)), 0) as all_revenue,
    coalesce(min(if(counted and currency <> '', currency, null)), '') as least_currency,
    coalesce(max(if(counted and currency <> '', currency, null)), '') as currency,
    min(if(event_type = 'pageview', struct(at, event_id, received, page, hostname), null)) as entry,
    max(if(event_type = 'pageview', struct(at, event_id, -received, page, hostname), null)) as exit
from placed
where session is not null
group by website_id, session_id, bot_band, chain, piece
having session.start < ${to} and session_end >= ${from};

-- In the order in which the event store is read beside it. Those that run into the first day stand under the day before it.
create table out_sessions
using json
options (compression 'gzip')
partitioned by (date)
location '${out}/sessions'
as select
    website_id, session.start as session_start, session_id, bot_band, chain_start, session_end,
    session.user_id, session.sample_key, session.visitor_coupon,
    if(size(all_visitors) > 1, all_visitors.sample_key, array()) as visitors,
    if(size(all_visitors) > 1, all_visitors.visitor_coupon, array()) as visitor_coupons,
    pageviews, events, interactive, engaged_ms, revenue_events,
    if(least_currency = currency, all_revenue, 0) as revenue,
    if(least_currency = currency, currency, '*') as currency,
    coalesce(entry.page, '') as entry_page, coalesce(entry.hostname, '') as entry_hostname,
    coalesce(exit.page, '') as exit_page, coalesce(exit.hostname, '') as exit_hostname,
    session.source, session.medium, session.campaign, session.term, session.content, session.channel, session.referrer,
    session.country, session.region, session.city, session.device_type, session.browser, session.browser_version,
    session.os, session.os_version, session.screen, session.language,
    date_format(timestamp_millis(session.start), 'yyyy-MM-dd') as date
from (select /*+ rebalance(website_id) */ * from sessions)
sort by date, website_id, session_start, session_id, bot_band;

-- Session measures in the minute of the session's start.
create table out_sources
using json
options (compression 'gzip')
partitioned by (date)
location '${out}/sources'
as select /*+ rebalance(date) */
    *,
    date_format(timestamp_millis(timestamp), 'yyyy-MM-dd') as date
from (
    select
        session.start div 60000 * 60000 as timestamp,
        website_id, session.source, session.medium, session.campaign, session.channel, coalesce(entry.page, '') as entry_page,
        session.country, session.device_type, session.browser, bot_band,
        count(*) as sessions,
        count_if(pageviews <= 1 and interactive = 0) as bounces,
        sum(session_end - session.start) as duration,
        sum(pageviews) as pageviews,
        sum(if(least_currency = currency, all_revenue, 0)) as revenue,
        base64(hll_sketch_agg(session.user_id, 12)) as visitors
    from sessions
    where session.start >= ${from}
    group by all
);

-- Event measures in the event's minute, with its session's attributes. Engagements of a chain that is no session have none:
-- in_session tells them from what is not known.
create table out_page_views
using json
options (compression 'gzip')
partitioned by (date)
location '${out}/page_views'
as select /*+ rebalance(date) */
    *,
    date_format(timestamp_millis(timestamp), 'yyyy-MM-dd') as date
from (
    select
        at div 60000 * 60000 as timestamp,
        website_id, page,
        coalesce(session.country, '') as country,
        coalesce(session.device_type, '') as device_type,
        coalesce(session.browser, '') as browser,
        coalesce(session.source, '') as source,
        coalesce(session.medium, '') as medium,
        bot_band,
        if(session is null, 0, 1) as in_session,
        if(counted, currency, '') as currency,
        count_if(event_type = 'pageview') as views,
        count_if(counted) as events,
        coalesce(sum(if(event_type = 'engagement', time_on_page, 0)), 0) as total_time,
        coalesce(sum(if(counted and currency <> '', revenue, 0)), 0) as revenue,
        count_if(counted and currency <> '') as revenue_events,
        base64(hll_sketch_agg(if(counted, user_id, null), 12)) as visitors
    from placed
    where forms
        and at >= ${from}
        and at < ${to}
    group by all
);

-- What was read, to be compared with the event store: of the outermost two days, half an hour.
create table out_counts
using json
options (compression 'gzip')
partitioned by (date)
location '${out}/counts'
as select /*+ coalesce(1) */
    website_id,
    count(*) as events,
    count_if(counted) as counted,
    count_if(event_id = session.event_id and received = session.received) as sessions,
    sum(crc32(concat_ws('/', event_id, session_id, at, bot_band))) as checksum,
    date_format(timestamp_millis(at), 'yyyy-MM-dd') as date
from placed
group by all;

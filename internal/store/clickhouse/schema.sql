-- The tables of the cluster's event store. Drawn in docs/format/clickhouse.md. Every statement may be run again; a statement ends
-- with ";" at the end of a line. {retention_days} is the one setting; the database is the connection's.

-- One row per stored event. Visitors of a day stand together: what does not change from event to event compresses away, and a
-- sample of one visitor in ten (sample_key % 10 = 0) reads a tenth of the granules.
create table if not exists events
(
    website_id      LowCardinality(String),
    timestamp       DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    received_at     DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    event_id        UUID codec(ZSTD(1)),
    event_type      LowCardinality(String),
    name            String codec(ZSTD(1)),
    interactive     Bool,
    user_id         String codec(ZSTD(1)),
    sample_key      UInt64 codec(ZSTD(1)),
    visitor_coupon  UInt32 codec(ZSTD(1)),
    session_id      String codec(ZSTD(1)),
    page            String codec(ZSTD(1)),
    hostname        LowCardinality(String),
    title           String codec(ZSTD(1)),
    referrer        String codec(ZSTD(1)),
    source          LowCardinality(String),
    medium          LowCardinality(String),
    campaign        LowCardinality(String),
    term            String codec(ZSTD(1)),
    content         String codec(ZSTD(1)),
    channel         LowCardinality(String),
    ip_address      String codec(ZSTD(1)),
    country         LowCardinality(String),
    region          LowCardinality(String),
    city            LowCardinality(String),
    device_type     LowCardinality(String),
    browser         LowCardinality(String),
    browser_version LowCardinality(String),
    os              LowCardinality(String),
    os_version      LowCardinality(String),
    screen          LowCardinality(String),
    language        LowCardinality(String),
    bot_score       UInt8,
    bot_band        UInt8,
    bot_reasons     Array(LowCardinality(String)) codec(ZSTD(1)),
    category        String codec(ZSTD(1)),
    action          String codec(ZSTD(1)),
    label           String codec(ZSTD(1)),
    value           Float64 codec(ZSTD(1)),
    revenue         Int64 codec(ZSTD(1)),           -- 1/10,000 of currency
    currency        LowCardinality(String),         -- '' when the event has no revenue
    time_on_page    Int64 codec(ZSTD(1)),           -- ms
    scroll_depth    Int8,                           -- -1 when none was sent
    properties      Map(LowCardinality(String), String) codec(ZSTD(1)),
    flags           UInt32 codec(ZSTD(1)),
    log_topic       LowCardinality(String),         -- where the event stood in the log
    log_partition   Int32 codec(ZSTD(1)),
    log_position    Int64 codec(Delta, ZSTD(1)),
    index of_session session_id type bloom_filter(0.01) granularity 1,
    index of_user user_id type bloom_filter(0.01) granularity 1,
    index of_id event_id type bloom_filter(0.01) granularity 1,
    index of_property mapKeys(properties) type bloom_filter(0.01) granularity 1,
    index of_receipt received_at type minmax granularity 1
)
engine = MergeTree
partition by toYYYYMMDD(timestamp)
order by (website_id, toDate(timestamp), sample_key % 10, sample_key, timestamp)
sample by sample_key
ttl toDate(timestamp) + toIntervalDay({retention_days})
settings ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- One row per change of a session; final shows the sessions. A withdrawal is a row with is_deleted = 1.
create table if not exists sessions
(
    website_id      LowCardinality(String),
    session_start   DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),  -- first counted event
    session_id      String codec(ZSTD(1)),
    bot_band        UInt8,
    chain_start     DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),  -- first event of any of the three types
    session_end     DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),  -- last event
    user_id         String codec(ZSTD(1)),
    sample_key      UInt64 codec(ZSTD(1)),
    visitor_coupon  UInt32 codec(ZSTD(1)),
    visitors        Array(UInt64) codec(ZSTD(1)),   -- empty where user_id is the only one; else sample keys ...
    visitor_coupons Array(UInt32) codec(ZSTD(1)),   -- ... and coupons, in the same order
    pageviews       Int64 codec(ZSTD(1)),
    events          Int64 codec(ZSTD(1)),           -- counted events
    interactive     Int64 codec(ZSTD(1)),
    bounce          Bool,
    engaged_ms      Int64 codec(ZSTD(1)),
    revenue_events  Int64 codec(ZSTD(1)),
    revenue         Int64 codec(ZSTD(1)),
    currency        LowCardinality(String),         -- '', one, or '*' for several
    entry_page      String codec(ZSTD(1)),
    entry_hostname  LowCardinality(String),
    exit_page       String codec(ZSTD(1)),
    exit_hostname   LowCardinality(String),
    source          LowCardinality(String),
    medium          LowCardinality(String),
    campaign        LowCardinality(String),
    term            String codec(ZSTD(1)),
    content         String codec(ZSTD(1)),
    channel         LowCardinality(String),
    referrer        String codec(ZSTD(1)),
    country         LowCardinality(String),
    region          LowCardinality(String),
    city            LowCardinality(String),
    device_type     LowCardinality(String),
    browser         LowCardinality(String),
    browser_version LowCardinality(String),
    os              LowCardinality(String),
    os_version      LowCardinality(String),
    screen          LowCardinality(String),
    language        LowCardinality(String),
    version         UInt64 codec(ZSTD(1)),
    is_deleted      UInt8
)
engine = ReplacingMergeTree(version, is_deleted)
partition by toYYYYMM(session_start)
order by (website_id, session_start, session_id, bot_band)
ttl toDate(session_start) + toIntervalDay({retention_days})
settings ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Additive: readers sum the counts.
create table if not exists ledger
(
    website_id LowCardinality(String),
    minute     DateTime('UTC'),                     -- of the receipt
    outcome    LowCardinality(String),              -- received, stored, duplicate, filtered, failed
    reason     LowCardinality(String),
    count      Int64
)
engine = SummingMergeTree(count)
partition by toYYYYMM(minute)
order by (website_id, minute, outcome, reason)
settings non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

create table if not exists failed_events
(
    website_id  LowCardinality(String),
    received_at DateTime64(3, 'UTC') codec(Delta, ZSTD(1)),
    reason      LowCardinality(String),
    payload     String codec(ZSTD(3))
)
engine = MergeTree
partition by toYYYYMMDD(received_at)
order by (website_id, received_at)
ttl toDate(received_at) + toIntervalDay(8)
settings ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Rows of events per site and hour: estimates, first and last event. Kept for good.
create table if not exists event_hours
(
    website_id LowCardinality(String),
    hour       DateTime('UTC'),
    rows       SimpleAggregateFunction(sum, UInt64),
    first      SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last       SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
engine = AggregatingMergeTree
partition by toYear(hour)
order by (website_id, hour)
settings non_replicated_deduplication_window = 10000;

create materialized view if not exists event_hours_from_events to event_hours as
select website_id, toStartOfHour(toDateTime(timestamp, 'UTC')) as hour, count() as rows, min(timestamp) as first, max(timestamp) as last
from events
group by website_id, hour;

-- How many rows have been written that concern a site's day: a number that grows with every change. Kept for good.
create table if not exists changes
(
    website_id LowCardinality(String),
    day        Date,
    changes    SimpleAggregateFunction(sum, UInt64)
)
engine = AggregatingMergeTree
partition by toYear(day)
order by (website_id, day)
settings non_replicated_deduplication_window = 10000;

create materialized view if not exists changes_from_events to changes as
select website_id, toDate(timestamp) as day, count() as changes
from events
group by website_id, day;

-- A session concerns the days from its first event to its last. A withdrawal knows its start alone; no session is longer than a day.
create materialized view if not exists changes_from_sessions to changes as
select
    website_id,
    arrayJoin(arrayMap(n -> toDate(from_day + n), range(toUInt64(least(2, greatest(0, to_day - from_day)) + 1)))) as day,
    count() as changes
from (
    select
        website_id,
        toDate(if(is_deleted = 1, fromUnixTimestamp64Milli(greatest(0, toUnixTimestamp64Milli(session_start) - 86400000), 'UTC'), chain_start)) as from_day,
        toDate(if(is_deleted = 1, session_start + toIntervalDay(1), session_end)) as to_day
    from sessions
)
group by website_id, day;

-- Which days of a site the rollups by the minute hold, and in which state: a day is clean while changes says what it said when they
-- were made. Kept for good.
create table if not exists rolled_days
(
    website_id LowCardinality(String),
    day        Date,
    changes    UInt64,                              -- the sum of changes that the rollups hold
    events     UInt64,                              -- rows of events that they were made of
    made_at    DateTime64(3, 'UTC')
)
engine = ReplacingMergeTree(made_at)
partition by toYear(day)
order by (website_id, day)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- From which day on the events of a site are kept that keeps them for less time than the installation. Days before are incomplete from
-- the moment that their row is here. Kept for good.
create table if not exists kept_from
(
    website_id LowCardinality(String),
    day        Date
)
engine = ReplacingMergeTree(day)
order by website_id
settings fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 10000;

-- Views of pages by day, as states: parts and days merge to what the events say.
create table if not exists page_views
(
    website_id   LowCardinality(String),
    date         Date,
    page         String codec(ZSTD(1)),
    bot_band     UInt8,
    views        SimpleAggregateFunction(sum, UInt64),
    unique_users AggregateFunction(uniq, UInt64),   -- of sample_key
    time_on_page SimpleAggregateFunction(sum, Int64) -- ms, of the page's engagement events
)
engine = AggregatingMergeTree
partition by toYYYYMM(date)
order by (website_id, date, page, bot_band)
ttl toDate(date) + toIntervalDay({retention_days})
settings ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

create materialized view if not exists page_views_from_events to page_views as
select
    website_id,
    toDate(timestamp) as date,
    page,
    bot_band,
    countIf(event_type = 'pageview') as views,
    uniqStateIf(sample_key, event_type = 'pageview') as unique_users,
    sumIf(events.time_on_page, event_type = 'engagement') as time_on_page
from events
where event_type in ('pageview', 'engagement')
group by website_id, date, page, bot_band;

-- page_views for people who ask in SQL.
create view if not exists page_views_by_day as
select
    website_id,
    date,
    page,
    bot_band,
    sum(views) as views,
    uniqMerge(unique_users) as unique_users,
    if(views = 0, null, sum(page_views.time_on_page) / views / 1000) as avg_time
from page_views
group by website_id, date, page, bot_band;

-- What a writer without a log of ranges is about to store: docs/format/clickhouse.md, "Commits".
create table if not exists commits
(
    consumer String,
    sequence UInt64,
    payload  String codec(ZSTD(1)),
    at       DateTime('UTC') default now()
)
engine = MergeTree
partition by toYYYYMMDD(at)
order by (consumer, sequence)
ttl toDate(at) + toIntervalDay(14)
settings ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- How far each writer is: the greatest of both.
create table if not exists positions
(
    consumer String,
    sequence SimpleAggregateFunction(max, UInt64),
    next     SimpleAggregateFunction(max, Int64)
)
engine = AggregatingMergeTree
order by consumer
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- What is to be forgotten, for good: docs/semantics.md, "Erasure". The ids of visitors are not kept. applied_at is set by a second row.
create table if not exists erasures
(
    id         String,
    website_id String,
    scope      LowCardinality(String),              -- visitor, person, site
    asked_at   Int64,                               -- ms, as the other times here
    asked_by   String,
    before     Int64,                               -- covers what was received before
    keys       Array(UInt64),                       -- sample keys of the visitors ...
    digests    Array(String),                       -- ... and digests, in hex, in the same order
    applied_at Int64
)
engine = ReplacingMergeTree(applied_at)
order by id
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- What was found and removed of it, part by part; the row with the greatest at counts.
create table if not exists erasure_proofs
(
    erasure_id  String,
    part        LowCardinality(String),
    found       Int64,
    removed     Int64,
    remaining   Int64,                              -- by the last look
    verified_at Int64,                              -- 0: not yet
    at          Int64
)
engine = ReplacingMergeTree(at)
order by (erasure_id, part)
settings fsync_after_insert = 1, fsync_part_directory = 1;

-- What a pass of an erasure is about to remove, written down before anything goes: docs/format/clickhouse.md, "Erasures".
create table if not exists erasure_notes
(
    erasure_id String,
    pass       UInt32,
    minute     Int64,                               -- of the receipt, s
    hour       Int64,                               -- of the event, s
    rows       Int64,
    first      DateTime64(3, 'UTC'),
    last       DateTime64(3, 'UTC'),
    at         DateTime('UTC') default now()
)
engine = MergeTree
partition by toYYYYMM(at)
order by (erasure_id, pass, minute, hour)
ttl toDate(at) + toIntervalDay(31)
settings ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The tables of the embedded event store. Drawn in docs/format/duckdb.md. Times are ms since the epoch, UTC.
create table if not exists meta (
    key varchar primary key,
    value varchar not null
);

-- One row per stored event. Batches stand in log order, so roughly by received_at; inside a large one visits stand together.
create table if not exists events (
    website_id varchar not null,
    timestamp bigint not null,
    received_after bigint not null,        -- received_at - timestamp
    event_id_high ubigint not null,        -- the UUID's first 8 bytes as a number, xor its time: see id_high
    event_id_low ubigint not null,         -- the other 8 (a UUID column is not compressed)
    event_type varchar not null,
    name varchar not null,
    interactive boolean not null,
    user_id varchar not null,              -- '' where it equals session_id, which is always the true one
    sample_key ubigint not null,
    visitor_coupon uinteger not null,
    session_id varchar not null,
    page varchar not null,
    hostname varchar not null,
    title varchar not null,
    referrer varchar not null,
    source varchar not null,
    medium varchar not null,
    campaign varchar not null,
    term varchar not null,
    content varchar not null,
    channel varchar not null,
    ip_address varchar not null,
    country varchar not null,
    region varchar not null,
    city varchar not null,
    device_type varchar not null,
    browser varchar not null,
    browser_version varchar not null,
    os varchar not null,
    os_version varchar not null,
    screen varchar not null,
    language varchar not null,
    bot_score utinyint not null,
    bot_band utinyint not null,
    bot_reasons varchar not null,          -- joined by a comma
    category varchar not null,
    action varchar not null,
    label varchar not null,
    value double not null,
    revenue bigint not null,               -- 1/10,000 of currency
    currency varchar not null,             -- '' when the event has no revenue
    time_on_page bigint not null,          -- ms
    scroll_depth tinyint not null,         -- -1 when none was sent
    properties map(varchar, varchar) not null,
    flags uinteger not null
);

-- The first 8 bytes of an event's id: those of a v7 id begin with the time in ms, which is the timestamp's in most. Order by
-- id_high, event_id_low is the order of the id's text.
create macro if not exists id_high(high, ms) as xor(high, (ms & 281474976710655)::ubigint * 65536);

-- One row per session; (website_id, session_id, bot_band, session_start) is unique.
create table if not exists sessions (
    website_id varchar not null,
    session_id varchar not null,
    bot_band utinyint not null,
    chain_start bigint not null,           -- first event of any of the three types
    session_start bigint not null,         -- first counted event
    session_end bigint not null,           -- last event
    user_id varchar not null,              -- '' where it equals session_id
    sample_key ubigint not null,
    visitor_coupon uinteger not null,
    visitors ubigint[],                    -- null where user_id is the only one; else sample keys ...
    visitor_coupons uinteger[],            -- ... and coupons, in the same order
    pageviews bigint not null,
    events bigint not null,                -- counted events
    interactive bigint not null,
    bounce boolean not null,
    engaged_ms bigint not null,
    revenue_events bigint not null,
    revenue bigint not null,
    currency varchar not null,             -- '', one, or '*' for several
    entry_page varchar not null,
    entry_hostname varchar not null,
    exit_page varchar not null,
    exit_hostname varchar not null,
    source varchar not null,
    medium varchar not null,
    campaign varchar not null,
    term varchar not null,
    content varchar not null,
    channel varchar not null,
    referrer varchar not null,
    country varchar not null,
    region varchar not null,
    city varchar not null,
    device_type varchar not null,
    browser varchar not null,
    browser_version varchar not null,
    os varchar not null,
    os_version varchar not null,
    screen varchar not null,
    language varchar not null
);

-- Additive counts; rows of one (website_id, minute, outcome, reason) are summed by readers and folded by maintenance.
create table if not exists ledger (
    website_id varchar not null,
    minute bigint not null,                -- since the epoch
    outcome varchar not null,              -- received, stored, duplicate, filtered, failed
    reason varchar not null,
    count bigint not null
);

-- Additive: rows of events per event hour, for estimates; readers sum rows and take the least first and greatest last.
create table if not exists event_hours (
    website_id varchar not null,
    hour bigint not null,
    rows bigint not null,
    first bigint not null,                 -- least and greatest timestamp of the rows
    last bigint not null
);

create table if not exists failed_events (
    website_id varchar not null,
    received_at bigint not null,
    reason varchar not null,
    payload blob not null
);

-- Tall rollups of clean, closed buckets. `dimension` is '' for the total (value ''), else a dimension of the query
-- language (event:page, visit:source, ...). Days are the site's: `bucket` is the first ms of the day.
create table if not exists rollup_days (
    website_id varchar not null,
    dimension varchar not null,
    bucket bigint not null,
    bot_band utinyint not null,
    value varchar not null,
    pageviews bigint not null,
    events bigint not null,
    engaged_ms bigint not null,
    revenue_events bigint not null,
    revenue bigint not null,
    currency varchar not null,             -- '', one, or '*' for several
    visits bigint not null,                -- sessions that start in the bucket; 0 under event:* dimensions
    bounces bigint not null,
    duration_ms bigint not null,
    session_pageviews bigint not null,
    visitors blob not null using compression 'uncompressed' -- a set: see visitors.go; short already, and quick to read
);

-- The totals again by 15 minutes; `bucket` is a multiple of 900,000.
create table if not exists rollup_quarters (
    website_id varchar not null,
    bucket bigint not null,
    bot_band utinyint not null,
    pageviews bigint not null,
    events bigint not null,
    engaged_ms bigint not null,
    revenue_events bigint not null,
    revenue bigint not null,
    currency varchar not null,
    visits bigint not null,
    bounces bigint not null,
    duration_ms bigint not null,
    session_pageviews bigint not null,
    visitors blob not null using compression 'uncompressed'
);

-- Days whose rollups (rollup_days and the quarters inside) are in place and clean. A commit that touches the day
-- deletes its row; the builder inserts it again. `day_end` is the first ms of the next day, so that a change of the
-- site's time zone is noticed.
create table if not exists rollup_clean (
    website_id varchar not null,
    day_start bigint not null,
    day_end bigint not null
);

-- What is to be forgotten, for good: docs/semantics.md, "Erasure". The ids of visitors are not kept.
create table if not exists erasures (
    id varchar primary key,
    website_id varchar not null,
    scope varchar not null,                -- visitor, person, site
    asked_at bigint not null,
    asked_by varchar not null,
    before bigint not null,                -- covers what was received before
    keys ubigint[] not null,               -- sample keys of the visitors ...
    digests varchar[] not null,            -- ... and digests, in hex, in the same order
    applied_at bigint not null
);

create table if not exists erasure_proofs (
    erasure_id varchar not null,
    part varchar not null,                 -- events, sessions, failed_events, rollups
    found bigint not null,
    removed bigint not null,
    remaining bigint not null,             -- by the last look
    verified_at bigint not null            -- 0: not yet
);

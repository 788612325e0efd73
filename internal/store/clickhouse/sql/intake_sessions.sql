-- Sessions of each day whose newest row was copied: {p2} is the first byte of such versions. The sums are those of migrate.SessionSums
select
    intDiv(start, 86400000) as day, toInt64(count()),
    sum(start % 86400000), sum(end - start), sum(start - chain),
    sum(events), sum(pageviews), sum(interactive), sum(engaged_ms), sum(revenue_events)
from (
    select
        toUnixTimestamp64Milli(session_start) as start, toUnixTimestamp64Milli(session_end) as end, toUnixTimestamp64Milli(chain_start) as chain,
        events, pageviews, interactive, engaged_ms, revenue_events, version
    from sessions final
    where website_id = {p1:String}
)
where bitShiftRight(version, 56) = {p2:UInt64}
group by day

-- rows, events
with numbered as materialized (
    select
        e.page as d1,
        coalesce(e.properties[?], '') as d2,
        cast(case when e.timestamp < ? then ? when e.timestamp < ? then ? else ? end as bigint) as bucket,
        cast(row_number() over () as integer) as number,
        count(*) as events
    from events e
    where e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event')
    and e.timestamp >= ? and e.timestamp < ?
    and hash(cast(case when e.timestamp < ? then ? when e.timestamp < ? then ? else ? end as bigint), e.page, coalesce(e.properties[?], '')) % 8 = 3
    group by d1, d2, bucket
), visitors as (
    select
        g.number,
        count(distinct e.sample_key) as visitors
    from events e
    join numbered g on g.d1 = e.page and g.d2 = coalesce(e.properties[?], '') and g.bucket = cast(case when e.timestamp < ? then ? when e.timestamp < ? then ? else ? end as bigint)
    where e.website_id = ?
    and e.bot_band < ?
    and e.event_type in ('pageview', 'event')
    and e.timestamp >= ? and e.timestamp < ?
    and hash(cast(case when e.timestamp < ? then ? when e.timestamp < ? then ? else ? end as bigint), e.page, coalesce(e.properties[?], '')) % 8 = 3
    group by g.number
)
select
    g.d1,
    g.d2,
    g.bucket,
    coalesce(v.visitors, 0) as visitors,
    g.events
from numbered g
left join visitors v on v.number = g.number
-- [it's 1774738800000 0 1774821600000 1 2 s 2 1774652400000 1774908000000 1774738800000 0 1774821600000 1 2 it's it's 1774738800000 0 1774821600000 1 2 s 2 1774652400000 1774908000000 1774738800000 0 1774821600000 1 2 it's]


-- Rows of page_views of a month that are not as the events say, but for days that are still written to.
-- {p1}: the cut; {p2}: events before may be gone; {p3}: the month
with kept as (
    select website_id, max(day) as day
    from kept_from
    group by website_id
)
select website_id, date, page, bot_band,
    format('{0} views, {1} users, {2} ms', toString(sum(views)), toString(sum(users)), toString(sum(ms))) as expected,
    format('{0} views, {1} users, {2} ms', toString(sum(view_views)), toString(sum(view_users)), toString(sum(view_ms))) as found
from (
    select website_id, toDate(timestamp) as date, page, bot_band,
        countIf(event_type = 'pageview') as views, uniqIf(sample_key, event_type = 'pageview') as users,
        sumIf(time_on_page, event_type = 'engagement') as ms, 0 as view_views, 0 as view_users, toInt64(0) as view_ms,
        countIf(received_at >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) as fresh
    from events
    left join kept on kept.website_id = events.website_id
    where timestamp >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
        and toDate(timestamp) >= kept.day
        and toYYYYMM(timestamp) = {p3:Int64}
        and event_type in ('pageview', 'engagement')
    group by website_id, date, page, bot_band
    union all
    select website_id, date, page, bot_band, 0, 0, toInt64(0), sum(page_views.views), uniqMerge(unique_users), sum(time_on_page), 0
    from page_views
    left join kept on kept.website_id = page_views.website_id
    where date >= toDate(fromUnixTimestamp64Milli({p2:Int64}, 'UTC'))
        and date >= kept.day
        and toYYYYMM(date) = {p3:Int64}
    group by website_id, date, page, bot_band
)
group by website_id, date, page, bot_band
having expected <> found and sum(fresh) = 0
order by website_id, date, page, bot_band

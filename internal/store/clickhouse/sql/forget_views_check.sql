-- How many rows of some days of page_views are not as the events say. {p1}: the site; {p2}: the days
select count()
from (
    select date, page, bot_band
    from (
        select toDate(timestamp) as date, page, bot_band, toInt64(countIf(event_type = 'pageview')) as views, sumIf(time_on_page, event_type = 'engagement') as ms
        from events
        where website_id = {p1:String}
            and has({p2:Array(Date)}, toDate(timestamp))
            and event_type in ('pageview', 'engagement')
        group by date, page, bot_band
        union all
        select date, page, bot_band, -toInt64(sum(page_views.views)) as views, -sum(time_on_page) as ms
        from page_views
        where website_id = {p1:String}
            and has({p2:Array(Date)}, date)
        group by date, page, bot_band
    )
    group by date, page, bot_band
    having sum(views) <> 0 or sum(ms) <> 0
)

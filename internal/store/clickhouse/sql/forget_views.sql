insert into page_views
select
    website_id,
    toDate(timestamp) as date,
    page,
    bot_band,
    countIf(event_type = 'pageview') as views,
    uniqStateIf(sample_key, event_type = 'pageview') as unique_users,
    sumIf(events.time_on_page, event_type = 'engagement') as time_on_page
from events
where website_id = {p1:String}
    and has({p2:Array(Date)}, toDate(timestamp))
    and event_type in ('pageview', 'engagement')
group by website_id, date, page, bot_band

-- The months that have events, and how many days of sites. {p1}: events before may be gone
select toYYYYMM(hour) as month, uniqExact(website_id, toDate(hour))
from event_hours
where hour >= toDateTime(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
group by month
order by month

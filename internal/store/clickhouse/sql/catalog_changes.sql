select toInt64(day - toDate('1970-01-01')) * 86400000, sum(changes)
from changes
where website_id = {p1:String}
group by day

select website_id, toInt64(day - toDate('1970-01-01')) * 86400000, changes
from rolled_days final
where website_id in {p1:Array(String)}

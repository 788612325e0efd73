select event_id, toUnixTimestamp64Milli(received_at)
from events
where website_id = {p1:String}
    and timestamp >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and timestamp < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')

select session_id, bot_band, toUnixTimestamp64Milli(session_start), version
from sessions final
where website_id = {p1:String}
    and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')

-- The newest row of each session, withdrawn ones too.
select session_id, bot_band, toUnixTimestamp64Milli(session_start), max(version), argMax(is_deleted, version)
from sessions
where website_id = {p1:String}
    and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')
group by session_id, bot_band, session_start

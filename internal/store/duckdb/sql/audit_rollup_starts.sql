select
    session_start, bot_band, bounce, session_end - session_start, pageviews,
    %[1]s
from sessions
where website_id = $1
    and session_start >= $2
    and session_start < $3

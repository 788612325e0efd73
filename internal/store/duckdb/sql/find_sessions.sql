select sessions.rowid, sessions.website_id, sessions.chain_start, sessions.session_end
from sessions
join feed_gone() as gone on sessions.session_start = gone.session_start
    and sessions.session_id = gone.session_id
    and sessions.website_id = gone.website_id
    and sessions.bot_band = gone.bot_band

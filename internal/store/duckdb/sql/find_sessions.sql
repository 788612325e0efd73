select sessions.rowid, sessions.website_id, sessions.chain_start, sessions.session_end
from sessions
join (
    select
        unnest($1::varchar[]) as website_id, unnest($2::varchar[]) as session_id, unnest($3::bigint[])::utinyint as bot_band,
        unnest($4::bigint[]) as session_start
) as gone on sessions.session_start = gone.session_start
    and sessions.session_id = gone.session_id
    and sessions.website_id = gone.website_id
    and sessions.bot_band = gone.bot_band

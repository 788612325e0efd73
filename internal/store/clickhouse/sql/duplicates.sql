select website_id, event_id, toUnixTimestamp64Milli(received_at), log_topic, log_partition, log_position
from events
where website_id in (select website_id from ids)
    and event_id in (select event_id from ids)
    and received_at between fromUnixTimestamp64Milli({p1:Int64}, 'UTC') and fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and timestamp <= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')

-- Ids that are there several times. {p1}: the cut; {p2}, {p3}: how many parts, and which
select website_id, toString(event_id), arraySort(groupArray(toUnixTimestamp64Milli(received_at))) as times
from events
where received_at < fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
    and cityHash64(event_id) % {p2:UInt64} = {p3:UInt64}
group by website_id, event_id
having count() > 1
order by website_id, times

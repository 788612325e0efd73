select outcome, reason, sum(count)
from ledger
where website_id = {p1:String}
    and minute >= toDateTime(intDiv({p2:Int64} + 59999, 60000) * 60, 'UTC')
    and minute < toDateTime(intDiv({p3:Int64} + 59999, 60000) * 60, 'UTC')
group by outcome, reason

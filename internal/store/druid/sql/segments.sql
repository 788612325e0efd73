-- The segments of a datasource that a broker answers from.
select segment_id
from sys.segments
where datasource = ?
and is_available = 1

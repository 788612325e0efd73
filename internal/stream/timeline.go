package stream

import (
	"math"

	"github.com/footfall-analytics/footfall/internal/event"
)

// timeline is what is known of one session key: its segments within [from, to], in order.
// The key has no stored event in [from, to] that the segments do not hold; outside it may have any.
type timeline struct {
	key      event.SessionKey
	from, to int64
	last     int64 // no event of the key that was ever held is later
	segments []segment
	batch    uint32 // the batch that touched it last
	slot     int32  // its place in Sessions.touched, while batch is the current one
	pending  bool   // stored events of [from, to] are being loaded
}

// historyMillis is how far around an event its key's events decide which sessions it changes.
//
// Let A be the chain before the event and B the one behind it (they may be one and the same, or none). Both come within
// 30 minutes of the event. If A is at most 24 h long, all of it is within 24.5 h before the event, and another half hour
// of silence shows that it ends there: 25 h. If A is longer, at least 24.5 h of it can be seen, so it is known to be
// longer than 24 h: it is cut at midnights already and stays so, and of its pieces only that of the event's own day,
// which is within 24 h, can change. The same holds for B. So what lies outside is in pieces that do not change, be they
// held whole, in part or not at all; half an hour is spare.
const historyMillis = event.DayMillis + event.SessionGapMillis + 2*event.SessionGapMillis

// covers reports whether the timeline tells all that events between first and last need: either the chains it holds are
// known to end within it, or it reaches as far as history decides.
func (t *timeline) covers(first, last int64) bool {
	oldest, newest := first, last
	if n := len(t.segments); n > 0 {
		oldest, newest = min(oldest, t.segments[0].first), max(newest, t.segments[n-1].last)
	}
	return (reaches(t.from, oldest, event.SessionGapMillis) || reaches(t.from, first, historyMillis)) &&
		(reaches(-t.to, -newest, event.SessionGapMillis) || reaches(-t.to, -last, historyMillis))
}

// reaches reports whether from is at least by before at.
func reaches(from, at, by int64) bool { return from <= at-by }

// add puts the event into its segment. batch marks the segment as changed; 0 does not.
func (t *timeline) add(e *event.Event, names *names, batch uint32) {
	t.last = max(t.last, e.Timestamp)
	i := t.find(e.Timestamp)
	before := i >= 0 && t.joins(i, e.Timestamp)
	after := i+1 < len(t.segments) && t.joins(i+1, e.Timestamp)
	switch {
	case before && after:
		t.segments[i].merge(&t.segments[i+1])
		t.segments = append(t.segments[:i+1], t.segments[i+2:]...)
	case after:
		i++
	case !before:
		i++
		t.insert(i)
	}
	g := &t.segments[i]
	g.add(e, t.key.SessionID, names)
	g.changed = max(g.changed, batch)
}

// find returns the last segment that begins at or before at, -1 when there is none.
func (t *timeline) find(at int64) int {
	i := len(t.segments) - 1
	for i >= 0 && t.segments[i].first > at {
		i--
	}
	return i
}

func (t *timeline) joins(i int, at int64) bool {
	g := &t.segments[i]
	return at <= g.last+event.SessionGapMillis && at >= g.first-event.SessionGapMillis &&
		floorDiv(at, event.DayMillis) == floorDiv(g.first, event.DayMillis)
}

func (t *timeline) insert(i int) {
	if t.segments == nil {
		t.segments = make([]segment, 0, 1) // most keys never have a second one
	}
	t.segments = append(t.segments, segment{})
	copy(t.segments[i+1:], t.segments[i:])
	t.segments[i] = segment{first: math.MaxInt64, last: math.MinInt64}
}

// piece is a run of segments that makes one session: a whole chain, or one segment of a chain longer than 24 h.
type piece struct {
	lo, hi                 int // segments[lo:hi]
	start, chainStart, end int64
}

// pieces appends the pieces that have a counted event to dst, in order.
func (t *timeline) pieces(dst []piece) []piece {
	for lo := 0; lo < len(t.segments); {
		hi := lo + 1
		for hi < len(t.segments) && t.segments[hi].first-t.segments[hi-1].last <= event.SessionGapMillis {
			hi++
		}
		if t.segments[hi-1].last-t.segments[lo].first <= event.SessionSplitMillis {
			dst = t.piece(dst, lo, hi)
		} else {
			for i := lo; i < hi; i++ {
				dst = t.piece(dst, i, i+1)
			}
		}
		lo = hi
	}
	return dst
}

func (t *timeline) piece(dst []piece, lo, hi int) []piece {
	for i := lo; i < hi; i++ {
		if g := &t.segments[i]; g.events > 0 {
			return append(dst, piece{lo, hi, g.counted.time, t.segments[lo].first, t.segments[hi-1].last})
		}
	}
	return dst
}

// session writes the session that the piece is.
func (t *timeline) session(p piece, s *event.Session) {
	if p.hi == p.lo+1 {
		t.segments[p.lo].session(t.key, s)
		return
	}
	merged := t.segments[p.lo]
	for i := p.lo + 1; i < p.hi; i++ {
		merged.merge(&t.segments[i])
	}
	merged.session(t.key, s)
}

// changed reports whether the batch changed a segment of the piece.
func (t *timeline) changed(p piece, batch uint32) bool {
	for i := p.lo; i < p.hi; i++ {
		if t.segments[i].changed == batch {
			return true
		}
	}
	return false
}

// Bounds of one key's timeline: an id that never pauses, or that many devices share, must not grow without end.
const (
	maxSegments = 64
	keepMillis  = 3 * event.DayMillis
)

// trim forgets the oldest segments of a long timeline. A later event that needs them has them loaded.
func (t *timeline) trim() {
	if len(t.segments) <= maxSegments {
		return
	}
	n := 0
	for n < len(t.segments) && t.segments[n].last < t.segments[len(t.segments)-1].last-keepMillis {
		t.from = t.segments[n].last + 1
		n++
	}
	kept := copy(t.segments, t.segments[n:])
	clear(t.segments[kept:])
	t.segments = t.segments[:kept]
}

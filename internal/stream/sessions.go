package stream

import (
	"math"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Sessions keeps the sessions of all keys up to date. For each batch the caller asks for what is Missing, hands the
// stored events of those spans to Load, and calls Apply. Settle says what the batches since the last call did: sessions that many
// of them prolong are told once.
//
// Of the events it reads ID, WebsiteID, Type, Interactive, Timestamp, UserID, SampleKey, VisitorCoupon, SessionID, Page,
// Hostname, Referrer, Source to Channel, Country to Language, BotBand, Revenue, Currency and TimeOnPage.
//
// Memory is a bounded cache of what the stored events say. A key with an event at or behind the horizon is held, or it is
// in the filter of forgotten keys; of any other, nothing is known without asking.
type Sessions struct {
	maxKeys   int
	horizon   int64
	timelines map[event.SessionKey]*timeline
	forgotten forgotten
	names     names

	batch   uint32      // what is not settled; counts the calls of Settle
	step    uint32      // counts the calls of Missing
	here    []int32     // places in touched of the keys that the step touches
	refs    []*timeline // of the events of the batch, nil for those that form no session
	touched []touchedKey
	pending []*timeline
	pieces  []piece // scratch
	after   []piece // scratch
	lasts   []int64 // scratch
}

// touchedKey is a key of the batches that are not settled.
type touchedKey struct {
	timeline    *timeline
	first, last int64 // of their events
	step        uint32
	begun       bool
	before      [2]int // its pieces before them, once begun: Sessions.pieces[before[0]:before[1]]
}

// Span is a part of one session key's time line, in ms, both ends inclusive.
type Span struct {
	event.SessionKey
	From, To int64
}

// Changes are what batches did to the sessions: first remove the withdrawals, then put in the upserts.
type Changes struct {
	Withdrawals []event.SessionRef
	Upserts     []event.Session
}

// Horizons of a new operator.
const (
	NothingStored = math.MinInt64 // the store is empty: whatever is not held does not exist
	NothingKnown  = math.MaxInt64 // every key must be asked for once
)

// NewSessions returns an operator that holds at most about maxKeys keys (0: 100,000).
func NewSessions(maxKeys int, horizon int64) *Sessions {
	if maxKeys <= 0 {
		maxKeys = 100_000
	}
	return &Sessions{maxKeys: maxKeys, horizon: horizon, batch: 1, timelines: make(map[event.SessionKey]*timeline)}
}

// Remember tells an operator that knows nothing of the keys that have stored events at or behind horizon: keys yields
// all of them. From then on, keys that are new behind the horizon need not be asked for.
func (s *Sessions) Remember(horizon int64, keys func(yield func(event.SessionKey))) {
	s.horizon = horizon
	keys(func(key event.SessionKey) { s.forget(key, horizon) })
}

// Missing begins a batch and returns the spans whose stored events it needs. A span may be asked for again when the
// caller calls Missing once more because it failed to get them. The events must stay as they are until Apply.
//
// settled is false when the batch needs stored events of a key that has changes which are not settled, and thus not stored: the
// caller settles and stores them, and calls Missing again.
func (s *Sessions) Missing(events []event.Event) (spans []Span, settled bool) {
	s.begin(len(events))
	for i := range events {
		if e := &events[i]; e.Type.InSession() {
			s.refs[i] = s.touch(e)
		}
	}
	unknown := s.here[:0]
	for _, slot := range s.here {
		k := &s.touched[slot]
		if s.known(k.timeline, k) {
			continue
		}
		if k.begun {
			return nil, false
		}
		unknown = append(unknown, slot)
	}
	for _, slot := range unknown {
		k := &s.touched[slot]
		t := k.timeline
		t.from, t.to, t.pending = k.first-historyMillis, k.last+historyMillis, true
		clear(t.segments)
		t.segments = t.segments[:0]
		s.pending = append(s.pending, t)
		spans = append(spans, Span{t.key, t.from, t.to})
	}
	return spans, true
}

// begin forgets what an unfinished batch left behind.
func (s *Sessions) begin(events int) {
	for _, t := range s.pending {
		s.drop(t)
	}
	s.pending = s.pending[:0]
	s.step++
	s.here = s.here[:0]
	s.refs = slices.Grow(s.refs[:0], events)[:events]
	clear(s.refs)
}

// touch returns the timeline of the event's key, an unknown one if need be, and notes that the batch touches it.
func (s *Sessions) touch(e *event.Event) *timeline {
	key := event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}
	t := s.timelines[key]
	if t == nil {
		key.WebsiteID, key.SessionID = s.names.text(e.WebsiteID), strings.Clone(e.SessionID)
		t = &timeline{key: key, from: math.MaxInt64, to: math.MinInt64, last: math.MinInt64}
		s.timelines[key] = t
	}
	if t.batch != s.batch {
		t.batch, t.slot = s.batch, int32(len(s.touched))
		s.touched = append(s.touched, touchedKey{timeline: t, first: e.Timestamp, last: e.Timestamp})
	}
	k := &s.touched[t.slot]
	if k.step != s.step {
		k.step = s.step
		s.here = append(s.here, t.slot)
	}
	k.first, k.last = min(k.first, e.Timestamp), max(k.last, e.Timestamp)
	return t
}

// known reports whether the timeline holds all that the batch's events need. One that was made for this batch does when
// its key cannot have stored events near them.
func (s *Sessions) known(t *timeline, k *touchedKey) bool {
	if t.from <= t.to {
		return t.covers(k.first, k.last)
	}
	if k.first-event.SessionGapMillis < s.horizon || s.forgotten.has(t.key) {
		return false
	}
	t.from, t.to = s.horizon, math.MaxInt64
	return true
}

// Load takes a stored event of the spans that Missing returned last. Others are ignored.
func (s *Sessions) Load(e *event.Event) {
	t := s.timelines[event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}]
	if t != nil && t.pending && e.Type.InSession() && t.from <= e.Timestamp && e.Timestamp <= t.to {
		t.add(e, &s.names, 0)
	}
}

// Apply takes the batch that Missing was called with last.
func (s *Sessions) Apply(events []event.Event) {
	for _, t := range s.pending {
		t.pending = false
	}
	s.pending = s.pending[:0]
	for i, t := range s.refs {
		if t == nil {
			continue
		}
		if k := &s.touched[t.slot]; !k.begun {
			k.begun, k.before[0] = true, len(s.pieces)
			s.pieces = t.pieces(s.pieces)
			k.before[1] = len(s.pieces)
		}
		t.add(&events[i], &s.names, s.batch)
	}
	clear(s.refs)
	s.refs = s.refs[:0]
}

// Unsettled returns how many keys Settle has to look at.
func (s *Sessions) Unsettled() int { return len(s.touched) }

// Settle appends what the batches since its last call did to changes.
func (s *Sessions) Settle(changes *Changes) {
	for i := range s.touched {
		if k := &s.touched[i]; k.begun {
			s.compare(k.timeline, s.pieces[k.before[0]:k.before[1]], changes)
			k.timeline.trim()
		}
	}
	clear(s.touched)
	s.touched, s.pieces = s.touched[:0], s.pieces[:0]
	s.batch++
	s.evict()
}

// compare appends the difference between the pieces before and now. Both are ordered by start.
func (s *Sessions) compare(t *timeline, before []piece, changes *Changes) {
	s.after = t.pieces(s.after[:0])
	for _, p := range s.after {
		for len(before) > 0 && before[0].start < p.start {
			changes.withdraw(t.key, before[0].start)
			before = before[1:]
		}
		same := false
		if len(before) > 0 && before[0].start == p.start {
			same = before[0].chainStart == p.chainStart && before[0].end == p.end && !t.changed(p, s.batch)
			before = before[1:]
		}
		if !same {
			changes.Upserts = append(changes.Upserts, event.Session{})
			t.session(p, &changes.Upserts[len(changes.Upserts)-1])
		}
	}
	for _, p := range before {
		changes.withdraw(t.key, p.start)
	}
}

func (c *Changes) withdraw(key event.SessionKey, start int64) {
	c.Withdrawals = append(c.Withdrawals, event.SessionRef{SessionKey: key, Start: start})
}

// evict forgets the keys that have been silent longest when there are too many: an eighth at a time.
func (s *Sessions) evict() {
	if len(s.timelines) <= s.maxKeys {
		return
	}
	s.lasts = s.lasts[:0]
	for _, t := range s.timelines {
		s.lasts = append(s.lasts, t.last)
	}
	slices.Sort(s.lasts)
	limit := s.lasts[len(s.lasts)-1-s.maxKeys*7/8]
	for _, t := range s.timelines {
		if t.last <= limit {
			s.drop(t)
		}
	}
}

// drop forgets a timeline. What is stored of it is at most as late as its last.
func (s *Sessions) drop(t *timeline) {
	delete(s.timelines, t.key)
	if t.last >= s.horizon {
		s.forget(t.key, t.last+1)
	}
}

// forget puts a key whose events are all before end into the filter, whose room is bounded too.
func (s *Sessions) forget(key event.SessionKey, end int64) {
	s.horizon = max(s.horizon, s.forgotten.add(key, end))
}

// Keys returns how many keys are held.
func (s *Sessions) Keys() int { return len(s.timelines) }

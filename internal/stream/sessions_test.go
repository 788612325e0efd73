package stream

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

// recomputeSessions makes the sessions of all events from scratch, straight from the words of the semantics.
func recomputeSessions(events []event.Event) map[event.SessionRef]event.Session {
	byKey := map[event.SessionKey][]event.Event{}
	for _, e := range events {
		if e.Type.InSession() {
			key := event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}
			byKey[key] = append(byKey[key], e)
		}
	}
	sessions := map[event.SessionRef]event.Session{}
	for key, list := range byKey {
		slices.SortFunc(list, func(a, b event.Event) int {
			return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare([]byte(a.ID.String()), []byte(b.ID.String())))
		})
		for _, chain := range split(list, func(a, b event.Event) bool { return b.Timestamp-a.Timestamp > 30*60*1000 }) {
			parts := [][]event.Event{chain}
			if chain[len(chain)-1].Timestamp-chain[0].Timestamp > 24*3600*1000 {
				parts = split(chain, func(a, b event.Event) bool { return a.Timestamp/86_400_000 != b.Timestamp/86_400_000 })
			}
			for _, part := range parts {
				if s, ok := sessionOf(key, part); ok {
					sessions[s.Ref()] = s
				}
			}
		}
	}
	return sessions
}

func split(list []event.Event, cut func(a, b event.Event) bool) (parts [][]event.Event) {
	from := 0
	for i := 1; i <= len(list); i++ {
		if i == len(list) || cut(list[i-1], list[i]) {
			parts = append(parts, list[from:i])
			from = i
		}
	}
	return parts
}

func sessionOf(key event.SessionKey, part []event.Event) (event.Session, bool) {
	s := event.Session{SessionKey: key, ChainStart: part[0].Timestamp, End: part[len(part)-1].Timestamp}
	visitors, revenue := map[event.Visitor]bool{}, map[string]int64{}
	for _, e := range part {
		if e.Type == event.Engagement {
			s.EngagedMs += e.TimeOnPage
			continue
		}
		if s.Events == 0 {
			s.Start, s.UserID, s.SampleKey, s.VisitorCoupon = e.Timestamp, e.UserID, e.SampleKey, e.VisitorCoupon
			s.Source, s.Medium, s.Campaign, s.Term, s.Content, s.Channel, s.Referrer = e.Source, e.Medium, e.Campaign, e.Term, e.Content, e.Channel, e.Referrer
			s.Country, s.Region, s.City, s.Screen, s.Language = e.Country, e.Region, e.City, e.Screen, e.Language
			s.DeviceType, s.Browser, s.BrowserVersion, s.OS, s.OSVersion = e.DeviceType, e.Browser, e.BrowserVersion, e.OS, e.OSVersion
		}
		s.Events++
		visitors[event.Visitor{SampleKey: e.SampleKey, Coupon: e.VisitorCoupon}] = true
		if e.Currency != "" {
			s.RevenueEvents++
			revenue[e.Currency] += e.Revenue
		}
		if e.Type == event.Custom {
			if e.Interactive {
				s.Interactive++
			}
			continue
		}
		if s.Pageviews++; s.Pageviews == 1 {
			s.EntryPage, s.EntryHostname = e.Page, e.Hostname
		}
		s.ExitPage, s.ExitHostname = e.Page, e.Hostname
	}
	for currency, sum := range revenue {
		s.Currency, s.Revenue = currency, sum
	}
	if len(revenue) > 1 {
		s.Currency, s.Revenue = event.MixedCurrency, 0
	}
	if len(visitors) > 1 {
		s.Visitors = slices.SortedFunc(maps.Keys(visitors), func(a, b event.Visitor) int { return cmp.Compare(a.SampleKey, b.SampleKey) })
	}
	return s, s.Events > 0
}

// memory is what a store holds: events, and the sessions that the changes left.
type memory struct {
	events   []event.Event
	staged   []event.Event // of batches that are not settled: the store shows them to nobody
	sessions map[event.SessionRef]event.Session
	lookups  int
}

// step runs one batch through the operator and into the store.
func (m *memory) step(s *Sessions, batch []event.Event) (Changes, error) {
	var changes Changes
	if err := m.stage(s, batch, &changes); err != nil { // settled before: there is nothing that it could settle
		return changes, err
	}
	return changes, m.settle(s, &changes)
}

// stage runs one batch through the operator, and settles those before it when it has to.
func (m *memory) stage(s *Sessions, batch []event.Event, changes *Changes) error {
	spans, settled := s.Missing(batch)
	if !settled {
		if err := m.settle(s, changes); err != nil {
			return err
		}
		if spans, settled = s.Missing(batch); !settled {
			return errors.New("what has just been settled is not settled")
		}
	}
	for _, span := range spans {
		m.lookups++
		for i := range m.events {
			e := m.events[i]
			if e.WebsiteID == span.WebsiteID && e.SessionID == span.SessionID && e.BotBand == span.Band && span.From <= e.Timestamp && e.Timestamp <= span.To {
				s.Load(&e)
			}
		}
	}
	s.Apply(batch)
	m.staged = append(m.staged, batch...)
	return nil
}

// settle brings what is staged into the store.
func (m *memory) settle(s *Sessions, changes *Changes) error {
	s.Settle(changes)
	m.events, m.staged = append(m.events, m.staged...), nil
	for _, ref := range changes.Withdrawals {
		if _, ok := m.sessions[ref]; !ok {
			return fmt.Errorf("session %+v is withdrawn but is not there", ref)
		}
		delete(m.sessions, ref)
	}
	for _, session := range changes.Upserts {
		m.sessions[session.Ref()] = session
	}
	return nil
}

// chains makes events of two keys whose gaps are just about half an hour, in stretches of about a day each that a few
// late events join: the histories in which it matters how far back a look-up reaches.
func chains(r *rand.Rand, n int) []event.Event {
	start := int64(1_763_856_000_000) + r.Int64N(event.DayMillis)
	at := [2]int64{start, start}
	kind := [2]event.Type{event.Pageview, event.Pageview}
	var events, late []event.Event
	for i := range n {
		key := r.IntN(len(at))
		at[key] += event.SessionGapMillis - r.Int64N(60_000)*int64(r.IntN(2))
		e := randomEvent(r, uint64(i), key, at[key])
		if r.IntN(12) == 0 {
			kind[key] = event.Pageview + event.Engagement - kind[key] // long runs without a counted event
		}
		e.Type = kind[key]
		if r.IntN(24) == 0 {
			late = append(late, e)
		} else {
			events = append(events, e)
		}
		if r.IntN(40) == 0 {
			at[key] += event.SessionGapMillis
		}
	}
	r.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	return append(events, late...)
}

// history makes events of a few keys whose gaps lie around 30 minutes and whose chains around a day, in a random order of arrival.
func history(r *rand.Rand, n int) []event.Event {
	start := int64(1_763_856_000_000) + r.Int64N(event.DayMillis)
	clocks := [5]int64{start, start, start, start, start}
	step := []int64{1000, 60_000, 20 * 60_000, 29 * 60_000}[r.IntN(4)]
	events := make([]event.Event, n)
	for i := range events {
		key := r.IntN(len(clocks))
		switch r.IntN(20) {
		case 0:
			clocks[key] += event.SessionGapMillis + r.Int64N(3) - 1
		case 1:
			clocks[key] += r.Int64N(8 * 3_600_000)
		case 2:
			clocks[key] = start + r.Int64N(5*event.DayMillis)
		case 3:
			clocks[key] += event.DayMillis - floorMod(clocks[key], event.DayMillis) + r.Int64N(3) - 1 // around midnight
		case 4: // the same time again
		default:
			clocks[key] += r.Int64N(step)
		}
		events[i] = randomEvent(r, uint64(i), key, clocks[key])
	}
	window := 1 + r.IntN(n)
	for i := range events { // shuffled within a window, so that most are nearly in time and some very late
		j := i + r.IntN(min(window, n-i))
		events[i], events[j] = events[j], events[i]
	}
	return events
}

func randomEvent(r *rand.Rand, i uint64, key int, at int64) event.Event {
	user := r.IntN(3) * r.IntN(2) * r.IntN(20)
	e := event.Event{
		ID: event.UUID{byte(r.IntN(256)), byte(i >> 8), byte(i)}, WebsiteID: fmt.Sprint("site", key%2), SessionID: fmt.Sprint("s", key/2), BotBand: uint8(key % 3),
		Type: event.Type(1 + r.IntN(3)), Timestamp: at, Interactive: r.IntN(2) == 0,
		UserID: fmt.Sprint("u", user), SampleKey: mix(uint64(user)), VisitorCoupon: uint32(user),
		Page: fmt.Sprint("/", r.IntN(9)), Hostname: "example.org", Source: fmt.Sprint("source", r.IntN(9)), Language: fmt.Sprint("l", i), Referrer: fmt.Sprint(i),
	}
	if r.IntN(12) == 0 {
		e.Type = event.Vitals
	}
	if e.Type == event.Engagement {
		e.TimeOnPage = r.Int64N(10_000)
	} else if r.IntN(4) == 0 {
		e.Currency, e.Revenue = []string{"EUR", "EUR", "EUR", "USD"}[r.IntN(4)], r.Int64N(100_000)-1000
	}
	return e
}

// TestSessionsEqualARecomputation: whatever the order, the cuts into batches, evictions, failed look-ups and restarts, the
// store holds the sessions of its events whenever all is settled.
func TestSessionsEqualARecomputation(t *testing.T) {
	for seed := range uint64(160) {
		r := rand.New(rand.NewPCG(seed, 2))
		events, restarts := history(r, 20+r.IntN(400)), 15
		if seed%2 == 1 {
			events, restarts = chains(r, 300), 3
		}
		maxKeys := 1 + r.IntN(8)
		m := &memory{sessions: map[event.SessionRef]event.Session{}}
		s := NewSessions(maxKeys, NothingStored)
		s.forgotten = forgotten{maxKeys: 1 + r.IntN(5), seed: maphash.MakeSeed()}
		for done := 0; done < len(events); {
			n := min(1+r.IntN(1+r.IntN(40)), len(events)-done)
			if r.IntN(8) == 0 {
				s.Missing(events[done : done+n]) // and the look-up failed
			}
			if len(m.staged) == 0 && r.IntN(restarts) == 0 {
				s = restart(r, m, maxKeys)
			}
			err := m.stage(s, slices.Clone(events[done:done+n]), new(Changes))
			if done += n; err == nil && (r.IntN(3) == 0 || done == len(events)) {
				err = m.settle(s, new(Changes))
			}
			if err != nil {
				t.Fatalf("seed %d after %d events: %v", seed, done, err)
			}
			if len(m.staged) > 0 {
				continue
			}
			compareSessions(t, seed, done, m.sessions, recomputeSessions(events[:done]))
			if s.Keys() > maxKeys {
				t.Fatalf("seed %d: %d keys are held, %d allowed", seed, s.Keys(), maxKeys)
			}
		}
	}
}

// restart begins with nothing in memory; half of the times it is told the keys of the newest events.
func restart(r *rand.Rand, m *memory, maxKeys int) *Sessions {
	s := NewSessions(maxKeys, NothingKnown)
	if len(m.events) == 0 || r.IntN(2) == 0 {
		return s
	}
	horizon := m.events[r.IntN(len(m.events))].Timestamp
	s.Remember(horizon, func(yield func(event.SessionKey)) {
		for _, e := range m.events {
			if e.Timestamp >= horizon && e.Type.InSession() {
				yield(event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand})
			}
		}
	})
	return s
}

func compareSessions(t *testing.T, seed uint64, done int, got, want map[event.SessionRef]event.Session) {
	t.Helper()
	for ref := range got {
		if _, ok := want[ref]; !ok {
			t.Fatalf("seed %d after %d events: a session too many: %+v", seed, done, got[ref])
		}
	}
	for ref, session := range want {
		if !reflect.DeepEqual(got[ref], session) {
			t.Fatalf("seed %d after %d events:\ngot  %+v\nwant %+v", seed, done, got[ref], session)
		}
	}
}

// TestEndlessSessionStaysSmall: an id that never pauses, over 40 days.
func TestEndlessSessionStaysSmall(t *testing.T) {
	m := &memory{sessions: map[event.SessionRef]event.Session{}}
	s := NewSessions(0, NothingStored)
	r := rand.New(rand.NewPCG(3, 3))
	at := int64(1_763_856_000_000)
	for i := range uint64(40 * 48) {
		at += 31 * 60_000
		if i%500 > 250 {
			at -= 60_000 // chains of several days
		}
		e := randomEvent(r, i, 0, at)
		if i%97 == 96 {
			e.Timestamp -= r.Int64N(20 * event.DayMillis)
		}
		if _, err := m.step(s, []event.Event{e}); err != nil {
			t.Fatal(err)
		}
		for _, line := range s.timelines {
			if len(line.segments) > 4*maxSegments {
				t.Fatalf("%d segments are held", len(line.segments))
			}
		}
	}
	compareSessions(t, 0, len(m.events), m.sessions, recomputeSessions(m.events))
	if m.lookups > 60 {
		t.Errorf("%d look-ups", m.lookups)
	}
}

// TestNewKeysNeedNoLookup: neither in a new store, nor beyond what is held, nor after a restart that knows the newest keys.
func TestNewKeysNeedNoLookup(t *testing.T) {
	m := &memory{sessions: map[event.SessionRef]event.Session{}}
	s := NewSessions(100, NothingStored)
	at := int64(1_763_856_000_000)
	add := func(i int) {
		t.Helper()
		at += 1000
		e := event.Event{ID: event.UUID{byte(i >> 8), byte(i)}, WebsiteID: "s", SessionID: fmt.Sprint(i), Type: event.Pageview, Timestamp: at}
		if _, err := m.step(s, []event.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5000 {
		add(i)
	}
	if m.lookups > 2 {
		t.Errorf("%d look-ups with a new store", m.lookups)
	}
	add(1)
	if m.lookups == 0 {
		t.Error("no look-up of a key that was forgotten")
	}
	before, horizon := m.lookups, at-3_600_000
	s = NewSessions(100, NothingKnown)
	s.Remember(horizon, func(yield func(event.SessionKey)) {
		for _, e := range m.events {
			if e.Timestamp >= horizon {
				yield(event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID})
			}
		}
	})
	for i := range 1000 {
		add(10_000 + i)
	}
	if m.lookups > before+1 {
		t.Errorf("%d look-ups after a restart", m.lookups-before)
	}
}

func BenchmarkSessions(b *testing.B) {
	const batch, batches = 20_000, 10
	r := rand.New(rand.NewPCG(1, 1))
	events := make([]event.Event, batch*batches)
	for i := range events {
		key := i/10 + r.IntN(2000)
		events[i] = randomEvent(r, uint64(i), 0, 1_763_856_000_000+int64(i)*2)
		events[i].SessionID = fmt.Sprintf("%032x", mix(uint64(key)))
		events[i].UserID, events[i].Language, events[i].Referrer = events[i].SessionID, "de", ""
	}
	var changes Changes
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s := NewSessions(0, NothingStored)
		for i := range batches {
			part := events[i*batch : (i+1)*batch]
			changes.Upserts, changes.Withdrawals = changes.Upserts[:0], changes.Withdrawals[:0]
			s.Missing(part)
			s.Apply(part)
			s.Settle(&changes)
			n += batch
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

package migrate

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

var errKilled = errors.New("killed")

// fuse burns one step with each call of a store and fails at the last one, as a kill there would.
type fuse struct{ left int }

func (f *fuse) burn() error {
	if f.left--; f.left == 0 {
		return errKilled
	}
	return nil
}

const dayMillis = event.DayMillis

func dayOf(ms int64) int64 { return ms - ms%dayMillis }

// tallies counts rows as a store does.
func tallies(events []event.Event, sessions map[event.SessionRef]event.Session, ledger map[event.LedgerRow]int64) map[Day]Tallies {
	type sums struct {
		rows, delays int64
		ids          uint64
		sessions     SessionSums
		ledger       int64
	}
	days := map[Day]*sums{}
	of := func(websiteID string, ms int64) *sums {
		day := Day{websiteID, dayOf(ms)}
		if days[day] == nil {
			days[day] = &sums{}
		}
		return days[day]
	}
	for i := range events {
		e := &events[i]
		d := of(e.WebsiteID, e.Timestamp)
		d.rows++
		d.ids += uint64(e.ID[15])
		d.delays += e.ReceivedAt - e.Timestamp
	}
	for _, s := range sessions {
		d := of(s.WebsiteID, s.Start)
		d.sessions.Rows++
		d.sessions.Starts += s.Start % dayMillis
		d.sessions.Lengths += s.End - s.Start
		d.sessions.Events += s.Events
	}
	for key, n := range ledger {
		if key.Outcome > event.Stored {
			of(key.WebsiteID, key.Minute).ledger += n
		}
	}
	out := map[Day]Tallies{}
	for day, d := range days {
		t := Tallies{Ledger: LedgerTally(d.ledger)}
		if d.rows > 0 {
			t.Events = EventTally(d.rows, d.ids, d.delays)
		}
		if d.sessions.Rows > 0 {
			t.Sessions = d.sessions.Tally()
		}
		out[day] = t
	}
	return out
}

// memorySource is a store that is copied. onRead changes it while it is read.
type memorySource struct {
	*fuse
	events   []event.Event
	sessions map[event.SessionRef]event.Session
	ledger   map[event.LedgerRow]int64
	onRead   func()
}

func (s *memorySource) Days(context.Context) (map[Day]Tallies, error) {
	return tallies(s.events, s.sessions, s.ledger), s.burn()
}

func (s *memorySource) Slices(_ context.Context, day Day, _ int) ([]Slice, error) {
	var parts []Slice
	for from := day.Start; from < day.Start+dayMillis; from += dayMillis / 4 {
		parts = append(parts, Slice{day.WebsiteID, from, from + dayMillis/4})
	}
	return parts, s.burn()
}

func (p *Slice) has(websiteID string, ms int64) bool {
	return websiteID == p.WebsiteID && ms >= p.From && ms < p.To
}

func (s *memorySource) Read(_ context.Context, slice Slice) (*Rows, error) {
	rows := &Rows{}
	for i := range s.events {
		if slice.has(s.events[i].WebsiteID, s.events[i].Timestamp) {
			rows.Events = append(rows.Events, s.events[i])
		}
	}
	for _, one := range s.sessions {
		if slice.has(one.WebsiteID, one.Start) {
			rows.Sessions = append(rows.Sessions, one)
		}
	}
	slices.SortFunc(rows.Sessions, func(a, b event.Session) int { return cmp.Compare(a.Start, b.Start) })
	for key, n := range s.ledger {
		if slice.has(key.WebsiteID, key.Minute) && key.Outcome > event.Stored {
			key.Count = n
			rows.Ledger = append(rows.Ledger, key)
		}
	}
	if s.onRead != nil {
		s.onRead()
	}
	return rows, s.burn()
}

// memoryTarget writes a commit down before it stores it, and finishes what it has written down when it is asked for days.
type memoryTarget struct {
	*fuse
	events   []event.Event
	sessions map[event.SessionRef]event.Session
	ledger   map[event.LedgerRow]int64
	noted    *store.Batch
	commits  int

	foreign map[event.SessionRef]event.Session // what the target's own processing has made: it wins
}

func newMemoryTarget(f *fuse) *memoryTarget {
	return &memoryTarget{fuse: f, sessions: map[event.SessionRef]event.Session{}, ledger: map[event.LedgerRow]int64{}, foreign: map[event.SessionRef]event.Session{}}
}

func (t *memoryTarget) Days(_ context.Context, websiteID string) (map[int64]Tallies, error) {
	if t.noted != nil {
		t.apply()
	}
	days := map[int64]Tallies{}
	for day, tally := range tallies(t.events, t.sessions, t.ledger) {
		if day.WebsiteID == websiteID {
			days[day.Start] = tally
		}
	}
	return days, t.burn()
}

func (t *memoryTarget) Present(_ context.Context, slice Slice) (*Present, error) {
	p := &Present{Events: map[event.UUID][]int64{}, Sessions: map[event.SessionRef]Held{}, Ledger: map[LedgerKey]int64{}}
	for i := range t.events {
		if e := &t.events[i]; slice.has(e.WebsiteID, e.Timestamp) {
			p.Events[e.ID] = append(p.Events[e.ID], e.ReceivedAt)
		}
	}
	for ref, s := range t.sessions {
		if slice.has(s.WebsiteID, s.Start) {
			p.Sessions[ref] = Held{s, true, false}
		}
	}
	for ref, s := range t.foreign {
		if slice.has(s.WebsiteID, s.Start) {
			p.Sessions[ref] = Held{s, false, true}
		}
	}
	for key, n := range t.ledger {
		if slice.has(key.WebsiteID, key.Minute) {
			p.Ledger[LedgerKey{key.Minute, key.Outcome, key.Reason}] += n
		}
	}
	return p, t.burn()
}

func (t *memoryTarget) Commit(_ context.Context, _ string, batch *store.Batch) error {
	if err := t.burn(); err != nil {
		return err
	}
	t.noted = batch
	if err := t.burn(); err != nil {
		return err
	}
	t.apply()
	return t.burn()
}

func (t *memoryTarget) apply() {
	for _, ref := range t.noted.Withdrawals {
		delete(t.sessions, ref)
	}
	for i := range t.noted.Sessions {
		t.sessions[t.noted.Sessions[i].Ref()] = t.noted.Sessions[i]
	}
	t.events = append(t.events, t.noted.Events...)
	for _, row := range t.noted.Ledger {
		n := row.Count
		row.Count = 0
		t.ledger[row] += n
	}
	t.noted = nil
	t.commits++
}

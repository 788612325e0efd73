package duckdb

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/audit"

	"github.com/cespare/xxhash/v2"
)

// random makes histories with everything that can happen: few visitors, shared sessions, all bands and types, mixed
// currencies, late events, sessions over midnight and over 24 hours.
type random struct {
	rng    *rand.Rand
	events map[event.SessionKey][]event.Event
	stored map[event.SessionKey][]event.Session
	offset int64
	from   int64
	span   int64
}

func newRandom(seed uint64, from, span int64) *random {
	return &random{rng: rand.New(rand.NewPCG(seed, 7)), events: map[event.SessionKey][]event.Event{}, stored: map[event.SessionKey][]event.Session{}, from: from, span: span}
}

func (r *random) oneOf(list ...string) string { return list[r.rng.IntN(len(list))] }

func (r *random) event() event.Event {
	user := fmt.Sprintf("user-%d", r.rng.IntN(40))
	e := event.Event{WebsiteID: r.oneOf("a", "a", "b"), UserID: user, SessionID: user, SampleKey: xxhash.Sum64String(user), VisitorCoupon: sketch.Coupon(user),
		Type: event.Type(1 + r.rng.IntN(6)), Interactive: r.rng.IntN(2) == 0, Timestamp: r.from + r.rng.Int64N(r.span), ScrollDepth: event.NoScroll,
		Page: r.oneOf("/", "/a", "/b", "/a long page name that is not inlined"), Hostname: r.oneOf("x.example", "y.example"), Name: r.oneOf("", "", "buy"),
		Source: r.oneOf("", "Google", "Bing"), Channel: r.oneOf("Direct", "Search"), Country: r.oneOf("DE", "US", ""), Browser: r.oneOf("Firefox", "Chrome"),
		DeviceType: r.oneOf("desktop", "mobile"), Medium: r.oneOf("", "cpc"), Campaign: r.oneOf("", "ünïcode"), OS: r.oneOf("", "Linux"), City: r.oneOf("", "Köln")}
	for i := range e.ID {
		e.ID[i] = byte(r.rng.Uint32())
	}
	if r.rng.IntN(3) == 0 {
		e.SessionID = fmt.Sprintf("shared-%d", r.rng.IntN(5))
	}
	if r.rng.IntN(4) == 0 {
		e.Timestamp -= e.Timestamp % (5 * 60_000) // equal times
	}
	e.BotScore = uint8(r.rng.IntN(4) * r.rng.IntN(2) * 25)
	e.BotBand = event.Band(e.BotScore)
	if e.Type == event.Engagement {
		e.TimeOnPage = int64(r.rng.IntN(50_000))
	}
	if e.Type.Counted() && r.rng.IntN(5) == 0 {
		e.Currency, e.Revenue = r.oneOf("EUR", "EUR", "USD"), int64(r.rng.IntN(100_000))-10_000
	}
	if r.rng.IntN(3) == 0 {
		e.Properties = []event.Property{{Key: "plan", Value: "a value of more than twelve bytes"}, {Key: "z", Value: ""}}
	}
	e.ReceivedAt = e.Timestamp + r.rng.Int64N(1000)
	return e
}

// batch returns n new events and what they do to the sessions.
func (r *random) batch(n int) *store.Batch {
	b := &store.Batch{}
	touched := map[event.SessionKey]bool{}
	minutes := map[event.LedgerRow]int64{}
	for range n {
		e := r.event()
		b.Events = append(b.Events, e)
		row := event.LedgerRow{WebsiteID: e.WebsiteID, Minute: event.Minute(e.ReceivedAt), Outcome: event.Received}
		minutes[row]++
		row.Outcome = event.Stored
		minutes[row]++
		if e.Type.InSession() {
			key := event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}
			r.events[key] = append(r.events[key], e)
			touched[key] = true
		}
	}
	for row, count := range minutes {
		row.Count = count
		b.Ledger = append(b.Ledger, row)
	}
	for key := range touched {
		r.restate(key, b)
	}
	r.offset += int64(n)
	b.Next = r.offset
	return b
}

// restate puts the key's sessions anew: all that were there are withdrawn or replaced.
func (r *random) restate(key event.SessionKey, b *store.Batch) {
	var now []event.Session
	list := r.events[key]
	slices.SortFunc(list, func(x, y event.Event) int {
		if x.Timestamp != y.Timestamp {
			return int(x.Timestamp - y.Timestamp)
		}
		return slices.Compare(x.ID[:], y.ID[:])
	})
	from := 0
	for i := 1; i <= len(list); i++ {
		if i == len(list) || list[i].Timestamp-list[i-1].Timestamp > event.SessionGapMillis {
			audit.Sessions(list[from:i], func(s *event.Session) { now = append(now, *s) })
			from = i
		}
	}
	for _, old := range r.stored[key] {
		if !slices.ContainsFunc(now, func(s event.Session) bool { return s.Start == old.Start }) {
			b.Withdrawals = append(b.Withdrawals, old.Ref())
		}
	}
	b.Sessions = append(b.Sessions, now...)
	r.stored[key] = now
}

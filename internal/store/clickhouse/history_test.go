package clickhouse

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/audit"
	"github.com/footfall-analytics/footfall/internal/stream"
)

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// history makes the batches of a random past of two sites, as a processor would: its sessions are the operator's.
type history struct {
	r        *rand.Rand
	from     int64 // the events are of the days behind it
	span     int64
	users    []string
	sessions *stream.Sessions
	next     int64
	events   []event.Event
}

func newHistory(seed uint64, from time.Time, span time.Duration) *history {
	h := &history{r: rand.New(rand.NewPCG(seed, 11)), from: from.UnixMilli(), span: span.Milliseconds(), sessions: stream.NewSessions(0, stream.NothingStored)}
	h.users = []string{"ann", "bob", "cy", "dé", "eve", "flo's", `g\us`, "hé \"q\"", "i", "j", "k", "l"}
	return h
}

func (h *history) event() event.Event {
	r := h.r
	user := pick(r, h.users...)
	at := h.from + r.Int64N(h.span)
	if n := len(h.events); n > 0 && r.IntN(4) > 0 { // near another one
		last := &h.events[r.IntN(n)]
		at = last.Timestamp + pick[int64](r, 0, 1, 1000, 60_000, 600_000, 1_800_000, 1_800_001, 5_000_000)
		user = last.UserID
	}
	e := event.Event{WebsiteID: pick(r, "s", "s", "s", "other"), Timestamp: at, ReceivedAt: at + int64(r.IntN(5000)), UserID: user, SampleKey: xxhash.Sum64String(user), VisitorCoupon: sketch.Coupon(user),
		Type:      pick(r, event.Pageview, event.Pageview, event.Pageview, event.Custom, event.Engagement, event.Engagement, event.Identify, event.Vitals),
		SessionID: pick(r, user, user, user, "shared"), Page: pick(r, "/", "/a", "/a/B", "/(not set)", "", `/it's\n "quoted" 100%_x`, "/größe/İI"), Hostname: pick(r, "x.io", "y.io"),
		Source: pick(r, "", "Google", "Bing"), Channel: pick(r, "Direct", "Organic Search"), Medium: pick(r, "", "cpc"), Campaign: pick(r, "", "spring"),
		Country: pick(r, "DE", "US", ""), Region: pick(r, "", "DE-BE"), City: pick(r, "", "Berlin", "München"), DeviceType: pick(r, "desktop", "mobile"), Browser: pick(r, "Chrome", "Firefox"),
		OS: pick(r, "Linux", "iOS"), Screen: pick(r, "", "1x1"), Referrer: pick(r, "", "https://g.co/"), BotScore: pick[uint8](r, 0, 0, 0, 30, 60), ScrollDepth: event.NoScroll}
	for i := range e.ID {
		e.ID[i] = byte(r.UintN(256))
	}
	e.BotBand = event.Band(e.BotScore)
	switch e.Type {
	case event.Custom:
		e.Name, e.Interactive = pick(r, "signup", "Buy", ""), r.IntN(3) > 0
		if r.IntN(2) == 0 {
			e.Revenue, e.Currency = int64(r.IntN(1_000_000))-1000, pick(r, "EUR", "EUR", "EUR", "USD")
		}
	case event.Engagement:
		e.TimeOnPage = int64(r.IntN(60_000))
		if r.IntN(3) > 0 {
			e.ScrollDepth = int16(r.IntN(101))
		}
	case event.Pageview:
		e.Interactive = true
	}
	if r.IntN(2) == 0 {
		e.Properties = []event.Property{{Key: "it's", Value: pick(r, "x", "")}, {Key: "plan", Value: pick(r, "pro", "free", "it's", `back\slash`)}}
	}
	if r.IntN(5) == 0 {
		e.BotReasons = []string{"ua", "rate"}
	}
	return e
}

// batch returns n new events and what they do to the sessions.
func (h *history) batch(n int) *store.Batch {
	b := &store.Batch{}
	before := len(h.events)
	for range n {
		e := h.event()
		b.Events, h.events = append(b.Events, e), append(h.events, e)
	}
	spans, settled := h.sessions.Missing(b.Events)
	if !settled {
		panic("BUG: each batch is settled")
	}
	for _, span := range spans {
		for i := range h.events[:before] {
			e := &h.events[i]
			if (event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}) == span.SessionKey && e.Type.InSession() && span.From <= e.Timestamp && e.Timestamp <= span.To {
				h.sessions.Load(e)
			}
		}
	}
	var changes stream.Changes
	h.sessions.Apply(b.Events)
	h.sessions.Settle(&changes)
	b.Withdrawals, b.Sessions = changes.Withdrawals, changes.Upserts
	counts := map[event.LedgerRow]int64{}
	for i := range b.Events {
		e := &b.Events[i]
		counts[event.LedgerRow{WebsiteID: e.WebsiteID, Minute: event.Minute(e.ReceivedAt), Outcome: event.Received}]++
		counts[event.LedgerRow{WebsiteID: e.WebsiteID, Minute: event.Minute(e.ReceivedAt), Outcome: event.Stored}]++
	}
	for row, n := range counts {
		row.Count = n
		b.Ledger = append(b.Ledger, row)
	}
	h.next += int64(n)
	b.Next = h.next
	return b
}

// changesOf returns a batch's changes of sessions in order, and their versions.
func changesOf(b *store.Batch) (changes []event.SessionChange, versions []uint64) {
	gone := map[event.SessionRef]bool{}
	for i := range b.Sessions {
		gone[b.Sessions[i].Ref()] = true
		changes = append(changes, event.SessionChange{Session: b.Sessions[i]})
	}
	for _, ref := range b.Withdrawals {
		if !gone[ref] {
			changes = append(changes, event.SessionChange{Session: event.Session{SessionKey: ref.SessionKey, Start: ref.Start}, Withdrawn: true})
		}
	}
	return changes, slices.Repeat([]uint64{Version(Stream, 0, b.Next)}, len(changes))
}

// naive returns the sessions of a site as the semantics make them of all events so far.
func (h *history) naive(site string) (out []event.Session) {
	var list []event.Event
	for i := range h.events {
		if h.events[i].WebsiteID == site && h.events[i].Type.InSession() {
			list = append(list, h.events[i])
		}
	}
	slices.SortFunc(list, func(a, b event.Event) int {
		return cmp.Or(cmp.Compare(a.SessionID, b.SessionID), cmp.Compare(a.BotBand, b.BotBand), cmp.Compare(a.Timestamp, b.Timestamp), slices.Compare(a.ID[:], b.ID[:]))
	})
	from := 0
	for i := 1; i <= len(list); i++ {
		if i == len(list) || !audit.Follows(&list[i-1], &list[i]) {
			audit.Sessions(list[from:i], func(s *event.Session) { out = append(out, *s) })
			from = i
		}
	}
	return out
}

// Package storetest is the battery that every event store must pass: what store.Writer and store.History promise, asked
// of an implementation through its own answers alone. A store that cannot do something lists it in Cannot; the zero value
// runs everything.
package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// Store is what the battery needs: the contract, and how to look at what is stored.
type Store interface {
	store.Writer
	store.History
	Close() error
}

// Probe reads a store for the battery.
type Probe struct {
	// Sessions returns the stored sessions of a site, in any order.
	Sessions func(s Store, websiteID string) ([]event.Session, error)
	// Ledger returns the sum of the counts of an outcome of a site.
	Ledger func(s Store, websiteID string, outcome event.Outcome) (int64, error)
}

// Cannot lists what an implementation is not able to do.
type Cannot struct {
	// Reopen: what is stored does not outlive Close.
	Reopen bool
}

// Run runs the battery. open opens the store in dir, which is the same for a reopening.
func Run(t *testing.T, open func(dir string) (Store, error), probe Probe, cannot Cannot) {
	b := &battery{open: open, probe: probe}
	for name, test := range map[string]func(*testing.T){
		"empty store":      b.empty,
		"position":         b.position,
		"session events":   b.sessionEvents,
		"span bounds":      b.spanBounds,
		"every field":      b.everyField,
		"upsert":           b.upsert,
		"withdrawal":       b.withdrawal,
		"ledger":           b.ledger,
		"cancelled commit": b.cancelled,
		"large batch":      b.large,
		"staged":           b.staged,
	} {
		t.Run(name, test)
	}
	if !cannot.Reopen {
		t.Run("reopen", b.reopen)
	}
}

type battery struct {
	open  func(dir string) (Store, error)
	probe Probe
}

const at = 1_750_000_000_000

func (b *battery) opened(t *testing.T, dir string) Store {
	t.Helper()
	s, err := b.open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *battery) fresh(t *testing.T) Store {
	t.Helper()
	s := b.opened(t, t.TempDir())
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func commit(t *testing.T, s Store, batch *store.Batch) {
	t.Helper()
	if err := s.Commit(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
}

func positionIs(t *testing.T, s Store, want int64) {
	t.Helper()
	if got, err := s.Position(context.Background()); err != nil || got != want {
		t.Errorf("position %d, %v; want %d", got, err, want)
	}
}

// page returns a pageview whose id ends in n.
func page(n byte, session string, ms int64) event.Event {
	return event.Event{ID: event.UUID{1, 15: n}, WebsiteID: "site", Type: event.Pageview, Interactive: true, Timestamp: ms, ReceivedAt: ms,
		UserID: session, SessionID: session, SampleKey: uint64(n), VisitorCoupon: 1<<26 | uint32(n), Page: "/", ScrollDepth: event.NoScroll}
}

func session(id string, start int64, pageviews int64) event.Session {
	return event.Session{SessionKey: event.SessionKey{WebsiteID: "site", SessionID: id}, ChainStart: start, Start: start, End: start + 1000,
		UserID: id, SampleKey: 5, VisitorCoupon: 1<<26 | 5, Pageviews: pageviews, Events: pageviews, EntryPage: "/", ExitPage: "/"}
}

// found returns what SessionEvents yields, ordered by id.
func found(t *testing.T, s Store, spans ...store.Span) (list []event.Event) {
	t.Helper()
	if err := s.SessionEvents(context.Background(), spans, func(e *event.Event) { list = append(list, *e) }); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b event.Event) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return list
}

func ids(list []event.Event) (out []int) {
	for _, e := range list {
		out = append(out, int(e.ID[15]))
	}
	return out
}

func all(session string, band uint8) store.Span {
	return store.Span{SessionKey: event.SessionKey{WebsiteID: "site", SessionID: session, Band: band}, From: 0, To: 1 << 50}
}

func (b *battery) empty(t *testing.T) {
	s := b.fresh(t)
	positionIs(t, s, 0)
	if list := found(t, s, all("u", 0)); len(list) != 0 {
		t.Errorf("an empty store has %v", list)
	}
	if list := found(t, s); len(list) != 0 {
		t.Errorf("no span, but %v", list)
	}
	commit(t, s, &store.Batch{})
	positionIs(t, s, 0)
}

func (b *battery) position(t *testing.T) {
	s := b.fresh(t)
	for _, next := range []int64{1, 1, 7, 1 << 40} {
		commit(t, s, &store.Batch{Next: next})
		positionIs(t, s, next)
	}
}

func (b *battery) sessionEvents(t *testing.T) {
	s := b.fresh(t)
	bot := page(4, "u", at)
	bot.BotScore, bot.BotBand = 60, 2
	vitals, identify, engagement := page(5, "u", at), page(6, "u", at), page(7, "u", at)
	vitals.Type, identify.Type, engagement.Type = event.Vitals, event.Identify, event.Engagement
	other := page(8, "u", at)
	other.WebsiteID = "other"
	commit(t, s, &store.Batch{Next: 1, Events: []event.Event{page(1, "u", at), page(2, "v", at), bot, vitals, identify, engagement, other}})
	commit(t, s, &store.Batch{Next: 2, Events: []event.Event{page(3, "u", at+1)}})
	for want, spans := range map[string][]store.Span{
		"[1 3 7]":     {all("u", 0)},
		"[2]":         {all("v", 0)},
		"[4]":         {all("u", 2)},
		"[1 2 3 4 7]": {all("u", 0), all("v", 0), all("u", 2), all("u", 0), all("none", 0)}, // each once
		"[]":          {all("none", 0)},
	} {
		if got := fmt.Sprint(ids(found(t, s, spans...))); got != want {
			t.Errorf("%v: got %s, want %s", spans, got, want)
		}
	}
}

func (b *battery) spanBounds(t *testing.T) {
	s := b.fresh(t)
	commit(t, s, &store.Batch{Next: 1, Events: []event.Event{page(1, "u", at), page(2, "u", at+10), page(3, "u", at+20)}})
	span := all("u", 0)
	for want, bounds := range map[string][2]int64{"[1 2]": {at, at + 10}, "[2]": {at + 1, at + 19}, "[3]": {at + 20, at + 20}, "[]": {at + 21, at + 30}} {
		span.From, span.To = bounds[0], bounds[1]
		if got := fmt.Sprint(ids(found(t, s, span))); got != want {
			t.Errorf("[%d, %d]: got %s, want %s", span.From, span.To, got, want)
		}
	}
}

// everyField: what sessions are made of comes back as it was, long and short, empty and not ASCII.
func (b *battery) everyField(t *testing.T) {
	s := b.fresh(t)
	e := page(1, "session of its own", at)
	e.ID = event.UUID{255, 254, 0, 1, 128, 0x7f, 15: 1}
	e.UserID, e.SampleKey, e.VisitorCoupon = "a user", 1<<63+9, 1<<31+7
	e.Revenue, e.Currency, e.TimeOnPage = -123456, "EUR", 99
	for i, to := range texts(&e) {
		*to = []string{"", "short", "twelve bytes", "thirteen byte", "größer als zwölf Bytes, mit ☃"}[i%5]
	}
	commit(t, s, &store.Batch{Next: 1, Events: []event.Event{e}})
	list := found(t, s, all(e.SessionID, 0))
	if len(list) != 1 {
		t.Fatalf("got %v", list)
	}
	got := list[0]
	if got.ID != e.ID || got.WebsiteID != e.WebsiteID || got.Type != e.Type || got.Interactive != e.Interactive || got.Timestamp != e.Timestamp ||
		got.UserID != e.UserID || got.SampleKey != e.SampleKey || got.VisitorCoupon != e.VisitorCoupon || got.SessionID != e.SessionID ||
		got.Revenue != e.Revenue || got.Currency != e.Currency || got.TimeOnPage != e.TimeOnPage || got.BotBand != e.BotBand {
		t.Errorf("got  %+v\nwant %+v", got, e)
	}
	for i, to := range texts(&got) {
		if *to != *texts(&e)[i] {
			t.Errorf("text %d: got %q, want %q", i, *to, *texts(&e)[i])
		}
	}
}

// texts are the attributes that sessions take from events.
func texts(e *event.Event) []*string {
	return []*string{&e.Page, &e.Hostname, &e.Referrer, &e.Source, &e.Medium, &e.Campaign, &e.Term, &e.Content, &e.Channel, &e.Country, &e.Region,
		&e.City, &e.DeviceType, &e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Screen, &e.Language}
}

func (b *battery) sessionsAre(t *testing.T, s Store, want ...event.Session) {
	t.Helper()
	got, err := b.probe.Sessions(s, "site")
	if err != nil {
		t.Fatal(err)
	}
	order := func(a, b event.Session) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.SessionID, b.SessionID), cmp.Compare(a.Band, b.Band))
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func (b *battery) upsert(t *testing.T) {
	s := b.fresh(t)
	first, second := session("u", at, 1), session("u", at+7_200_000, 1)
	band := session("u", at, 4)
	band.Band = 3
	band.Visitors = []event.Visitor{{SampleKey: 1, Coupon: 2}, {SampleKey: 1 << 63, Coupon: 1 << 31}}
	commit(t, s, &store.Batch{Next: 1, Sessions: []event.Session{first, second, band}})
	first.Pageviews, first.Events, first.ExitPage = 2, 2, "/end"
	commit(t, s, &store.Batch{Next: 2, Sessions: []event.Session{first}})
	b.sessionsAre(t, s, first, second, band)
	for range 20 { // the same key many times
		first.Events++
		commit(t, s, &store.Batch{Next: 2, Sessions: []event.Session{first}})
	}
	b.sessionsAre(t, s, first, second, band)
}

func (b *battery) withdrawal(t *testing.T) {
	s := b.fresh(t)
	one, two := session("u", at, 1), session("u", at+7_200_000, 1)
	commit(t, s, &store.Batch{Next: 1, Sessions: []event.Session{one, two}})
	bridged := session("u", at, 3)
	commit(t, s, &store.Batch{Next: 2, Withdrawals: []event.SessionRef{two.Ref(), {SessionKey: two.SessionKey, Start: 1}}, Sessions: []event.Session{bridged}})
	b.sessionsAre(t, s, bridged)
	commit(t, s, &store.Batch{Next: 3, Withdrawals: []event.SessionRef{bridged.Ref()}, Sessions: []event.Session{bridged}}) // withdrawals come first
	b.sessionsAre(t, s, bridged)
	commit(t, s, &store.Batch{Next: 4, Withdrawals: []event.SessionRef{bridged.Ref()}})
	b.sessionsAre(t, s)
}

func (b *battery) ledger(t *testing.T) {
	s := b.fresh(t)
	row := event.LedgerRow{WebsiteID: "site", Minute: 60_000, Outcome: event.Stored, Count: 2}
	failed := event.LedgerRow{Minute: 60_000, Outcome: event.Failed, Reason: "no type", Count: 1}
	commit(t, s, &store.Batch{Next: 1, Ledger: []event.LedgerRow{row, row, failed}, Failed: []event.FailedEvent{{Reason: "no type", Payload: []byte{0, 255}}}})
	commit(t, s, &store.Batch{Next: 2, Ledger: []event.LedgerRow{row}})
	for _, want := range []struct {
		site    string
		outcome event.Outcome
		count   int64
	}{{"site", event.Stored, 6}, {"", event.Failed, 1}, {"site", event.Duplicate, 0}} {
		if got, err := b.probe.Ledger(s, want.site, want.outcome); err != nil || got != want.count {
			t.Errorf("%q %s: got %d, %v; want %d", want.site, want.outcome, got, err, want.count)
		}
	}
}

// cancelled: a commit that fails leaves nothing, and the store goes on.
func (b *battery) cancelled(t *testing.T) {
	s := b.fresh(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	batch := &store.Batch{Next: 9, Events: []event.Event{page(1, "u", at)}, Sessions: []event.Session{session("u", at, 1)}}
	if err := s.Commit(ctx, batch); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	positionIs(t, s, 0)
	b.sessionsAre(t, s)
	commit(t, s, batch)
	if list := found(t, s, all("u", 0)); len(list) != 1 {
		t.Errorf("%d events after the second try", len(list))
	}
	positionIs(t, s, 9)
}

// staged: what is staged is seen with the commit and not before, and is gone with one that fails.
func (b *battery) staged(t *testing.T) {
	s := b.fresh(t)
	stager, ok := s.(store.Stager)
	if !ok {
		t.Skip("the store stages nothing")
	}
	stage := func(n byte) {
		t.Helper()
		row := event.LedgerRow{WebsiteID: "site", Minute: 60_000, Outcome: event.Stored, Count: 1}
		if err := stager.Stage(context.Background(), &store.Batch{Events: []event.Event{page(n, "u", at+int64(n))}, Ledger: []event.LedgerRow{row}, Next: 99}); err != nil {
			t.Fatal(err)
		}
	}
	storedIs := func(want string, ledger, position int64) {
		t.Helper()
		if got := fmt.Sprint(ids(found(t, s, all("u", 0)))); got != want {
			t.Errorf("events %s, want %s", got, want)
		}
		if got, err := b.probe.Ledger(s, "site", event.Stored); err != nil || got != ledger {
			t.Errorf("ledger %d, %v; want %d", got, err, ledger)
		}
		positionIs(t, s, position)
	}
	stager.Discard() // nothing
	stage(1)
	stage(2)
	storedIs("[]", 0, 0)
	commit(t, s, &store.Batch{Next: 5, Events: []event.Event{page(3, "u", at+3)}, Sessions: []event.Session{session("u", at+1, 3)}})
	storedIs("[1 2 3]", 2, 5)
	b.sessionsAre(t, s, session("u", at+1, 3))
	stage(4)
	stager.Discard()
	storedIs("[1 2 3]", 2, 5)
	stage(5)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Commit(ctx, &store.Batch{Next: 6}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled commit: %v", err)
	}
	storedIs("[1 2 3]", 2, 5)
	if err := stager.Stage(ctx, &store.Batch{Events: []event.Event{page(6, "u", at)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled stage: %v", err)
	}
	stage(7)
	commit(t, s, &store.Batch{Next: 7})
	storedIs("[1 2 3 7]", 3, 7)
}

// large: more rows than any chunk or row group, with long texts.
func (b *battery) large(t *testing.T) {
	s := b.fresh(t)
	batch := &store.Batch{Next: 1}
	for i := range 40_000 {
		e := page(byte(i), fmt.Sprintf("visitor-number-%d", i%100), at+int64(i))
		e.ID[8], e.ID[9] = byte(i>>8), byte(i>>16)
		e.Title = fmt.Sprintf("a title that is long enough to stand outside its place, number %d", i)
		e.Properties = []event.Property{{Key: "number", Value: fmt.Sprint(i)}}
		batch.Events = append(batch.Events, e)
	}
	commit(t, s, batch)
	if list := found(t, s, all("visitor-number-7", 0)); len(list) != 400 {
		t.Errorf("%d events of one visitor, want 400", len(list))
	}
}

func (b *battery) reopen(t *testing.T) {
	dir := t.TempDir()
	for round := range int64(3) {
		s := b.opened(t, dir)
		positionIs(t, s, round)
		commit(t, s, &store.Batch{Next: round + 1, Events: []event.Event{page(byte(round), "u", at+round)}, Sessions: []event.Session{session("u", at, round+1)}})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := b.opened(t, dir)
	defer s.Close()
	if got := fmt.Sprint(ids(found(t, s, all("u", 0)))); got != "[0 1 2]" {
		t.Errorf("got %s", got)
	}
	b.sessionsAre(t, s, session("u", at, 3))
}

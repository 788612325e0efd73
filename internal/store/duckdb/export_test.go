package duckdb

import (
	"cmp"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/migrate"
	"github.com/footfall-analytics/footfall/internal/store"
)

const exportDay = 20_000 * dayMillis

// exportEvents returns events of one day with every field set, and with none.
func exportEvents() []event.Event {
	r := rand.New(rand.NewPCG(1, 2))
	var events []event.Event
	for range 3000 {
		events = append(events, randomEvent(r, exportDay+r.Int64N(dayMillis)))
	}
	full := &events[0]
	full.ID = event.UUID{255, 254, 0, 1, 128, 0x7f, 15: 1}
	full.UserID, full.SessionID, full.SampleKey, full.VisitorCoupon = "a user", "session of its own", 1<<63+9, 1<<31+7
	full.Title, full.Term, full.Content, full.IPAddress, full.BrowserVersion = "größer als zwölf Bytes, mit ☃", "term", "content", "192.0.2.1", "142"
	full.OSVersion, full.Language, full.Category, full.Action, full.Label, full.Value = "14", "de-DE", "shop", "buy", "lamp", 49.9
	full.BotReasons, full.Flags, full.ScrollDepth = []string{"ua", "rate"}, event.Imported|event.Truncated, 0
	full.Properties = []event.Property{{Key: "a", Value: ""}, {Key: "b", Value: "with , and ; and \" in it"}}
	events[1] = event.Event{ID: event.UUID{1}, WebsiteID: "s", Type: event.Vitals, Timestamp: exportDay, ReceivedAt: exportDay, SessionID: "x", UserID: "x", ScrollDepth: event.NoScroll}
	slices.SortFunc(events, func(a, b event.Event) int {
		return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), slices.Compare(a.ID[:], b.ID[:]))
	})
	return events
}

func TestExportIsWhatWasCommitted(t *testing.T) {
	s := openTest(t)
	events := exportEvents()
	two := event.Session{SessionKey: event.SessionKey{WebsiteID: "s", SessionID: "b", Band: 1}, ChainStart: exportDay - 5, Start: exportDay + 1, End: exportDay + 9, UserID: "u", SampleKey: 1,
		Visitors: []event.Visitor{{SampleKey: 1, Coupon: 2}, {SampleKey: 3, Coupon: 4}}, Pageviews: 2, Events: 3, EngagedMs: 4, RevenueEvents: 2, Currency: event.MixedCurrency, EntryPage: "/", Language: "de"}
	one := event.Session{SessionKey: event.SessionKey{WebsiteID: "s", SessionID: "a"}, ChainStart: exportDay + 1, Start: exportDay + 1, End: exportDay + 2, UserID: "a", Pageviews: 1, Events: 1}
	minute := int64(exportDay)
	commit(t, s, &store.Batch{Next: 1, Events: slices.Clone(events), Sessions: []event.Session{two, one}, Ledger: []event.LedgerRow{
		{WebsiteID: "s", Minute: minute, Outcome: event.Received, Count: 9}, {WebsiteID: "s", Minute: minute, Outcome: event.Stored, Count: 2},
		{WebsiteID: "s", Minute: minute, Outcome: event.Filtered, Reason: "gpc", Count: 3}, {WebsiteID: "s", Minute: minute + 60_000, Outcome: event.Failed, Reason: "r", Count: 4}}})
	commit(t, s, &store.Batch{Next: 2, Ledger: []event.LedgerRow{{WebsiteID: "s", Minute: minute, Outcome: event.Filtered, Reason: "gpc", Count: 2}}})

	x, ctx := s.Export(), context.Background()
	got, err := x.Read(ctx, migrate.Slice{WebsiteID: "s", From: exportDay, To: exportDay + dayMillis})
	if err != nil {
		t.Fatal(err)
	}
	want := &migrate.Rows{Events: events, Sessions: []event.Session{one, two}, Ledger: []event.LedgerRow{
		{WebsiteID: "s", Minute: minute, Outcome: event.Filtered, Reason: "gpc", Count: 5}, {WebsiteID: "s", Minute: minute + 60_000, Outcome: event.Failed, Reason: "r", Count: 4}}}
	for i := range events {
		if !reflect.DeepEqual(got.Events[i], events[i]) {
			t.Fatalf("event %d:\n%+v, want\n%+v", i, got.Events[i], events[i])
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sessions %+v\nledger %+v", got.Sessions, got.Ledger)
	}
	var ids uint64
	var delays int64
	for i := range events {
		ids += binary.BigEndian.Uint64(events[i].ID[8:])
		delays += events[i].ReceivedAt - events[i].Timestamp
	}
	days, err := x.Days(ctx)
	sums := migrate.SessionSums{Rows: 2, Starts: 2, Lengths: 9, Leads: 6, Events: 4, Pageviews: 3, Engaged: 4, Sales: 2}
	wantDays := map[migrate.Day]migrate.Tallies{{WebsiteID: "s", Start: exportDay}: {
		Events: migrate.EventTally(int64(len(events)), ids, delays), Sessions: sums.Tally(), Ledger: migrate.LedgerTally(9)}}
	if err != nil || !reflect.DeepEqual(days, wantDays) {
		t.Errorf("days %v, %v; want %v", days, err, wantDays)
	}
}

func TestExportSlicesCoverTheDay(t *testing.T) {
	s := openTest(t)
	events := exportEvents()
	commit(t, s, &store.Batch{Next: 1, Events: events})
	x, ctx := s.Export(), context.Background()
	for _, rows := range []int{1, 100, 2999, 100_000} {
		parts, err := x.Slices(ctx, migrate.Day{WebsiteID: "s", Start: exportDay}, rows)
		if err != nil {
			t.Fatal(err)
		}
		at := int64(exportDay)
		for _, part := range parts {
			if part.From != at || part.To <= at {
				t.Fatalf("%d rows: %+v begins not at %d", rows, part, at)
			}
			at = part.To
			n, seconds := 0, map[int64]bool{}
			for i := range events {
				if ms := events[i].Timestamp; ms >= part.From && ms < part.To {
					n++
					seconds[ms/1000] = true
				}
			}
			if n > rows && len(seconds) > 1 {
				t.Errorf("%d rows: a slice has %d", rows, n)
			}
		}
		if at != exportDay+dayMillis || (len(parts) == 1) != (rows > 3000) {
			t.Errorf("%d rows: %d slices up to %d", rows, len(parts), at)
		}
	}
	if parts, err := x.Slices(ctx, migrate.Day{WebsiteID: "none", Start: exportDay}, 5); err != nil || len(parts) != 1 {
		t.Errorf("an empty day: %v, %v", parts, err)
	}
}

// A session that ran over the edge of the retention must not speak for its day.
func TestExportLeavesOutWhatRetentionHasCut(t *testing.T) {
	s := openTest(t)
	over := event.Session{SessionKey: event.SessionKey{WebsiteID: "s", SessionID: "a"}, ChainStart: exportDay - 1000, Start: exportDay - 1000, End: exportDay + 2000, UserID: "a", Pageviews: 1, Events: 1}
	gone := event.Event{ID: event.UUID{1}, WebsiteID: "s", Type: event.Pageview, Timestamp: exportDay - 1000, ReceivedAt: exportDay - 1000, SessionID: "a", UserID: "a", ScrollDepth: event.NoScroll}
	kept := gone
	kept.ID, kept.Timestamp, kept.ReceivedAt = event.UUID{2}, exportDay+1, exportDay+1
	commit(t, s, &store.Batch{Next: 1, Events: []event.Event{gone, kept}, Sessions: []event.Session{over}})
	ctx := context.Background()
	before := migrate.Day{WebsiteID: "s", Start: exportDay - dayMillis}
	if days, err := s.Export().Days(ctx); err != nil || len(days) != 2 || days[before].Sessions.Rows != 1 {
		t.Fatalf("%v, %v", days, err)
	}
	if err := s.forgetSite(ctx, "s", exportDay); err != nil {
		t.Fatal(err)
	}
	days, err := s.Export().Days(ctx)
	if _, there := days[before]; err != nil || there || len(days) != 1 {
		t.Errorf("%v, %v", days, err)
	}
}

package clickhouse

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// A day is clean while its changes are those that its rollups hold, and it has ended.
func TestCleanDays(t *testing.T) {
	opts := testOptions(t)
	now := time.Date(2025, 3, 10, 15, 0, 0, 0, time.UTC)
	opts.Rollups, opts.Clock = true, func() time.Time { return now }
	s := openWith(t, opts)
	ctx := context.Background()
	day := func(n int) time.Time { return time.Date(2025, 3, n, 0, 0, 0, 0, time.UTC) }
	insert := func(token string, at time.Time, n int) {
		t.Helper()
		var events []event.Event
		for i := range n {
			events = append(events, event.Event{ID: event.NamedUUID(fmt.Appendf(nil, "%s-%d", token, i)), WebsiteID: "s", Type: event.Pageview, Timestamp: at.UnixMilli(), ReceivedAt: at.UnixMilli()})
		}
		if err := s.InsertEvents(ctx, token, events, Provenance{}); err != nil {
			t.Fatal(err)
		}
	}
	clean := func(want string) {
		t.Helper()
		s.stale()
		facts, text := s.Source().Facts("s", day(4).UnixMilli(), day(12).UnixMilli(), nil), ""
		for _, r := range facts.Clean {
			text += fmt.Sprintf("%d-%d ", time.UnixMilli(r.From).UTC().Day(), time.UnixMilli(r.To).UTC().Day())
		}
		if text != want || facts.Rollups != query.ByMinute {
			t.Errorf("clean days %q, want %q", text, want)
		}
	}
	insert("a", day(5).Add(time.Hour), 3)
	insert("b", day(6).Add(time.Hour), 2)
	insert("c", day(8).Add(time.Hour), 2)
	insert("d", day(10).Add(time.Hour), 2)
	clean("4-5 7-8 9-10 ") // what has no events has nothing to roll up
	states, err := s.DayStates(ctx, day(5), day(11))
	if err != nil || len(states) != 4 || states[0] != (DayState{"s", day(5), 3, 0, 0}) {
		t.Fatalf("states %+v, %v", states, err)
	}
	mark := func(list ...DayState) {
		t.Helper()
		var days []RolledDay
		for _, d := range list {
			days = append(days, RolledDay{d.WebsiteID, d.Day, d.Changes, d.Events})
		}
		now = now.Add(time.Second)
		if err := s.MarkRolled(ctx, days); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Source().Version("s", day(4).UnixMilli(), day(12).UnixMilli())
	mark(states...)
	clean("4-10 ") // but today
	if after := s.Source().Version("s", day(4).UnixMilli(), day(12).UnixMilli()); after != before {
		t.Error("answers that are the same in rollups and events have another version")
	}
	insert("e", day(6).Add(2*time.Hour), 1) // late
	clean("4-6 7-10 ")
	if states, err = s.DayStates(ctx, day(6), day(7)); err != nil || states[0] != (DayState{"s", day(6), 3, 2, 0}) {
		t.Errorf("states %+v, %v", states, err)
	}
	mark(states...)
	clean("4-10 ")
	if other := s.Source().Facts("other", day(4).UnixMilli(), day(6).UnixMilli(), nil); len(other.Clean) != 1 {
		t.Errorf("a site without events: %+v", other)
	}
	s.opts.Rollups = false
	clean("")
}

// Of days whose events are gone the rollups are all there is.
func TestCleanBehindRetention(t *testing.T) {
	day := int64(event.DayMillis)
	f := siteFacts{changes: map[int64]uint64{0: 5, day: 5, 2 * day: 5}, rolled: map[int64]uint64{0: 4, 2 * day: 4}}
	if got := fmt.Sprint(f.clean(0, 4*day, 2*day, 9*day)); got != fmt.Sprint([]query.Range{{From: 0, To: day}, {From: 3 * day, To: 4 * day}}) {
		t.Errorf("clean %s", got)
	}
}

package duckdb

import (
	"context"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store"
)

// TestAnotherTimeZone moves a site through zones, with days that are clean and days that are dirty at the change: no event may
// stand in two days, and none in a day without events.
func TestAnotherTimeZone(t *testing.T) {
	ctx := context.Background()
	s := openTest(t)
	traffic := newTraffic(1, 1_750_000_000_000, 2000)
	first := traffic.batch(4000)
	commit(t, s, first)
	id := first.Events[0].WebsiteID
	now := traffic.now + 3*dayMillis
	for i, zone := range []string{"UTC", "Asia/Kolkata", "UTC", "Europe/Berlin", "America/Santiago"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if i == 3 { // all days are dirty at this change
			b := traffic.batch(4000)
			commit(t, s, b)
			now = traffic.now + 3*dayMillis
		}
		from, _ := s.FirstEvent(id)
		last, _ := s.LastEvent(id)
		edges := query.DayEdges(loc, from-3*dayMillis, last+1)
		for _, day := range s.EmptyDays(id, edges) {
			if n := count(t, s, "select count(*) from rollup_clean where website_id = ? and day_start < ? and day_end > ?", id, day.End, day.Start); i != 3 && n > 0 {
				t.Errorf("%s: the empty day %d meets %d clean days of another zone", zone, day.Start, n)
			}
		}
		if err := s.BuildRollups(ctx, &event.Site{WebsiteID: id, Timezone: zone}, now); err != nil {
			t.Fatal(err)
		}
		events := count(t, s, "select count(*) from events where website_id = ? and event_type in ('pageview', 'event')", id)
		for _, table := range []string{"rollup_days where dimension = '' and", "rollup_quarters where"} {
			if n := count(t, s, "select sum(events)::bigint from "+table+" website_id = ?", id); n != events {
				t.Errorf("%s: %d events in %s, want %d", zone, n, table, events)
			}
		}
		for _, day := range s.CleanDays(id, 0, 1<<60) {
			if e := query.DayEdges(loc, day.Start, day.End); len(e) != 2 || e[0] != day.Start || e[1] != day.End {
				t.Errorf("%s: %d to %d is clean and no day of the zone", zone, day.Start, day.End)
			}
		}
	}
}

// TestDayBeforeTheFirstEvent: in a zone of half hours the day that ends in the middle of the first event's hour is empty.
func TestDayBeforeTheFirstEvent(t *testing.T) {
	s := openTest(t)
	midnight := time.Date(2026, 3, 12, 18, 30, 0, 0, time.UTC).UnixMilli() // in Kolkata
	commit(t, s, &store.Batch{Next: 1, Events: []event.Event{{ID: event.UUID{1}, WebsiteID: "s", Type: event.Pageview, Timestamp: midnight + 60_000,
		ReceivedAt: midnight + 60_000, UserID: "u", SessionID: "u", Page: "/", ScrollDepth: event.NoScroll}}})
	days := s.EmptyDays("s", []int64{midnight - dayMillis, midnight, midnight + dayMillis})
	if len(days) != 1 || days[0].End != midnight {
		t.Errorf("empty days %v, want the one that ends at %d", days, midnight)
	}
}

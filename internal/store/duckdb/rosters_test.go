package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// longStore is a store of some days with more pages than a panel shows, rolled up.
func longStore(t *testing.T) (s *Store, traffic *traffic, now time.Time) {
	t.Helper()
	s = openTest(t)
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	end := start.AddDate(0, 0, 12)
	traffic = newTraffic(3, start.UnixMilli(), int(12*event.DayMillis/4000))
	for traffic.now < end.UnixMilli() {
		commit(t, s, traffic.batch(5000))
	}
	now = end.Add(time.Hour)
	build(t, s, &benchSite, now)
	return s, traffic, now
}

func askRows(t *testing.T, s *Store, now time.Time, body string) []query.Result {
	t.Helper()
	reply, err := newEngine(t, s, now).Query(context.Background(), &benchSite, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if reply.Meta.Source != "rollups" {
		t.Fatalf("%s: from %s", body, reply.Meta.Source)
	}
	return reply.Results
}

const longBody = `{"site_id":"s","date_range":["2026-06-01","2026-06-12"],"metrics":[%s],"dimensions":[%q],"pagination":{"limit":%d}}`

// The first rows of a long answer, whose visitors are read in steps, are the first of all rows.
func TestPanelIsTopOfWhole(t *testing.T) {
	s, _, now := longStore(t)
	for _, dimension := range []string{"event:page", "visit:entry_page", "visit:exit_page", "visit:city"} {
		for _, metrics := range []string{`"visitors","events"`, `"events","visitors"`} {
			all := askRows(t, s, now, fmt.Sprintf(longBody, metrics, dimension, 10_000))
			for _, limit := range []int{1, 7, 40, 150} {
				got, want := asText(t, askRows(t, s, now, fmt.Sprintf(longBody, metrics, dimension, limit))), asText(t, all[:min(limit, len(all))])
				if got != want {
					t.Errorf("%s of %s, %d rows:\n got %s\nwant %s", metrics, dimension, limit, got, want)
				}
			}
		}
	}
}

func asText(t *testing.T, results []query.Result) string {
	t.Helper()
	text, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Lists of days are kept until their day changes.
func TestListsAreKept(t *testing.T) {
	s, traffic, now := longStore(t)
	span := []query.Range{{From: now.Add(-time.Hour).UnixMilli() - 12*dayMillis, To: now.Add(-time.Hour).UnixMilli()}}
	kept := func() bool {
		mark := s.mark(benchSite.WebsiteID, span)
		if mark == nil {
			return false
		}
		_, ok := s.rosters.find(mark, benchSite.Threshold)
		return ok
	}
	body := fmt.Sprintf(longBody, `"visitors"`, "visit:browser", 10)
	first := asText(t, askRows(t, s, now, body))
	if !kept() || asText(t, askRows(t, s, now, body)) != first {
		t.Error("the lists were not kept, or say something else")
	}
	before := s.mark(benchSite.WebsiteID, span)
	traffic.now = span[0].From + 3*dayMillis + hourMillis
	commit(t, s, traffic.batch(200))
	if before.holds() || s.mark(benchSite.WebsiteID, span) != nil {
		t.Error("a changed day was taken for the old one")
	}
	build(t, s, &benchSite, now)
	if before.holds() || kept() {
		t.Error("a day that was built anew was taken for the old one")
	}
	second := asText(t, askRows(t, s, now, body))
	if !kept() || second == first {
		t.Error("the new lists were not kept, or say what the old ones said")
	}
	fresh, err := newRosterCache()
	if err != nil {
		t.Fatal(err)
	}
	s.rosters = fresh
	if got := asText(t, askRows(t, s, now, body)); got != second {
		t.Errorf("with kept lists %s, without %s", second, got)
	}
}

// A row that stands on a list of a day that has changed since is read with the lists of its own snapshot.
func TestStaleListsAreReadAnew(t *testing.T) {
	s, traffic, now := longStore(t)
	body := fmt.Sprintf(longBody, `"visitors","events"`, "visit:browser", 10)
	askRows(t, s, now, body)
	part := query.Part{View: query.ViewDays, WebsiteID: benchSite.WebsiteID, Threshold: 2, Rollup: new(string), Dimensions: []query.Column{{Table: query.RollupTable, Name: "value"}},
		Ranges: []query.Range{{From: now.Add(-time.Hour).UnixMilli() - 12*dayMillis, To: now.Add(-time.Hour).UnixMilli()}}, Measures: []query.Measure{query.VisitorSketch}}
	*part.Rollup = "visit:browser"
	read := func(between func()) (coupons []uint32) {
		parts := []query.Part{part}
		run := &sourceRun{store: s, ctx: context.Background(), marks: marksOf(s, parts)}
		between()
		err := s.Read(run.ctx, func(r *Reader) error {
			run.reader = r
			return run.part(&parts[0], func(rows *query.Rows) error {
				for _, row := range rows.Coupons {
					coupons = append(coupons, row...)
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(coupons)
		return coupons
	}
	got := read(func() {
		traffic.now = part.Ranges[0].From + 3*dayMillis + hourMillis
		commit(t, s, traffic.batch(200))
		build(t, s, &benchSite, now)
	})
	if want := read(func() {}); !slices.Equal(got, want) {
		t.Errorf("%d coupons, want %d", len(got), len(want))
	}
}

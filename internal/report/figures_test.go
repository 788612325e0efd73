package report_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/report"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// traffic is visits of a few page views each, over three days of a site whose day is not UTC's.
func traffic(site *event.Site, start time.Time) []event.Event {
	r := rand.New(rand.NewPCG(3, 9))
	var events []event.Event
	for visit := range 120 {
		at := start.Add(time.Duration(r.IntN(3*24*60)) * time.Minute)
		user := fmt.Sprintf("user-%d", r.IntN(25))
		source, device := []string{"Google", "Bing", ""}[r.IntN(3)], []string{"mobile", "desktop"}[r.IntN(2)]
		for view := range 1 + r.IntN(4) {
			when := at.Add(time.Duration(view) * 20 * time.Minute).UnixMilli()
			events = append(events, event.Event{
				ID: event.NamedUUID(fmt.Appendf(nil, "%d/%d", visit, view)), WebsiteID: site.WebsiteID, Type: event.Pageview, Interactive: true,
				Timestamp: when, ReceivedAt: when, UserID: user, SampleKey: uint64(len(user)*1000 + visit), VisitorCoupon: sketch.Coupon(user),
				SessionID: fmt.Sprint("visit-", visit), Page: "/", Source: source, DeviceType: device, ScrollDepth: event.NoScroll,
			})
		}
	}
	keys := map[string]uint64{}
	for i := range events {
		if _, ok := keys[events[i].UserID]; !ok {
			keys[events[i].UserID] = uint64(len(keys) + 1)
		}
		events[i].SampleKey = keys[events[i].UserID]
	}
	return events
}

// tally is what a naive recount knows of one row.
type tally struct {
	users                        map[string]bool
	sessions, pageviews, bounces int64
}

// recount counts the events by themselves: every visit of the traffic is one session.
func recount(events []event.Event, loc *time.Location, key func(e *event.Event, date string) string) map[string]*tally {
	rows, first, views := map[string]*tally{}, map[string]*event.Event{}, map[string]int{}
	row := func(e *event.Event) *tally {
		name := key(e, time.UnixMilli(e.Timestamp).In(loc).Format("2006-01-02"))
		if rows[name] == nil {
			rows[name] = &tally{users: map[string]bool{}}
		}
		return rows[name]
	}
	for i := range events {
		e := &events[i]
		row(e).users[e.UserID] = true
		row(e).pageviews++
		views[e.SessionID]++
		if first[e.SessionID] == nil || e.Timestamp < first[e.SessionID].Timestamp {
			first[e.SessionID] = e
		}
	}
	for session, e := range first {
		row(e).sessions++
		if views[session] == 1 {
			row(e).bounces++
		}
	}
	return rows
}

func openEngine(t *testing.T, events []event.Event, now time.Time) *query.Engine {
	t.Helper()
	s, err := duckdb.Open(duckdb.Options{Path: filepath.Join(t.TempDir(), "events.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var changes stream.Changes
	operator := stream.NewSessions(0, stream.NothingStored)
	operator.Missing(events)
	operator.Apply(events)
	operator.Settle(&changes)
	if err := s.Commit(context.Background(), &store.Batch{Events: events, Sessions: changes.Upserts, Next: int64(len(events))}); err != nil {
		t.Fatal(err)
	}
	engine, err := query.New(query.Options{Source: s.Source(), Catalog: s.Source(), Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// TestFigures compares every row of the report with the recount, by all dimensions and by single ones.
func TestFigures(t *testing.T) {
	site := &event.Site{WebsiteID: "w1", Timezone: "Asia/Kolkata", Threshold: 2}
	loc, err := time.LoadLocation(site.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2025, 11, 3, 0, 0, 0, 0, loc)
	events := traffic(site, start)
	engine := openEngine(t, events, start.AddDate(0, 0, 10))
	shown := func(text string) string {
		if text == "" {
			return "Direct / None"
		}
		return text
	}
	f := func(dimensions string, key func(e *event.Event, date string) string) {
		t.Helper()
		params, err := report.ParseParams(url.Values{"from": {"2025-11-03"}, "to": {"2025-11-06"}, "dimensions": {dimensions}})
		if err != nil {
			t.Fatal(err)
		}
		made, err := report.Make(context.Background(), engine, site, params)
		if err != nil {
			t.Fatal(err)
		}
		want := recount(events, loc, key)
		if len(made.Rows) != len(want) || made.TotalRows != len(want) {
			t.Fatalf("%s: %d rows, total %d, want %d", dimensions, len(made.Rows), made.TotalRows, len(want))
		}
		for _, r := range made.Rows {
			row := fields(t, r)
			name := ""
			for _, d := range params.Dimensions {
				name += fmt.Sprint(row[d], " ")
			}
			w := want[name]
			if w == nil {
				t.Errorf("%s: a row too many: %v", dimensions, row)
				continue
			}
			bounce := 0.0
			if w.sessions > 0 {
				bounce = 100 * float64(w.bounces) / float64(w.sessions)
			}
			got := [3]any{row["users"], row["sessions"], row["pageviews"]}
			if got != [3]any{float64(len(w.users)), float64(w.sessions), float64(w.pageviews)} || math.Abs(row["bounce_rate"].(float64)-bounce) > 1e-9 {
				t.Errorf("%s: %v, want %d users, %d sessions, %d pageviews, bounce rate %v", name, row, len(w.users), w.sessions, w.pageviews, bounce)
			}
		}
		checkOrder(t, params, made.Rows)
	}
	f("date,source,device", func(e *event.Event, date string) string {
		return date + " " + shown(e.Source) + " " + e.DeviceType + " "
	})
	f("source,device", func(e *event.Event, _ string) string { return shown(e.Source) + " " + e.DeviceType + " " })
	f("date", func(_ *event.Event, date string) string { return date + " " })
	f("device", func(e *event.Event, _ string) string { return e.DeviceType + " " })
}

// fields reads a row as a client does.
func fields(t *testing.T, r report.Row) map[string]any {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var row map[string]any
	if err := json.Unmarshal(text, &row); err != nil {
		t.Fatal(err)
	}
	return row
}

// checkOrder: by date, then users downwards, then source and device.
func checkOrder(t *testing.T, p *report.Params, rows []report.Row) {
	t.Helper()
	key := func(r report.Row) string {
		row := fields(t, r)
		text := ""
		if slices.Contains(p.Dimensions, "date") {
			text = row["date"].(string)
		}
		return fmt.Sprintf("%s %09d %v %v", text, 1_000_000-int(row["users"].(float64)), row["source"], row["device"])
	}
	for i := 1; i < len(rows); i++ {
		if key(rows[i-1]) > key(rows[i]) {
			t.Errorf("row %v stands before %v", rows[i-1], rows[i])
		}
	}
}

// TestPages: limit and offset cut the same rows, and the whole is known.
func TestPages(t *testing.T) {
	site := &event.Site{WebsiteID: "w1", Timezone: "UTC", Threshold: 2}
	start := time.Date(2025, 11, 3, 0, 0, 0, 0, time.UTC)
	engine := openEngine(t, traffic(site, start), start.AddDate(0, 0, 10))
	get := func(limit, offset string) *report.Report {
		params, err := report.ParseParams(url.Values{"from": {"2025-11-03"}, "to": {"2025-11-06"}, "limit": {limit}, "offset": {offset}})
		if err != nil {
			t.Fatal(err)
		}
		made, err := report.Make(context.Background(), engine, site, params)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	all := get("10000", "0")
	var paged []report.Row
	for offset := 0; offset < all.TotalRows; offset += 4 {
		page := get("4", fmt.Sprint(offset))
		if page.TotalRows != all.TotalRows {
			t.Errorf("total rows %d, then %d", all.TotalRows, page.TotalRows)
		}
		paged = append(paged, page.Rows...)
	}
	if fmt.Sprint(paged) != fmt.Sprint(all.Rows) || len(paged) < 8 {
		t.Errorf("the pages are %v, the whole is %v", paged, all.Rows)
	}
}

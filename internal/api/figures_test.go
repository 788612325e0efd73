package api

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// storeStatus is the SiteStatus of the embedded store.
type storeStatus struct{ *duckdb.Store }

func (s storeStatus) SiteStatus(_ context.Context, websiteID string) (first, last, events int64, err error) {
	first, _ = s.FirstEvent(websiteID)
	last, _ = s.LastEvent(websiteID)
	return first, last, s.Stored(websiteID), nil
}

// openFigures is open with the real store and engine, and a few visits of site a on 2025-11-22 (UTC).
func openFigures(t *testing.T) *fixture {
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
	f := open(t, func(o *Options) {
		engine, err := query.New(query.Options{Source: s.Source(), Catalog: s.Source(), Clock: o.Clock})
		if err != nil {
			t.Fatal(err)
		}
		o.Engine, o.SiteStatus = engine, storeStatus{s}
	})
	const noon = 1_763_812_800_000 // 2025-11-22 12:00 UTC
	var events []event.Event
	for i, visit := range []struct {
		user, source string
		pages        int
	}{{"ann", "Google", 3}, {"bob", "Google", 1}, {"cy", "Bing", 2}} {
		for page := range visit.pages {
			at := int64(noon + i*1000 + page*60_000)
			events = append(events, event.Event{ID: event.NamedUUID(fmt.Appendf(nil, "%d %d", i, page)), WebsiteID: f.a.WebsiteID, Type: event.Pageview, Interactive: true,
				Timestamp: at, ReceivedAt: at, UserID: visit.user, SampleKey: uint64(i + 1), VisitorCoupon: sketch.Coupon(visit.user), SessionID: visit.user,
				Page: fmt.Sprint("/", page), Source: visit.source, DeviceType: "mobile", ScrollDepth: event.NoScroll})
		}
	}
	var changes stream.Changes
	operator := stream.NewSessions(0, stream.NothingStored)
	operator.Missing(events)
	operator.Apply(events)
	operator.Settle(&changes)
	ledger := []event.LedgerRow{{WebsiteID: f.a.WebsiteID, Minute: noon, Outcome: event.Received, Count: 7}, {WebsiteID: f.a.WebsiteID, Minute: noon, Outcome: event.Stored, Count: 6},
		{WebsiteID: f.a.WebsiteID, Minute: noon, Outcome: event.Filtered, Reason: "gpc", Count: 1}}
	if err := s.Commit(context.Background(), &store.Batch{Events: events, Sessions: changes.Upserts, Ledger: ledger, Next: 6}); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFigures asks every door to the figures for the same day: they agree, and another site's are not in them.
func TestFigures(t *testing.T) {
	f := openFigures(t)
	_, key := f.addKey(f.a.WebsiteID, "stats")
	_, other := f.addKey(f.b.WebsiteID, "stats")
	ask := func(path, site, key string, into any) {
		t.Helper()
		body := fmt.Sprintf(`{"site_id":%q,"date_range":["2025-11-22","2025-11-22"],"metrics":["visitors","visits","pageviews","bounce_rate"],"dimensions":["visit:source"]}`, site)
		a := f.do(request{method: "POST", path: path, key: key, body: body})
		if err := json.Unmarshal(a.body, into); err != nil || a.status != 200 {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
	}
	var reply struct {
		Results []struct{ Dimensions, Metrics []any }
		Meta    struct{ Source string }
	}
	ask("/api/v2/query", "a.example", key, &reply)
	same(t, jsonOf(t, reply.Results), `[{"Dimensions":["Google"],"Metrics":[2,2,4,50]},{"Dimensions":["Bing"],"Metrics":[1,1,2,0]}]`)
	if reply.Meta.Source != "events" {
		t.Errorf("source %q", reply.Meta.Source)
	}
	ask("/api/v2/query", "b.example", other, &reply)
	if len(reply.Results) != 0 {
		t.Errorf("the other site has %v", reply.Results)
	}
	var explained struct {
		Plan   map[string]any
		SQL    []struct{ Text string }
		Ledger struct {
			Received, Stored int64
			Filtered         map[string]int64
		}
		Versions map[string]any
	}
	ask("/api/v2/explain", f.a.WebsiteID, key, &explained)
	if len(explained.SQL) == 0 || explained.SQL[0].Text == "" || explained.Plan["parts"] == nil || explained.Ledger.Received != 7 || explained.Ledger.Stored != 6 || explained.Ledger.Filtered["gpc"] != 1 || len(explained.Versions) == 0 {
		t.Errorf("explain %+v", explained)
	}
	var made struct {
		SiteID    string `json:"site_id"`
		Rows      json.RawMessage
		TotalRows int `json:"total_rows"`
	}
	a := f.do(request{method: "GET", path: "/api/v1/sites/a.example/report?from=2025-11-22&to=2025-11-22", key: key})
	if err := json.Unmarshal(a.body, &made); err != nil || a.status != 200 || made.SiteID != f.a.WebsiteID || made.TotalRows != 2 {
		t.Fatalf("report %d %s", a.status, a.body)
	}
	same(t, string(made.Rows), `[{"date":"2025-11-22","source":"Google","device":"mobile","users":2,"sessions":2,"pageviews":4,"bounce_rate":50},{"date":"2025-11-22","source":"Bing","device":"mobile","users":1,"sessions":1,"pageviews":2,"bounce_rate":0}]`)
	a = f.do(request{method: "GET", path: "/api/v1/sites/a.example/status", key: key})
	same(t, string(a.body), `{"first_event_at":1763812800000,"last_event_at":1763812920000,"events":6}`)
}

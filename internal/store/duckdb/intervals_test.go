package duckdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// overfull is a Source whose ranges seem to hold more rows than are read whole.
type overfull struct{ *Source }

func (c overfull) Facts(websiteID string, from, to int64, days []int64) query.Facts {
	facts := c.Source.Facts(websiteID, from, to, days)
	facts.Estimate = query.SampleAbove + 1
	return facts
}

// guests are visits to 250 sources, of few visitors and of many, who come once or more often and see a page or many.
func guests(r *rand.Rand, start time.Time) (events []event.Event) {
	id := 0
	for source := range 250 {
		for range 20 + int(r.ExpFloat64()*80) {
			id++
			user := fmt.Sprint("user-", id)
			shape := event.Event{WebsiteID: "s", Type: event.Pageview, Interactive: true, UserID: user, SampleKey: r.Uint64(), VisitorCoupon: sketch.Coupon(user),
				Source: fmt.Sprint("source-", source), Page: "/", ScrollDepth: event.NoScroll}
			for visit := range 1 + int(r.ExpFloat64()) {
				at := start.Add(time.Duration(r.IntN(5*24*3600)) * time.Second).UnixMilli()
				for view := range 1 + int(r.ExpFloat64()*1.5) {
					one := shape
					one.ID, one.SessionID = event.NamedUUID(fmt.Appendf(nil, "%d/%d/%d", id, visit, view)), fmt.Sprint(id, "/", visit)
					one.Timestamp, one.ReceivedAt = at, at
					events = append(events, one)
					at += int64(1000 + r.ExpFloat64()*60_000)
				}
			}
		}
	}
	return events
}

// What a sample of stored events states as 95 % intervals holds what all events say, in at least 93 % of the groups.
func TestIntervalsOfASampleHold(t *testing.T) {
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), "events.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	events := guests(rand.New(rand.NewPCG(11, 12)), start)
	var changes stream.Changes
	operator := stream.NewSessions(0, stream.NothingStored)
	operator.Missing(events)
	operator.Apply(events)
	operator.Settle(&changes)
	if err := s.Commit(context.Background(), &store.Batch{Events: events, Sessions: changes.Upserts, Next: int64(len(events))}); err != nil {
		t.Fatal(err)
	}
	answer := func(of interface {
		query.Source
		query.Catalog
	}) *query.Reply {
		engine, err := query.New(query.Options{Source: of, Catalog: of, Clock: func() time.Time { return start.AddDate(0, 0, 6) }})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := engine.Query(context.Background(), &event.Site{WebsiteID: "s", Timezone: "UTC", Threshold: 2},
			[]byte(`{"site_id":"s","date_range":["2026-06-01","2026-06-06"],"dimensions":["visit:source"],"metrics":["visitors","pageviews","visits","bounce_rate","visit_duration","views_per_visit","percentage"]}`))
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	exact, sampled := answer(s.Source()), answer(overfull{s.Source()})
	if !exact.Meta.Exact || exact.Meta.Error != nil || sampled.Meta.Sample == nil {
		t.Fatalf("%+v, %+v", exact.Meta, sampled.Meta)
	}
	truth := map[string][]any{}
	for _, row := range exact.Results {
		truth[row.Dimensions[0]] = row.Metrics
	}
	number := func(v any) float64 {
		if n, ok := v.(int64); ok {
			return float64(n)
		}
		return v.(float64)
	}
	for i, m := range sampled.Query.Metrics {
		held, interval := 0, sampled.Meta.Error[m]
		for row, result := range sampled.Results {
			if want := number(truth[result.Dimensions[0]][i]); interval.Low[row] <= want && want <= interval.High[row] {
				held++
			}
		}
		share := float64(held) / float64(len(sampled.Results))
		t.Logf("%-16s %d of %d groups: %.1f %%", m, held, len(sampled.Results), 100*share)
		if len(sampled.Results) < 200 || share < 0.93 {
			t.Errorf("the interval of %s holds the truth in %d of %d groups, want 93 %%", m, held, len(sampled.Results))
		}
	}
}

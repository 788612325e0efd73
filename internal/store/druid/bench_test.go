package druid

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
)

// A site of a year's benchmark has some 110,000 rows in page_views and 55,000 in sources.
const (
	benchDays   = 365
	benchSites  = 3
	viewsADay   = 300
	visitsADay  = 150
	benchPeople = 40_000
)

var benchFirst = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)

// skewed picks a number below n, small ones more often.
func skewed(r *rand.Rand, n int) int {
	return int(float64(n) * r.Float64() * r.Float64() * r.Float64())
}

func benchSketch(r *rand.Rand) []byte {
	set := sketch.New()
	for range 1 + r.IntN(2) {
		set.Add(sketch.Coupon(fmt.Sprint(r.IntN(benchPeople))))
	}
	return set.AppendBinary(nil)
}

// benchDay makes a day's rows of all sites.
func benchDay(r *rand.Rand, at time.Time) (views, visits []any) {
	minute := func() int64 { return at.Add(time.Duration(r.IntN(1440)) * time.Minute).UnixMilli() }
	named := func(kind string, n int) string { return fmt.Sprint(kind, skewed(r, n)) }
	for site := range benchSites {
		id := fmt.Sprint("site", site)
		for range viewsADay {
			views = append(views, &pageView{Timestamp: minute(), WebsiteID: id, Page: named("/page/", 500), Country: named("c", 40), DeviceType: named("d", 3),
				Browser: named("b", 6), Source: named("s", 12), Medium: named("m", 5), InSession: 1, BotBand: int64(skewed(r, 4)), Views: 1, Events: 2,
				TotalTime: r.Int64N(60_000), Visitors: benchSketch(r)})
		}
		for range visitsADay {
			visits = append(visits, &visit{Timestamp: minute(), WebsiteID: id, EntryPage: named("/page/", 500), Country: named("c", 40), DeviceType: named("d", 3),
				Browser: named("b", 6), Source: named("s", 12), Medium: named("m", 5), Channel: named("ch", 8), Campaign: named("ca", 10), BotBand: int64(skewed(r, 4)),
				Sessions: 1, Bounces: r.Int64N(2), Duration: r.Int64N(600_000), Pageviews: 1 + r.Int64N(5), Visitors: benchSketch(r)})
		}
	}
	return views, visits
}

// openBench opens the store of the benchmark, and fills it where it is empty. With FOOTFALL_BENCH_KEEP it stays for the next run.
func openBench(b *testing.B) *Store {
	b.Helper()
	keep := os.Getenv("FOOTFALL_BENCH_KEEP") != ""
	s := openStore(b, keep, func(o *Options) {
		if keep {
			o.Prefix = "bench_"
		}
	})
	ctx := context.Background()
	filled := func(datasource string, from, to time.Time) bool {
		days, err := s.Days(ctx, datasource, from, to)
		return err == nil && len(days) == int(to.Sub(from)/(24*time.Hour))*benchSites
	}
	o, r := newObjects(b), rand.New(rand.NewPCG(5, 6))
	for n := 0; n < benchDays; n += MaxDays {
		from, to := benchFirst.AddDate(0, 0, n), benchFirst.AddDate(0, 0, min(n+MaxDays, benchDays))
		if filled(PageViews, from, to) && filled(Sources, from, to) {
			continue
		}
		uris := map[string][]string{}
		for at := from; at.Before(to); at = at.AddDate(0, 0, 1) {
			views, visits := benchDay(r, at)
			uris[PageViews] = append(uris[PageViews], o.put(b, "views"+at.Format(time.DateOnly), views))
			uris[Sources] = append(uris[Sources], o.put(b, "visits"+at.Format(time.DateOnly), visits))
		}
		for datasource, list := range uris {
			began := time.Now()
			if err := s.Replace(ctx, Replacement{datasource, from, to, list}); err != nil {
				b.Fatal(err)
			}
			b.Logf("%s: %s to %s in %s", datasource, from.Format(time.DateOnly), to.Format(time.DateOnly), time.Since(began).Round(time.Millisecond))
		}
	}
	return s
}

// report are the parts of the historical report: users, sessions, pageviews, bounce rate by date, source, device.
func report(b *testing.B, days int, zone string) []query.Part {
	b.Helper()
	to := benchFirst.AddDate(0, 0, benchDays)
	from := to.AddDate(0, 0, -days)
	location, err := time.LoadLocation(zone)
	if err != nil {
		b.Fatal(err)
	}
	edges := []int64{from.UnixMilli()}
	for at := time.Date(from.Year(), from.Month(), from.Day()+1, 0, 0, 0, 0, location); at.Before(to); at = at.AddDate(0, 0, 1) {
		edges = append(edges, at.UnixMilli())
	}
	edges = append(edges, to.UnixMilli())
	by := []query.Column{{Table: query.RollupTable, Name: "source"}, {Table: query.RollupTable, Name: "device_type"}}
	one := query.Part{Of: "rows", View: query.ViewPageViews, WebsiteID: "site1", Threshold: 2,
		Ranges: []query.Range{{From: from.UnixMilli(), To: to.UnixMilli()}}, Edges: edges, Dimensions: by,
		Measures: []query.Measure{query.VisitorSketch, query.PageviewCount, query.EventCount}}
	other := one
	other.View, other.Measures = query.ViewSources, []query.Measure{query.VisitCount, query.BounceCount}
	return []query.Part{one, other}
}

// BenchmarkReport prints the wall time of the report's two statements, run side by side, with all rows read.
//
//	FOOTFALL_BENCH_KEEP=1 FOOTFALL_TEST_DRUID=... go test -run '^$' -bench Report ./internal/store/druid
func BenchmarkReport(b *testing.B) {
	s := openBench(b)
	for _, days := range []int{30, 365} {
		for _, zone := range []string{"UTC", "Europe/Berlin"} {
			b.Run(fmt.Sprintf("days=%d/zone=%s", days, zone), func(b *testing.B) {
				parts := report(b, days, zone)
				var took []time.Duration
				rows := 0
				for b.Loop() {
					began := time.Now()
					rows = 0
					err := s.Source().Run(context.Background(), parts, func(_ int, r *query.Rows) error { rows += r.Len; return nil })
					if err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				b.ReportMetric(float64(rows), "rows")
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			})
		}
	}
}

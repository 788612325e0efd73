package duckdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// overview are the questions of the dashboard's first page.
func overview(dates string) []string {
	panel := func(metrics, dimension string) string {
		return fmt.Sprintf(`{"site_id":"site-0001","date_range":%q,"metrics":[%s],"dimensions":[%q],"pagination":{"limit":10}}`, dates, metrics, dimension)
	}
	all := `"visitors","visits","pageviews","views_per_visit","bounce_rate","visit_duration"`
	return []string{
		fmt.Sprintf(`{"site_id":"site-0001","date_range":%q,"metrics":[%s]}`, dates, all),
		panel(all, "time:day"), panel(`"visitors","pageviews"`, "event:page"), panel(`"visitors","visits"`, "visit:entry_page"), panel(`"visitors","visits"`, "visit:exit_page"),
		panel(`"visitors"`, "visit:source"), panel(`"visitors"`, "visit:channel"), panel(`"visitors"`, "visit:country"), panel(`"visitors"`, "visit:device"),
		panel(`"visitors"`, "visit:browser"), panel(`"visitors"`, "visit:os"), panel(`"visitors","events"`, "event:name"),
	}
}

// benchSite is the site of benchStore.
var benchSite = event.Site{WebsiteID: "site-0001", Timezone: "UTC", Threshold: 2}

// benchStore is a store of FOOTFALL_BENCH_EVENTS events (default 1 M) over 30 days with their rollups, kept in
// FOOTFALL_BENCH_DIR where that is set; or FOOTFALL_BENCH_FILE, a store of one site.
func benchStore(b *testing.B) (*Store, *event.Site, time.Time) {
	if path := os.Getenv("FOOTFALL_BENCH_FILE"); path != "" {
		return openBenchFile(b, path)
	}
	n := 1_000_000
	if text := os.Getenv("FOOTFALL_BENCH_EVENTS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	dir := os.Getenv("FOOTFALL_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	s, err := Open(Options{Path: filepath.Join(dir, fmt.Sprintf("%d.duckdb", n))})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	end := start.AddDate(0, 0, 30)
	if _, ok := s.FirstEvent("site-0001"); !ok {
		traffic := newTraffic(3, start.UnixMilli(), int(4*30*event.DayMillis/int64(n)))
		for done := 0; traffic.now < end.UnixMilli(); done += 50_000 {
			commit(b, s, traffic.batch(50_000))
		}
		build(b, s, &benchSite, end.Add(time.Hour))
	}
	b.Logf("%d events", count(b, s, "select count(*) from events"))
	site := benchSite
	return s, &site, end.Add(time.Hour)
}

// openBenchFile opens a store of one site; the time is an hour into the day after its last full one.
func openBenchFile(b *testing.B, path string) (*Store, *event.Site, time.Time) {
	s, err := Open(Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	for id := range s.state.sites {
		last, _ := s.LastEvent(id)
		b.Logf("%d events", s.Stored(id))
		return s, &event.Site{WebsiteID: id, Timezone: "UTC", Threshold: 2}, time.UnixMilli(floor(last+dayMillis/2, dayMillis) + hourMillis)
	}
	b.Fatal("the store has no site")
	return nil, nil, time.Time{}
}

// BenchmarkOverview asks all panels; ns/op is the wall time of all of them, cpu-ms/op the processor's.
func BenchmarkOverview(b *testing.B) {
	s, site, now := benchStore(b)
	for _, dates := range []string{"30d", "7d"} {
		b.Run(dates, func(b *testing.B) { askAll(b, s, now, site, overview(dates), false) })
		for _, body := range overview(dates) {
			req, err := query.Parse([]byte(body))
			if err != nil {
				b.Fatal(err)
			}
			b.Run(dates+"-"+fmt.Sprint(req.Dimensions), func(b *testing.B) { askAll(b, s, now, site, []string{body}, false) })
		}
		b.Run(dates+"-cached", func(b *testing.B) { askAll(b, s, now, site, overview(dates)[:1], true) })
	}
}

// restless is a catalog of a store that changes all the time, so that no answer is cached.
type restless struct {
	*Source
	version uint64
}

func (r *restless) Version(string, int64, int64) uint64 {
	r.version++
	return r.version
}

func askAll(b *testing.B, s *Store, now time.Time, site *event.Site, bodies []string, cached bool) {
	options := query.Options{Source: s.Source(), Catalog: &restless{Source: s.Source()}, Clock: func() time.Time { return now }}
	if cached {
		options.Catalog = s.Source()
	}
	engine, err := query.New(options)
	if err != nil {
		b.Fatal(err)
	}
	before := cpu()
	for b.Loop() {
		for _, body := range bodies {
			if _, err := engine.Query(context.Background(), site, []byte(body)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

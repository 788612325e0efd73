package app

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/report"
	"github.com/footfall-analytics/footfall/internal/store/druid"
)

// BenchmarkReport prints how long the historical report (users, sessions, page views and bounce rate by date, source and device) takes
// over 30 and 365 days: from Druid, from ClickHouse alone, and from the cache. FOOTFALL_BENCH_VISITS is how many visits there are
// in the year, of 2.9 events each; default 100,000.
//
//	FOOTFALL_TEST_CLICKHOUSE=... FOOTFALL_TEST_DRUID=... go test -run '^$' -bench Report -benchtime 1x ./internal/app
func BenchmarkReport(b *testing.B) {
	visits, _ := strconv.Atoi(os.Getenv("FOOTFALL_BENCH_VISITS"))
	if visits == 0 {
		visits = 100_000
	}
	e := openEngines(b, 367, visits)
	for from := 0; from < e.days-1; from += druid.MaxDays {
		e.roll(b, enginesStart.AddDate(0, 0, from), enginesStart.AddDate(0, 0, min(from+druid.MaxDays, e.days-1)))
	}
	site := &event.Site{WebsiteID: "s", Timezone: "Europe/Berlin", Threshold: 2}
	for _, days := range []int{30, 365} {
		to := enginesStart.AddDate(0, 0, e.days-3)
		params, err := report.ParseParams(url.Values{"from": {to.AddDate(0, 0, 1-days).Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}})
		if err != nil {
			b.Fatal(err)
		}
		for _, from := range []struct {
			name   string
			of     source
			cached bool
			engine string
		}{{"druid", e.pair(b, e.druid), false, "druid"}, {"clickhouse", clickAlone{e.click.Source()}, false, "clickhouse"}, {"cache", e.pair(b, e.druid), true, "druid"}} {
			b.Run(fmt.Sprintf("days=%d/from=%s", days, from.name), func(b *testing.B) {
				engine := e.engine(b, from.of)
				var took []time.Duration
				for range max(20, b.N) {
					if !from.cached {
						engine = e.engine(b, from.of)
					}
					began := time.Now()
					made, err := report.Make(context.Background(), engine, site, params)
					if err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(began))
					if len(made.Rows) == 0 || !slices.Equal(made.Meta.Engines, []string{from.engine}) || made.Meta.Degraded != "" {
						b.Fatalf("%d rows, %+v", len(made.Rows), made.Meta)
					}
				}
				if from.cached {
					took = took[1:]
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
				b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms-p95")
			})
		}
	}
}

// clickAlone is ClickHouse as if nothing were rolled up.
type clickAlone struct{ source }

func (c clickAlone) Facts(websiteID string, from, to int64, days []int64) query.Facts {
	facts := c.source.Facts(websiteID, from, to, days)
	facts.Clean = nil
	return facts
}

func (c clickAlone) Engine(query.View) string { return "clickhouse" }

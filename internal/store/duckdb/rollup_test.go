package duckdb

import (
	"context"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

func BenchmarkRollups90Days(b *testing.B) {
	for range b.N {
		s := openTest(b)
		const start = 1_750_000_000_000
		traffic := newTraffic(1, start, 110_000)
		n := 0
		for n < 300_000 {
			batch := traffic.batch(50_000)
			n += len(batch.Events)
			commit(b, s, batch)
		}
		from := cpu()
		site := &event.Site{WebsiteID: traffic.site, Timezone: "Europe/Berlin"}
		if err := s.BuildRollups(context.Background(), site, traffic.now+2*dayMillis); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((cpu() - from).Seconds(), "cpu-s")
		b.ReportMetric(float64(len(s.CleanDays(traffic.site, 0, 1<<60))), "days")
		b.ReportMetric(float64(count(b, s, "select count(*) from rollup_days")), "rows")
		b.ReportMetric(float64(count(b, s, "select sum(octet_length(visitors))::bigint from rollup_days"))/float64(n), "sketchB/event")
	}
}

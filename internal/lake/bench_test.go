package lake

import (
	"math/rand/v2"
	"testing"

	"github.com/footfall-analytics/footfall/internal/object"
)

// Files of few and of many rows: ns and bytes a row.
func BenchmarkWrite(b *testing.B) { benchWrite(b, 100_000) }

func BenchmarkWriteSmall(b *testing.B) { benchWrite(b, 20) }

func benchWrite(b *testing.B, n int) {
	rows := randomRows(rand.New(rand.NewPCG(1, 1)), min(n, 1000), 1)
	s, rowsDone, bytes := object.Folder(b.TempDir()), 0, 0
	for b.Loop() {
		f := newFileWriter()
		for i := range n {
			if err := f.add(&rows[i%len(rows)]); err != nil {
				b.Fatal(err)
			}
		}
		body, err := f.close()
		if err != nil {
			b.Fatal(err)
		}
		if err := putBytes(b.Context(), s, "events/2026-03-01/x.parquet", body); err != nil {
			b.Fatal(err)
		}
		rowsDone, bytes = rowsDone+n, bytes+len(body)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rowsDone), "ns/row")
	b.ReportMetric(float64(bytes)/float64(rowsDone), "B/row")
}

func BenchmarkRead(b *testing.B) {
	rows := randomRows(rand.New(rand.NewPCG(1, 1)), 20_000, 1)
	s, f := object.Folder(b.TempDir()), newFileWriter()
	for i := range rows {
		if err := f.add(&rows[i]); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.put(b.Context(), s, "events/2026-03-01/x.parquet"); err != nil {
		b.Fatal(err)
	}
	files := []File{{Key: "events/2026-03-01/x.parquet", Day: start.UnixMilli()}}
	b.Run("rows", func(b *testing.B) {
		for b.Loop() {
			if err := ReadFile(b.Context(), s, files[0].Key, func(int, *Row) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
	})
	b.Run("ids", func(b *testing.B) {
		for b.Loop() {
			if _, err := findRepeats(b.Context(), s, files); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
	})
}

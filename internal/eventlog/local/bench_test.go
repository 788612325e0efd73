package local

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// record returns something like an event: a page view of about 400 bytes.
func record(i int) []byte {
	e := event.Event{ID: event.NamedUUID([]byte(fmt.Sprint(i))), WebsiteID: "s_0123456789ab", Type: event.Pageview, Timestamp: 1763856000000 + int64(i), ReceivedAt: 1763856000100 + int64(i),
		UserID: fmt.Sprintf("visitor%x", i*7919), SessionID: fmt.Sprintf("session%x", i*7919), Page: fmt.Sprintf("/docs/page-%d", i%500), Hostname: "bench.example",
		Title: "Pricing and docs - Bench Example", Referrer: "https://www.google.com/", Source: "Google", Channel: "Organic Search", Country: "DE", DeviceType: "desktop",
		Browser: "Chrome", BrowserVersion: "138", OS: "Windows", OSVersion: "10", Screen: "1920x1080", Language: "de-DE", SampleKey: uint64(i) * 0x9e3779b97f4a7c15, ScrollDepth: event.NoScroll}
	return e.AppendRecord(nil)
}

// BenchmarkAppend reports the CPU time of a record with 64 callers at a time.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 20} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			l, err := Open(Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			records := make([]eventlog.Record, size)
			for i := range records {
				records[i].Value = record(i)
			}
			runtime.GC()
			b.ResetTimer()
			start := cpuTime()
			var wg sync.WaitGroup
			for w := range 64 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for i := w; i < b.N; i += 64 {
						if err := l.Append(context.Background(), eventlog.RawEvents, records); err != nil {
							b.Error(err)
						}
					}
				}()
			}
			wg.Wait()
			b.ReportMetric(float64(cpuTime()-start)/1e3/float64(b.N*size), "cpu-us/record")
			b.ReportMetric(float64(l.stats.Calls.Load())/float64(l.stats.Groups.Load()), "calls/group")
			b.ReportMetric(float64(l.stats.Bytes.Load())/float64(l.stats.Records.Load()), "B/record")
			b.StopTimer()
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkResolve reports the CPU time of a new id in calls of 20,000.
func BenchmarkResolve(b *testing.B) {
	for _, kind := range []string{"v7", "random"} {
		b.Run(kind, func(b *testing.B) {
			l, err := Open(Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			const call = 20_000
			ids := make([]DedupeKey, 0, call)
			start := cpuTime()
			for i := range b.N {
				id := event.NamedUUID([]byte(fmt.Sprint(i)))
				now := int64(1763856000000 + i/5)
				if kind == "v7" {
					for k := range 6 {
						id[k] = byte(now >> (40 - 8*k))
					}
				}
				ids = append(ids, DedupeKey{WebsiteID: "s_0123456789ab", EventID: id, Offset: int64(i), ReceivedAt: now})
				if len(ids) == call || i == b.N-1 {
					dup, err := l.Duplicates().Resolve(context.Background(), ids)
					if err != nil || dup[0] {
						b.Fatal(err, dup[0])
					}
					ids = ids[:0]
				}
			}
			b.ReportMetric(float64(cpuTime()-start)/1e3/float64(b.N), "cpu-us/id")
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

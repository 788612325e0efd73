package kafka

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// benchEvent makes a record like those of the door: about 330 bytes, of which a third differs from one to the next.
func benchEvent(r *rand.Rand) []byte {
	e := event.Event{
		WebsiteID: "site" + strconv.Itoa(r.IntN(20)), Type: event.Pageview, Interactive: true,
		Timestamp: 1795692848488 + r.Int64N(1e6), ReceivedAt: 1795692848488 + r.Int64N(1e6),
		UserID: strconv.FormatUint(r.Uint64(), 16), SampleKey: r.Uint64(), VisitorCoupon: r.Uint32(),
		Page: "/articles/" + strconv.Itoa(r.IntN(500)), Hostname: "www.example.com", Title: "A page about number " + strconv.Itoa(r.IntN(500)),
		Referrer: "https://www.google.com/", Source: "google", Medium: "organic", Channel: "Organic Search",
		Country: "DE", DeviceType: "desktop", Browser: "Chrome", BrowserVersion: "142", OS: "Windows", OSVersion: "10",
		Screen: "1920x1080", Language: "de-DE",
	}
	for i := range e.ID {
		e.ID[i] = byte(r.Uint32())
	}
	e.SessionID = e.UserID
	return e.AppendRecord(nil)
}

func benchCalls(n, size int) [][]eventlog.Record {
	r := rand.New(rand.NewPCG(1, 2))
	calls := make([][]eventlog.Record, n)
	for i := range calls {
		key := strconv.FormatUint(r.Uint64(), 16)
		for range size {
			calls[i] = append(calls[i], eventlog.Record{Key: []byte(key), Value: benchEvent(r)})
		}
	}
	return calls
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAppend has 64 writers that wait for their acknowledgement, as requests at the door do. CPU is this process's, not the broker's.
func BenchmarkAppend(b *testing.B) {
	for _, codec := range []string{"none", "lz4", "zstd", "snappy"} {
		for _, size := range []int{1, 20} {
			b.Run(fmt.Sprintf("%s/%d", codec, size), func(b *testing.B) {
				l := openLog(b, 3, Options{Codec: codec}, eventlog.RawEvents)
				benchAppend(b, l, benchCalls(2000, size), 64)
			})
		}
	}
}

func benchAppend(b *testing.B, l *Log, calls [][]eventlog.Record, writers int) {
	next := make(chan int, writers)
	times := make([]time.Duration, b.N)
	var wg sync.WaitGroup
	from := cpu()
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for i := range next {
				start := time.Now()
				if err := l.Append(b.Context(), eventlog.RawEvents, calls[i%len(calls)]); err != nil {
					b.Error(err)
				}
				times[i] = time.Since(start)
			}
		})
	}
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
	b.StopTimer()
	events := float64(b.N * len(calls[0]))
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((cpu()-from).Microseconds())/events, "cpu-us/event")
	reportTimes(b, times)
	dirs, err := l.admin.DescribeAllLogDirs(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	size := int64(0)
	for _, d := range dirs.Sorted() {
		for _, p := range d.Topics.Sorted() {
			if p.Topic == l.name(eventlog.RawEvents) {
				size += p.Size
			}
		}
	}
	b.ReportMetric(float64(size)/events, "disk-B/event")
}

func reportTimes(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkAckAtLowLoad appends one event every 10 ms.
func BenchmarkAckAtLowLoad(b *testing.B) {
	l := openLog(b, 3, Options{}, eventlog.RawEvents)
	calls := benchCalls(1000, 1)
	times := make([]time.Duration, b.N)
	for i := range b.N {
		start := time.Now()
		if err := l.Append(b.Context(), eventlog.RawEvents, calls[i%len(calls)]); err != nil {
			b.Fatal(err)
		}
		times[i] = time.Since(start)
		time.Sleep(10 * time.Millisecond)
	}
	reportTimes(b, times)
}

// BenchmarkRead reads what 64 writers have appended, in sequence, 1 MiB at a time.
func BenchmarkRead(b *testing.B) {
	l := openLog(b, 1, Options{Codec: os.Getenv("FOOTFALL_BENCH_CODEC")}, eventlog.RawEvents)
	calls := benchCalls(1000, 20)
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < len(calls)*5; i += 64 {
				if err := l.Append(b.Context(), eventlog.RawEvents, calls[i%len(calls)]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ResetTimer()
	from, events := cpu(), 0
	for next := int64(0); events < b.N; {
		entries, err := l.Read(b.Context(), eventlog.RawEvents, 0, next, 1<<20)
		if err != nil {
			b.Fatal(err)
		}
		if events += len(entries); len(entries) == 0 {
			next = 0
			continue
		}
		next = entries[len(entries)-1].Offset + 1
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((cpu()-from).Microseconds())/float64(events), "cpu-us/event")
}

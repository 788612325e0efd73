package redis_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
	sessionredis "github.com/footfall-analytics/footfall/internal/session/redis"
)

// BenchmarkSessions says how many events a second one process writes, what Redis needs for a session, and how long a collector waits
// for what it does not know: go test -run - -bench Sessions -benchtime 1x ./internal/session/redis
func BenchmarkSessions(b *testing.B) {
	const sessions, each = 20_000, 5
	for range b.N {
		client, log, now := redistest.StartServer(b, os.Getenv(redistest.Binary)).Open(), redistest.NewLog(), time.Now().UnixMilli()
		for i := range sessions * each {
			visitor := fmt.Sprintf("%016x", xxhash.Sum64String(fmt.Sprint(i%sessions)))
			e := event.Event{
				WebsiteID: "site0001", Type: event.Pageview, Timestamp: now - 60_000 + int64(i)/5, ReceivedAt: now, UserID: visitor, SessionID: visitor,
				Page: fmt.Sprint("/products/", i%300), Source: "Google", ScrollDepth: event.NoScroll,
			}
			log.Append(eventlog.RawEvents, 0, e.AppendRecord(nil))
		}
		conn, err := client.Conn()
		if err != nil {
			b.Fatal(err)
		}
		used := func() (n int64) {
			text, err := conn.Do(b.Context(), conn.B().Info().Section("memory").Build()).ToString()
			if err != nil {
				b.Fatal(err)
			}
			for line := range strings.Lines(text) {
				if value, ok := strings.CutPrefix(line, "used_memory:"); ok {
					_, _ = fmt.Sscan(value, &n)
				}
			}
			return n
		}
		memory, began := used(), time.Now()
		w := sessionredis.NewWriter(sessionredis.WriterOptions{Client: client, Log: log, Partitions: []int32{0}})
		stop := start(b, w.Run)
		redistest.Eventually(b, 5*time.Minute, "all is written", func() bool { return w.Counters().Records.Load() >= sessions*each })
		b.ReportMetric(float64(w.Counters().Records.Load())/(time.Since(began)-2*time.Second).Seconds(), "events/s") // but for the pause of a takeover
		b.ReportMetric(float64(used()-memory)/sessions, "redis-B/session")
		stop()
		store := sessionredis.NewStore(sessionredis.StoreOptions{Client: client})
		began = time.Now()
		for i := range 2000 {
			e := event.Event{WebsiteID: "site0001", Type: event.Pageview, Timestamp: now, SessionID: fmt.Sprintf("%016x", xxhash.Sum64String(fmt.Sprint(i)))}
			if _, known := store.Observe(&e); !known && store.Counters().Errors.Load()+store.Counters().Skipped.Load() == 0 {
				b.Fatal("a session is not known")
			}
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/2000, "us/lookup")
		b.ReportMetric(float64(store.Counters().Errors.Load()), "errors")
	}
}

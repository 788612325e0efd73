package redis_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	liveredis "github.com/footfall-analytics/footfall/internal/live/redis"
	"github.com/footfall-analytics/footfall/internal/redis"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
)

// BenchmarkWriter says how many events a second one process writes, what CPU it and Redis take, and what memory Redis needs. It starts
// a Redis of its own: go test -run - -bench Writer -benchtime 1x ./internal/live/redis
func BenchmarkWriter(b *testing.B) {
	for _, c := range []struct {
		name      string
		sites     int
		each      int // events of a site in the half hour
		perVisit  int
		perAppend int // events of all sites in one Kafka record
	}{
		{"sites=1/events=200000", 1, 200_000, 5, 500},
		{"sites=100/events=2000", 100, 2000, 5, 500},
		{"sites=20000/events=10", 20_000, 10, 5, 500},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				client := redistest.StartServer(b, os.Getenv(redistest.Binary)).Open()
				log := traffic(c.sites, c.each, c.perVisit, c.perAppend)
				measure(b, client, log, c.sites, c.sites*c.each)
			}
		})
	}
}

// traffic fills a log with half an hour of page views of like sites, in the order of time.
func traffic(sites, each, perVisit, perAppend int) *redistest.Log {
	log, r, now := redistest.NewLog(), rand.New(rand.NewPCG(1, 1)), time.Now().UnixMilli()
	total := sites * each
	var pending [eventPartitions][][]byte
	for i := range total {
		site := r.IntN(sites)
		visitor := fmt.Sprintf("%016x", xxhash.Sum64String(strconv.Itoa(site)+"/"+strconv.Itoa(r.IntN(each/perVisit))))
		at := now - 30*60_000 + int64(i)*30*60_000/int64(total)
		e := event.Event{
			ID: event.NamedUUID([]byte(strconv.Itoa(i))), WebsiteID: fmt.Sprintf("site%08d", site), Type: event.Pageview, Interactive: true, Timestamp: at, ReceivedAt: at,
			UserID: visitor, SampleKey: xxhash.Sum64String(visitor), SessionID: visitor, Page: fmt.Sprintf("/products/%d", r.IntN(300)), Hostname: "www.example.com",
			Title: "A page of the shop with a title", Source: "Google", Medium: "organic", Channel: "Organic Search", Referrer: "https://www.google.com/",
			Country: "DE", DeviceType: "mobile", Browser: "Chrome Mobile", BrowserVersion: "138", OS: "Android", OSVersion: "15", Screen: "390x844", Language: "de-DE",
			ScrollDepth: event.NoScroll, Session: &event.SessionInfo{StartedAt: at, Events: 2, EntryPage: "/", Source: "Google"},
		}
		p := e.SampleKey % eventPartitions
		pending[p] = append(pending[p], e.AppendRecord(nil))
		if len(pending[p]) == perAppend || i > total-1000 {
			log.Append(eventlog.Events, int32(p), pending[p]...)
			pending[p] = nil
		}
	}
	for p, records := range pending {
		if len(records) > 0 {
			log.Append(eventlog.Events, int32(p), records...)
		}
	}
	return log
}

func measure(b *testing.B, client *redis.Client, log *redistest.Log, sites, total int) {
	memory, serverCPU := info(b, client, "memory", "used_memory"), info(b, client, "cpu", "used_cpu_user", "used_cpu_sys")
	writer, err := liveredis.NewWriter(liveredis.WriterOptions{
		Client: client, Log: log, Events: liveredis.Partitions{Count: eventPartitions}, Metrics: liveredis.Partitions{Count: metricPartitions},
	})
	if err != nil {
		b.Fatal(err)
	}
	own, began := ownCPU(), time.Now().Add(2*time.Second) // the pause of a takeover
	stop := start(b, writer.Run)
	events, _ := writer.Replays()
	redistest.Eventually(b, 5*time.Minute, "all is written", func() bool { return events.Counters().Records.Load() >= int64(total) })
	took, own := time.Since(began), ownCPU()-own
	serverCPU = info(b, client, "cpu", "used_cpu_user", "used_cpu_sys") - serverCPU
	memory = info(b, client, "memory", "used_memory") - memory
	hub := liveredis.NewHub(liveredis.HubOptions{Client: client, Patience: time.Minute})
	stopHub := start(b, hub.Run)
	redistest.Eventually(b, 20*time.Second, "the hub is available", hub.Available)
	asked := time.Now()
	if s := hub.Realtime("site00000000", 2); !s.Available || s.Metrics.Events == 0 {
		b.Errorf("realtime: %+v", s)
	}
	b.ReportMetric(float64(time.Since(asked).Microseconds())/1000, "first-look-ms")
	stopHub()
	stop()
	b.ReportMetric(float64(total)/took.Seconds(), "events/s")
	b.ReportMetric(own.Seconds()*1e6/float64(total), "cpu-us/event")
	b.ReportMetric(serverCPU*1e6/float64(total), "redis-cpu-us/event")
	b.ReportMetric(memory/float64(sites), "redis-B/site")
	b.ReportMetric(memory*1000/float64(total), "redis-B/1000events")
}

// ownCPU is the time that this process has had.
func ownCPU() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// info adds up fields of a section of INFO.
func info(b *testing.B, client *redis.Client, section string, fields ...string) (sum float64) {
	b.Helper()
	conn, err := client.Conn()
	if err != nil {
		b.Fatal(err)
	}
	text, err := conn.Do(b.Context(), conn.B().Info().Section(section).Build()).ToString()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, field := range fields {
			if name == field {
				n, err := strconv.ParseFloat(value, 64)
				if err != nil {
					b.Fatal(err)
				}
				sum += n
			}
		}
	}
	return sum
}

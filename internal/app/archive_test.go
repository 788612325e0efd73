package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/object/objecttest"
)

// archiving is what a process of role process has for the archive, and nothing else.
func archiving(t *testing.T, cfg config.Config) *cluster {
	t.Helper()
	c := &cluster{cfg: cfg, logger: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.openLog(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.openArchiver(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Archivers on Kafka and S3 that come and go, are killed at their points and find S3 away at first, leave each event once, in files
// that do not overlap; then they are as fresh as the ticks.
func TestArchiverOnKafka(t *testing.T) {
	broker := os.Getenv("FOOTFALL_TEST_KAFKA")
	if broker == "" {
		t.Skip("FOOTFALL_TEST_KAFKA (host:port) is not set")
	}
	s3 := objecttest.Options(t, os.Getenv("FOOTFALL_TEST_S3"))
	cfg := config.Default()
	cfg.Cluster.Kafka, cfg.Cluster.TopicPrefix = []string{broker}, fmt.Sprintf("test-%d-", time.Now().UnixNano())
	line := openLine(t, strings.TrimPrefix(s3.Endpoint, "http://"))
	cfg.S3 = config.S3{Endpoint: line.url, Bucket: s3.Bucket, Prefix: s3.Prefix, AccessKey: s3.AccessKey, SecretKey: s3.SecretKey}
	cfg.Archive = config.Archive{FileBytes: 4 << 10, FileSeconds: 1}
	t.Cleanup(func() { dropTopics(t, broker, cfg.Cluster.TopicPrefix) })

	r, want, last := rand.New(rand.NewPCG(1, 1)), map[event.UUID]eventlog.Topic{}, int64(0)
	first := archiving(t, cfg)
	feed := func(topic eventlog.Topic, n int) {
		var records []eventlog.Record
		for range n {
			e := event.Event{WebsiteID: "s", Type: event.Pageview, Timestamp: 1_772_000_000_000 + r.Int64N(3*event.DayMillis), SessionID: fmt.Sprint(r.IntN(50)), ScrollDepth: event.NoScroll}
			e.ReceivedAt = e.Timestamp
			for i := range e.ID {
				e.ID[i] = byte(r.Uint32())
			}
			want[e.ID] = topic
			records = append(records, eventlog.Record{Key: []byte("s" + e.SessionID), Value: e.AppendRecord(nil)})
		}
		if err := first.log.Append(t.Context(), topic, records); err != nil {
			t.Fatal(err)
		}
	}
	feed(eventlog.Events, 300)
	feed(eventlog.Imports, 100)
	store, err := openArchive(&cfg.S3, s3Scheme)
	if err != nil {
		t.Fatal(err)
	}
	c := first
	for round := range 4 {
		lose := round < 3
		last = time.Now().UnixMilli()
		tickAll(t, c, last)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		c.archiver.loader = load.NewLoader(loaderThat(c, func() error {
			if lose && line.up.Load() && r.IntN(6) == 0 {
				cancel() // with all its partitions, as a kill takes them
				return errors.New("killed")
			}
			return nil
		}))
		if round == 0 {
			go func() {
				for c.archiver.loader.Faults.Load() == 0 && ctx.Err() == nil { // the backlog waits in Kafka
					time.Sleep(10 * time.Millisecond)
				}
				line.up.Store(true)
			}()
		}
		go func() {
			for ctx.Err() == nil {
				if at, err := c.leastFresh(ctx, map[string][]eventlog.Topic{archiveGroup: archived[:]}); err == nil && at >= last {
					cancel()
				}
				time.Sleep(200 * time.Millisecond)
			}
		}()
		_ = c.archiver.run(ctx)
		if !lose && !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("round %d: %v", round, ctx.Err())
		}
		if err := c.archiver.group.Close(); err != nil {
			t.Error(err)
		}
		if round < 3 {
			feed(eventlog.Events, 100)
			c = archiving(t, cfg)
			defer c.log.Close()
		}
	}
	got := map[event.UUID]eventlog.Topic{}
	from, to := lake.Always()
	files, err := lake.Files(t.Context(), store, from, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := lake.ReadFile(t.Context(), store, file.Key, func(_ int, row *lake.Row) error {
			if _, twice := got[row.ID]; twice {
				t.Errorf("%s %d/%d stands twice", row.Topic, row.Partition, row.Position)
			}
			got[row.ID] = eventlog.Topic(row.Topic)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events in %d files, want %d", len(got), len(files), len(want))
	}
	for id, topic := range want {
		if got[id] != topic {
			t.Errorf("%s is of %q, want %q", id, got[id], topic)
		}
	}
	if first.archiver.loader.Faults.Load() == 0 {
		t.Error("S3 was never missed")
	}
	t.Logf("%d events in %d files", len(got), len(files))
}

// line is a way to a server that is cut until it is up.
type line struct {
	url string
	up  atomic.Bool
}

func openLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	l := &line{url: "http://" + listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(conn, to)
		}
	}()
	return l
}

func (l *line) carry(conn net.Conn, to string) {
	defer conn.Close()
	if !l.up.Load() {
		return
	}
	other, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer other.Close()
	go func() {
		_, _ = io.Copy(other, conn)
		_ = other.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, other)
}

// loaderThat are the options of the archiver's loader, with a fail point.
func loaderThat(c *cluster, fail func() error) load.LoaderOptions {
	o := c.archiverOptions(c.archiver.lake, c.archiver.group)
	o.FailPoint = func(string) error { return fail() }
	return o
}

// tickAll puts a tick into every partition of what is archived, as Flink and the doors do.
func tickAll(t *testing.T, c *cluster, at int64) {
	t.Helper()
	for _, topic := range archived {
		n, err := c.log.Partitions(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		partition, err := c.log.Partitioner(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int32]bool{}
		for i := 0; len(seen) < int(n); i++ {
			key := []byte(fmt.Sprint("tick", i))
			if p := partition(key); !seen[p] {
				seen[p] = true
				if err := c.log.Append(t.Context(), topic, []eventlog.Record{{Key: key, Value: event.Tick{At: at}.AppendRecord(nil)}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func dropTopics(t *testing.T, broker, prefix string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	var names []string
	for _, topic := range []eventlog.Topic{eventlog.RawEvents, eventlog.Imports, eventlog.Events, eventlog.Sessions, eventlog.Metrics, eventlog.Ledger, eventlog.FailedEvents} {
		names = append(names, prefix+string(topic))
	}
	if _, err := admin.DeleteTopics(context.Background(), names...); err != nil {
		t.Error(err)
	}
	if _, err := admin.DeleteGroups(context.Background(), prefix+archiveGroup); err != nil {
		t.Error(err)
	}
}

func TestOpenArchive(t *testing.T) {
	s3 := &config.S3{Endpoint: "http://127.0.0.1:1", Bucket: "b"}
	for _, place := range []string{"/tmp/x", "s3://", "s3://bucket", "s3://bucket/a/b/"} {
		if _, err := openArchive(s3, place); err != nil {
			t.Errorf("%q: %v", place, err)
		}
	}
	for _, place := range []string{"", "s3://bucket/../b"} {
		if _, err := openArchive(s3, place); err == nil {
			t.Errorf("%q is taken", place)
		}
	}
	if _, err := openArchive(&config.S3{}, "s3://"); err == nil {
		t.Error("S3 without an endpoint")
	}
}

package redis_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/kafka"
	liveredis "github.com/footfall-analytics/footfall/internal/live/redis"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
)

// openKafka returns a log with topics of its own, which go when the test ends.
func openKafka(t *testing.T) *kafka.Log {
	t.Helper()
	broker := os.Getenv("FOOTFALL_TEST_KAFKA")
	if broker == "" {
		t.Skip("FOOTFALL_TEST_KAFKA (host:port) is not set")
	}
	prefix := fmt.Sprintf("live_%d_", time.Now().UnixNano())
	log, err := kafka.Open(kafka.Options{Brokers: []string{broker}, Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = log.Close()
		client, err := kgo.NewClient(kgo.SeedBrokers(broker))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := kadm.NewClient(client).DeleteTopics(context.Background(), prefix+"events", prefix+"metrics"); err != nil {
			t.Errorf("cannot delete topics: %v", err)
		}
	})
	err = log.EnsureTopics(t.Context(), []kafka.TopicSpec{
		{Topic: eventlog.Events, Partitions: eventPartitions, Replication: 1, Retention: time.Hour},
		{Topic: eventlog.Metrics, Partitions: metricPartitions, Replication: 1, Retention: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// TestThroughKafka: the same through a broker, with a loss of Redis.
func TestThroughKafka(t *testing.T) {
	log, now := openKafka(t), noon()
	server := redistest.StartServer(t, os.Getenv(redistest.Binary))
	client := server.Open()
	writer, err := liveredis.NewWriter(liveredis.WriterOptions{
		Client: client, Log: log, Events: liveredis.Partitions{Count: eventPartitions}, Metrics: liveredis.Partitions{Count: metricPartitions},
		Now: func() int64 { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, writer.Run)
	hub, _ := startHub(t, client, now)
	began := time.Now()
	redistest.Eventually(t, rebuilt, "available", hub.Available)
	t.Logf("available after %s", time.Since(began).Round(10*time.Millisecond))
	embedded, r := embeddedHub(now), rand.New(rand.NewPCG(11, 11))
	more := func(n int) {
		events := randomEvents(r, "a", n, now)
		embedded.Apply(events)
		records := make([]eventlog.Record, len(events))
		for i := range events {
			records[i] = eventlog.Record{Key: []byte(events[i].SessionID), Value: events[i].AppendRecord(nil)}
		}
		if err := log.Append(t.Context(), eventlog.Events, records); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		more(400)
		same(t, hub, embedded, []string{"a"})
	}
	w := startWatch(t, hub, "a")
	m := event.Metric{WebsiteID: "a", Start: now, Pageviews: [4]uint64{9}, Events: [4]uint64{9}, EmittedAt: now}
	if err := log.Append(t.Context(), eventlog.Metrics, []eventlog.Record{{Key: []byte("a"), Value: m.AppendRecord(nil)}}); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 10*time.Second, "a window", func() bool { return w.has(`"pageviews":9,"events":9`) })
	server.Kill()
	more(400)
	server.Start()
	began = time.Now()
	redistest.Eventually(t, rebuilt, "available again", hub.Available)
	t.Logf("available again after %s", time.Since(began).Round(10*time.Millisecond))
	more(400)
	same(t, hub, embedded, []string{"a"})
}

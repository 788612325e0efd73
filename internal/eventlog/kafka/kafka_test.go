package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broker returns the broker that the tests may use. `make test-cluster` names one.
func broker(t testing.TB) string {
	t.Helper()
	at := os.Getenv("FOOTFALL_TEST_KAFKA")
	if at == "" {
		t.Skip("no Kafka: set FOOTFALL_TEST_KAFKA=host:port (make test-cluster does)")
	}
	return at
}

// openLog returns a log with topics of its own, which go when the test ends.
func openLog(t testing.TB, partitions int32, opts Options, topics ...eventlog.Topic) *Log {
	t.Helper()
	opts.Brokers = []string{broker(t)}
	if opts.Prefix == "" {
		opts.Prefix = fmt.Sprintf("test_%d_", time.Now().UnixNano())
	}
	l, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	specs := make([]TopicSpec, len(topics))
	for i, topic := range topics {
		specs[i] = TopicSpec{Topic: topic, Partitions: partitions, Replication: 1, Retention: time.Hour}
	}
	if err := l.EnsureTopics(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		removeTopics(t, opts, topics)
	})
	return l
}

func removeTopics(t testing.TB, opts Options, topics []eventlog.Topic) {
	t.Helper()
	l, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	names := make([]string, len(topics))
	for i, topic := range topics {
		names[i] = l.name(topic)
	}
	if _, err := l.admin.DeleteTopics(ctx, names...); err != nil {
		t.Errorf("cannot delete topics: %v", err)
	}
}

func TestConformance(t *testing.T) {
	broker(t)
	logtest.Run(t, logtest.Cannot{DenseOffsets: true}, func(t *testing.T) eventlog.Log {
		return openLog(t, 1, Options{}, eventlog.RawEvents, "a", "a1", "ab", "b")
	})
}

// Small fetches: values are cut into many answers, and frames into many reads.
func TestConformanceSmallFetches(t *testing.T) {
	broker(t)
	logtest.Run(t, logtest.Cannot{DenseOffsets: true}, func(t *testing.T) eventlog.Log {
		return openLog(t, 1, Options{FetchBytes: 200, Codec: "none"}, eventlog.RawEvents, "a", "a1", "ab", "b")
	})
}

func appendTo(t testing.TB, l *Log, topic eventlog.Topic, key string, values ...string) {
	t.Helper()
	records := make([]eventlog.Record, len(values))
	for i, v := range values {
		records[i] = eventlog.Record{Key: []byte(key), Value: []byte(v)}
	}
	if err := l.Append(t.Context(), topic, records); err != nil {
		t.Fatal(err)
	}
}

// TestPartitions: the records of a call are one value for each partition, with the key of its first record.
func TestPartitions(t *testing.T) {
	l := openLog(t, 3, Options{}, eventlog.RawEvents)
	where, err := l.Partitioner(t.Context(), eventlog.RawEvents)
	if err != nil {
		t.Fatal(err)
	}
	var records []eventlog.Record
	want := map[int32][]string{}
	for i := range 30 {
		key := fmt.Appendf(nil, "key %d", i)
		p := where(key)
		if p != int32(xxhash.Sum64(key)%3) {
			t.Errorf("key %q is at %d", key, p)
		}
		value := fmt.Sprint("value ", i)
		want[p] = append(want[p], value)
		records = append(records, eventlog.Record{Key: key, Value: []byte(value)})
	}
	if err := l.Append(t.Context(), eventlog.RawEvents, records); err != nil {
		t.Fatal(err)
	}
	for p := range int32(3) {
		entries, err := l.Read(t.Context(), eventlog.RawEvents, p, 0, 1<<20)
		if err != nil || len(entries) != len(want[p]) || len(entries) == 0 {
			t.Fatalf("partition %d: %d entries, %v; want %d", p, len(entries), err, len(want[p]))
		}
		for i, e := range entries {
			if string(e.Value) != want[p][i] || e.Partition != p || e.Offset != Position(0, i) {
				t.Errorf("entry %d of partition %d: %+v, want %q", i, p, e, want[p][i])
			}
		}
	}
	if n, err := l.Partitions(t.Context(), eventlog.RawEvents); n != 3 || err != nil {
		t.Errorf("%d partitions, %v", n, err)
	}
	if _, err := l.Read(t.Context(), eventlog.RawEvents, 3, 0, 1); !errors.Is(err, errNoPartition) || errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("partition 3: %v", err)
	}
}

func TestTickReachesEveryPartition(t *testing.T) {
	l := openLog(t, 3, Options{}, eventlog.RawEvents, eventlog.Imports)
	now := time.UnixMilli(1795692848488)
	if err := l.Tick(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []eventlog.Topic{eventlog.RawEvents, eventlog.Imports} {
		for p := range int32(3) {
			entries, err := l.Read(t.Context(), topic, p, 0, 100)
			var tick event.Tick
			if err != nil || len(entries) != 1 || tick.DecodeTick(entries[0].Value) != nil || tick.At != now.UnixMilli() {
				t.Errorf("topic %s partition %d: %v, %v, %+v", topic, p, entries, err, tick)
			}
		}
	}
}

// TestOffsetsInsideValues: a position inside a value is kept as it is.
func TestOffsetsInsideValues(t *testing.T) {
	l := openLog(t, 2, Options{}, eventlog.RawEvents)
	want := map[eventlog.Claim]eventlog.Progress{}
	for p, next := range []int64{Position(3, 17), Position(4, 0)} {
		if err := l.Commit(t.Context(), "c", eventlog.RawEvents, int32(p), next); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Committed(t.Context(), "c", eventlog.RawEvents, int32(p)); err != nil || got != next {
			t.Errorf("committed %d, %v; want %d", got, err, next)
		}
		want[eventlog.Claim{Topic: eventlog.RawEvents, Partition: int32(p)}] = eventlog.Progress{Next: next, To: next}
	}
	if got, err := l.Progress(t.Context(), "c", eventlog.RawEvents); err != nil || !maps.Equal(got, want) {
		t.Errorf("progress %v, %v; want %v", got, err, want)
	}
	if got, err := l.Progress(t.Context(), "nobody", eventlog.RawEvents); err != nil || len(got) != 0 {
		t.Errorf("progress of nobody %v, %v", got, err)
	}
}

// TestTrimmed: a reader that comes too late is told where the partition begins.
func TestTrimmed(t *testing.T) {
	l := openLog(t, 1, Options{}, eventlog.RawEvents)
	for i := range 5 {
		appendTo(t, l, eventlog.RawEvents, "k", fmt.Sprint(i))
	}
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: l.name(eventlog.RawEvents), Partition: 0, At: 3})
	if _, err := l.admin.DeleteRecords(t.Context(), offsets); err != nil {
		t.Fatal(err)
	}
	_, err := l.Read(t.Context(), eventlog.RawEvents, 0, Position(1, 0), 100)
	var trimmed *eventlog.TrimmedError
	if !errors.As(err, &trimmed) || trimmed.First != Position(3, 0) {
		t.Fatalf("got %v", err)
	}
	if got := logtest.ReadAll(t, l, trimmed.First, 100); fmt.Sprint(got) != "[3 4]" {
		t.Errorf("got %q", got)
	}
}

// TestSequentialReadsFetchAhead: reading on costs about one fetch for FetchBytes, not one for each read, and no value twice.
func TestSequentialReadsFetchAhead(t *testing.T) {
	l := openLog(t, 1, Options{FetchBytes: 32 << 10, Codec: "none"}, eventlog.RawEvents)
	const calls = 1000
	value := strings.Repeat("x", 500)
	for range calls / 10 { // so that there are many batches: one is always fetched whole
		for range 9 {
			if _, err := l.Begin(t.Context(), eventlog.RawEvents, []eventlog.Record{{Value: []byte(value)}}); err != nil {
				t.Fatal(err)
			}
		}
		appendTo(t, l, eventlog.RawEvents, "", value)
	}
	before := l.stats.Fetches.Load()
	reads, next := 0, int64(0)
	for i := 0; i < calls; reads++ {
		entries, err := l.Read(t.Context(), eventlog.RawEvents, 0, next, 1000)
		if err != nil || len(entries) == 0 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		i += len(entries)
		next = entries[len(entries)-1].Offset + 1
	}
	fetches := l.stats.Fetches.Load() - before
	t.Logf("%d reads, %d fetches", reads, fetches)
	if fetches > int64(reads/5) || fetches < 10 {
		t.Errorf("%d reads took %d fetches", reads, fetches)
	}
}

// TestEnsureTopicsTogether: several processes start at once; the second time only settings change.
func TestEnsureTopicsTogether(t *testing.T) {
	l := openLog(t, 2, Options{}, eventlog.RawEvents)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := l.EnsureTopics(t.Context(), []TopicSpec{{Topic: eventlog.RawEvents, Partitions: 5, Replication: 1, Retention: 2 * time.Hour}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	configs, err := l.admin.DescribeTopicConfigs(t.Context(), l.name(eventlog.RawEvents))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if c.Key == "retention.ms" && c.MaybeValue() != "7200000" {
			t.Errorf("retention is %s", c.MaybeValue())
		}
	}
	if n, err := l.Partitions(t.Context(), eventlog.RawEvents); n != 2 || err != nil {
		t.Errorf("%d partitions, %v: keys would have moved", n, err)
	}
}

func TestTooBig(t *testing.T) {
	l := openLog(t, 1, Options{}, eventlog.RawEvents)
	f := func(count, size int) {
		t.Helper()
		records := make([]eventlog.Record, count)
		for i := range records {
			records[i].Value = make([]byte, size)
		}
		if err := l.Append(t.Context(), eventlog.RawEvents, records); !errors.Is(err, errTooBig) {
			t.Errorf("%d of %d bytes: %v", count, size, err)
		}
	}
	f(maxFrames+1, 1)
	f(1, maxValueBytes)
	if got := logtest.ReadAll(t, l, 0, 100); len(got) != 0 {
		t.Errorf("%d records", len(got))
	}
}

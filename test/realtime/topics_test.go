package realtime

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/footfall-analytics/footfall/internal/event"
)

const partitions = 4

var topics = []string{"raw_events", "events", "sessions", "metrics", "ledger", "failed_events"}

// makeTopics makes the topics, which go when the test ends.
func makeTopics(t *testing.T, kafka, prefix string) *kgo.Client {
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	if err != nil {
		t.Fatal(err)
	}
	admin := kadm.NewClient(client)
	var names []string
	for _, name := range topics {
		names = append(names, prefix+name)
	}
	made, err := admin.CreateTopics(t.Context(), partitions, 1, nil, names...)
	if err == nil {
		err = made.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = admin.DeleteTopics(context.Background(), names...)
		client.Close()
	})
	return client
}

// produce sends values to raw_events, rate events a second (0: as fast as it goes).
func produce(t *testing.T, client *kgo.Client, topic string, values []value, rate int) {
	var failed error
	var once sync.Once
	begin := time.Now()
	for i, v := range values {
		first, last := int(xxhash.Sum64(v.key)%partitions), 0
		if last = first; v.tick != 0 {
			first, last = 0, partitions-1
		}
		for p := first; p <= last; p++ {
			client.Produce(t.Context(), &kgo.Record{Topic: topic, Partition: int32(p), Key: v.key, Value: v.data}, func(_ *kgo.Record, err error) {
				if err != nil {
					once.Do(func() { failed = err })
				}
			})
		}
		if rate > 0 && i%100 == 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
	}
	if err := client.Flush(t.Context()); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// outcome is what the topics of the job hold.
type outcome struct {
	sync.Mutex
	t         *testing.T
	prefix    string
	events    map[event.UUID]string
	stored    int // frames in events
	sessions  map[event.SessionRef]event.Session
	withdrawn int
	upserts   int
	metrics   map[windowKey]event.Metric
	rows      int
	ticks     map[string]int64 // the last one, by topic/partition
	early     int              // rows behind a tick that had promised them to be before it
	ledger    map[string]*siteCount
	ledgers   int
	failed    int
}

// follow reads all topics of the job, read_committed, until the test ends.
func follow(t *testing.T, kafka, prefix string) *outcome {
	o := &outcome{t: t, prefix: prefix, events: map[event.UUID]string{}, sessions: map[event.SessionRef]event.Session{},
		metrics: map[windowKey]event.Metric{}, ticks: map[string]int64{}, ledger: map[string]*siteCount{}}
	var names []string
	for _, name := range topics[1:] {
		names = append(names, prefix+name)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka), kgo.ConsumeTopics(names...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			fetches := client.PollFetches(t.Context())
			if fetches.IsClientClosed() || t.Context().Err() != nil {
				return
			}
			o.Lock()
			fetches.EachRecord(o.take)
			o.Unlock()
		}
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	return o
}

func (o *outcome) take(r *kgo.Record) {
	data := r.Value
	for len(data) > 0 {
		length, n := binary.Uvarint(data)
		record := data[n : n+int(length)]
		data = data[n+int(length):]
		if err := o.takeRecord(r, record); err != nil {
			o.t.Errorf("topic %s: %v", r.Topic, err)
		}
	}
}

func (o *outcome) takeRecord(r *kgo.Record, record []byte) error {
	switch kind := event.RecordKind(record); kind {
	case event.KindEvent:
		var e event.Event
		err := e.DecodeEvent(record)
		o.stored++
		if e.ReceivedAt < o.ticks[place(r)] {
			o.early++
		}
		o.events[e.ID] = string(record)
		return checkKey(r, e.WebsiteID+e.SessionID, err)
	case event.KindSession:
		var c event.SessionChange
		err := c.DecodeSession(record)
		o.change(&c)
		return checkKey(r, c.WebsiteID+c.SessionID, err)
	case event.KindMetric:
		var m event.Metric
		err := m.DecodeMetric(record)
		o.rows++
		key := windowKey{m.WebsiteID, m.Start}
		if before, ok := o.metrics[key]; !ok || m.EmittedAt > before.EmittedAt {
			o.metrics[key] = m
		}
		return checkKey(r, m.WebsiteID, err)
	case event.KindTick:
		var tick event.Tick
		err := tick.DecodeTick(record)
		if at := o.ticks[place(r)]; tick.At <= at {
			err = fmt.Errorf("tick %d after %d", tick.At, at)
		}
		o.ticks[place(r)] = tick.At
		return err
	case event.KindLedger:
		var row event.LedgerRow
		err := row.DecodeLedger(record)
		o.count(&row)
		if row.Minute+60_000 <= o.ticks[place(r)] {
			o.early++
		}
		return checkKey(r, row.WebsiteID, err)
	case event.KindFailed:
		var f event.FailedEvent
		err := f.DecodeFailed(record)
		o.failed++
		if f.Reason != "undecodable_record" {
			err = fmt.Errorf("reason %q", f.Reason)
		}
		return checkKey(r, f.WebsiteID, err)
	default:
		return fmt.Errorf("kind %d", kind)
	}
}

func place(r *kgo.Record) string { return fmt.Sprintf("%s/%d", r.Topic, r.Partition) }

func checkKey(r *kgo.Record, want string, err error) error {
	if err == nil && string(r.Key) != want {
		err = fmt.Errorf("key %q, want %q", r.Key, want)
	}
	return err
}

func (o *outcome) change(c *event.SessionChange) {
	if !c.Withdrawn {
		o.upserts++
		o.sessions[c.Ref()] = c.Session
		return
	}
	o.withdrawn++
	if _, ok := o.sessions[c.Ref()]; !ok {
		o.t.Errorf("session %+v is withdrawn but is not there", c.Ref())
	}
	delete(o.sessions, c.Ref())
}

func (o *outcome) count(row *event.LedgerRow) {
	o.ledgers++
	c := o.ledger[row.WebsiteID]
	if c == nil {
		c = &siteCount{}
		o.ledger[row.WebsiteID] = c
	}
	*map[event.Outcome]*int64{event.Received: &c.received, event.Stored: &c.stored, event.Duplicate: &c.duplicate,
		event.Filtered: &c.filtered, event.Failed: &c.failed}[row.Outcome] += row.Count
}

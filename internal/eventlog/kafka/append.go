package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

const (
	// maxValueBytes bounds what one call sends to one partition. The topics take batches of maxBatchBytes.
	maxValueBytes = 12 << 20
	maxBatchBytes = maxValueBytes + 1<<20
)

// Errors that no retry can help.
var (
	errTooBig      = errors.New("too much for one value")
	errNoPartition = errors.New("no such partition")
)

// flow bounds what is pending, and knows whether brokers answer at all.
type flow struct {
	max      int64
	patience time.Duration
	mu       sync.Mutex
	bytes    int64     // handed over, and not yet answered
	last     time.Time // last answer, or when the first of those that are pending was handed over
}

// take lets a call in, or says why not. Nothing of the call has been handed over then.
func (f *flow) take(size int64, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.bytes == 0:
		f.last = now
	case now.Sub(f.last) > f.patience:
		return fmt.Errorf("%w: no broker has acknowledged anything for %v", eventlog.ErrUnavailable, now.Sub(f.last).Round(time.Second))
	case f.bytes+size > f.max:
		return fmt.Errorf("%w: %d bytes wait for their acknowledgement", eventlog.ErrFull, f.bytes)
	}
	f.bytes += size
	return nil
}

// give is the end of a write. A failure is no sign of life.
func (f *flow) give(size int64, now time.Time, acknowledged bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes -= size
	if acknowledged {
		f.last = now
	}
}

// write is a call under way: one value for each of its partitions.
type write struct {
	log  *Log
	open atomic.Int32 // values not yet answered
	done chan struct{}
	mu   sync.Mutex
	err  error // the first; final when done is closed
}

// Append implements eventlog.Appender.
func (l *Log) Append(ctx context.Context, topic eventlog.Topic, records []eventlog.Record) error {
	pending, err := l.Begin(ctx, topic, records)
	if err != nil {
		return err
	}
	return pending.Wait(ctx)
}

// Begin implements eventlog.Appender.
func (l *Log) Begin(ctx context.Context, topic eventlog.Topic, records []eventlog.Record) (eventlog.Pending, error) {
	pending, err := l.begin(ctx, topic, records)
	if err != nil {
		l.stats.Refused.Add(1)
		return nil, fmt.Errorf("cannot append %d records to topic %q: %w", len(records), topic, err)
	}
	return pending, nil
}

func (l *Log) begin(ctx context.Context, topic eventlog.Topic, records []eventlog.Record) (*write, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.closed.Load() {
		return nil, eventlog.ErrClosed
	}
	if len(records) == 0 {
		return l.hand(nil, 0)
	}
	info, err := l.topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	values, size, err := l.values(info, records)
	if err != nil {
		return nil, err
	}
	l.stats.Records.Add(int64(len(records)))
	return l.hand(values, size)
}

// values makes one Kafka record for each partition that the records go to, in memory of its own.
func (l *Log) values(info *topicInfo, records []eventlog.Record) (values []*kgo.Record, size int64, err error) {
	type part struct {
		partition    int32
		key          []byte
		bytes, count int
	}
	var few [8]part
	parts := few[:0]
	index := func(partition int32) int {
		for i := range parts {
			if parts[i].partition == partition {
				return i
			}
		}
		return -1
	}
	for i := range records {
		partition := info.partition(records[i].Key)
		at := index(partition)
		if at < 0 {
			at = len(parts)
			parts = append(parts, part{partition: partition, key: records[i].Key})
		}
		parts[at].count++
		parts[at].bytes += frameSize(records[i].Value)
	}
	values = make([]*kgo.Record, len(parts))
	for i, p := range parts {
		if p.count > maxFrames || p.bytes > maxValueBytes {
			return nil, 0, fmt.Errorf("%w: %d records of %d bytes for partition %d", errTooBig, p.count, p.bytes, p.partition)
		}
		memory := append(make([]byte, 0, len(p.key)+p.bytes), p.key...)
		values[i] = &kgo.Record{Topic: info.name, Partition: p.partition, Key: memory[:len(p.key):len(p.key)], Value: memory[len(p.key):]}
		size += int64(cap(memory))
	}
	for i := range records {
		v := values[index(info.partition(records[i].Key))]
		v.Value = appendFrame(v.Value, records[i].Value)
	}
	return values, size, nil
}

// hand gives values to the client, all or none.
func (l *Log) hand(values []*kgo.Record, size int64) (*write, error) {
	w := &write{log: l, done: make(chan struct{})}
	if len(values) == 0 {
		close(w.done)
		return w, nil
	}
	if err := l.flow.take(size, time.Now()); err != nil {
		return nil, err
	}
	l.stats.Calls.Add(1)
	l.stats.Bytes.Add(size)
	w.open.Store(int32(len(values)))
	for _, v := range values {
		// Not the caller's context: that ends a wait, and a cancelled record would be given up.
		l.client.Produce(context.Background(), v, w.answered)
	}
	return w, nil
}

// answered is called for each value when its fate is known.
func (w *write) answered(r *kgo.Record, err error) {
	w.log.flow.give(int64(len(r.Key)+len(r.Value)), time.Now(), err == nil)
	if err != nil {
		w.log.stats.Failed.Add(1)
		w.mu.Lock()
		if w.err == nil {
			w.err = fmt.Errorf("cannot append to topic %q: %w", r.Topic, w.log.cause(context.Background(), err))
		}
		w.mu.Unlock()
	}
	if w.open.Add(-1) == 0 {
		close(w.done)
	}
}

// Wait implements eventlog.Pending.
func (w *write) Wait(ctx context.Context) error {
	select { // without a timer, when there is nothing to wait for
	case <-w.done:
		return w.err
	default:
	}
	timer := time.NewTimer(w.log.opts.AnswerTime)
	defer timer.Stop()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	case <-w.log.closing.Done(): // what could still be acknowledged has been by now
		select {
		case <-w.done:
			return w.err
		default:
			return eventlog.ErrClosed
		}
	case <-timer.C:
		return fmt.Errorf("%w: no acknowledgement within %v", eventlog.ErrUnavailable, w.log.opts.AnswerTime)
	}
}

// Tick appends a tick to every partition that the doors write to, so that event time moves on everywhere: docs/format/topics.md.
func (l *Log) Tick(ctx context.Context, now time.Time) error {
	raw, rawErr := l.tick(ctx, eventlog.RawEvents, now)
	imports, importsErr := l.tick(ctx, eventlog.Imports, now)
	for _, w := range []*write{raw, imports} {
		if w != nil {
			importsErr = errors.Join(importsErr, w.Wait(ctx))
		}
	}
	if err := errors.Join(rawErr, importsErr); err != nil {
		return fmt.Errorf("cannot tick: %w", err)
	}
	return nil
}

// AppendEverywhere appends a record to every partition that the doors write to, and returns when all of them are durable. After an error
// some may have it. What it says must hold wherever it stands.
func (l *Log) AppendEverywhere(ctx context.Context, record []byte) error {
	for _, topic := range []eventlog.Topic{eventlog.RawEvents, eventlog.Imports} {
		w, err := l.spread(ctx, topic, record)
		if err == nil {
			err = w.Wait(ctx)
		}
		if err != nil {
			return fmt.Errorf("cannot append to all of topic %q: %w", topic, err)
		}
	}
	return nil
}

func (l *Log) tick(ctx context.Context, topic eventlog.Topic, now time.Time) (*write, error) {
	return l.spread(ctx, topic, event.Tick{At: now.UnixMilli()}.AppendRecord(nil))
}

// spread hands a record over to every partition of a topic.
func (l *Log) spread(ctx context.Context, topic eventlog.Topic, record []byte) (*write, error) {
	if l.closed.Load() {
		return nil, eventlog.ErrClosed
	}
	info, err := l.topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	frame := appendFrame(nil, record)
	values := make([]*kgo.Record, info.partitions)
	for p := range values {
		values[p] = &kgo.Record{Topic: info.name, Partition: int32(p), Value: frame}
	}
	return l.hand(values, int64(len(frame)*len(values)))
}

// partition is where the records of a key go: docs/format/topics.md.
func (t *topicInfo) partition(key []byte) int32 {
	if t.partitions == 1 {
		return 0
	}
	return int32(xxhash.Sum64(key) % uint64(t.partitions))
}

// lasting errors are those that no broker that comes back can cure. An unknown topic is none: a broker that starts may not
// know its topics yet.
func lasting(err error) bool {
	for _, e := range []error{
		errTooBig, errFrames, errNoPartition,
		kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidTopicException,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.InvalidConfig, kerr.PolicyViolation,
		kerr.InvalidReplicationFactor, kerr.InvalidPartitions, kerr.OffsetMetadataTooLarge, kerr.CorruptMessage,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

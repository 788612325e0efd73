package redistest

import (
	"context"
	"sync"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Log is a log in memory whose positions are as sparse as Kafka's: docs/format/topics.md.
type Log struct {
	mu         sync.Mutex
	partitions map[place][]eventlog.Entry
	next       map[place]int64 // kafka offset
	first      map[place]int64 // position below which is trimmed
	more       chan struct{}   // closed and replaced at each append
	Broken     error           // returned by Read when it is set before
}

type place struct {
	topic     eventlog.Topic
	partition int32
}

var _ eventlog.Reader = (*Log)(nil)

// NewLog returns an empty log.
func NewLog() *Log {
	return &Log{partitions: map[place][]eventlog.Entry{}, next: map[place]int64{}, first: map[place]int64{}, more: make(chan struct{})}
}

// Append adds one Kafka record whose frames are the records.
func (l *Log) Append(topic eventlog.Topic, partition int32, records ...[]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := place{topic, partition}
	for i, record := range records {
		l.partitions[at] = append(l.partitions[at], eventlog.Entry{Partition: partition, Offset: l.next[at]<<12 + int64(i), Value: record})
	}
	l.next[at] += 2 // transactions leave gaps
	close(l.more)
	l.more = make(chan struct{})
}

// Trim removes what stands before the position.
func (l *Log) Trim(topic eventlog.Topic, partition int32, before int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first[place{topic, partition}] = before
}

// Read is that of eventlog.Reader.
func (l *Log) Read(_ context.Context, topic eventlog.Topic, partition int32, offset int64, maxBytes int) ([]eventlog.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := place{topic, partition}
	if l.Broken != nil {
		return nil, l.Broken
	}
	if offset < l.first[at] {
		return nil, &eventlog.TrimmedError{First: l.first[at]}
	}
	all := l.partitions[at]
	low, high := 0, len(all)
	for low < high {
		if middle := (low + high) / 2; all[middle].Offset < offset {
			low = middle + 1
		} else {
			high = middle
		}
	}
	var out []eventlog.Entry
	for bytes := 0; low < len(all) && (len(out) == 0 || bytes < maxBytes); low++ {
		out = append(out, all[low])
		bytes += len(all[low].Value)
	}
	return out, nil
}

// End is that of eventlog.Reader.
func (l *Log) End(_ context.Context, topic eventlog.Topic, partition int32) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next[place{topic, partition}] << 12, nil
}

// Wait is that of eventlog.Reader.
func (l *Log) Wait(ctx context.Context, topic eventlog.Topic, partition int32, offset int64) error {
	for {
		l.mu.Lock()
		end, more := l.next[place{topic, partition}]<<12, l.more
		l.mu.Unlock()
		if end > offset {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-more:
		}
	}
}

package local

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Read implements eventlog.Reader. An offset behind the end is an error: the log has lost what the caller has seen.
func (l *Log) Read(ctx context.Context, topic eventlog.Topic, partition int32, offset int64, maxBytes int) ([]eventlog.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	first, end, err := l.bounds(topic, partition)
	switch {
	case err != nil:
		return nil, err
	case offset < first:
		return nil, fmt.Errorf("cannot read offset %d of %q: %w", offset, topic, &eventlog.TrimmedError{First: first})
	case offset > end:
		return nil, fmt.Errorf("cannot read offset %d of %q: the end is %d", offset, topic, end)
	case offset == end:
		return nil, nil
	}
	release, err := l.use()
	if err != nil {
		return nil, err
	}
	defer release()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: appendKey(nil, topic, 0), UpperBound: topicEnd(topic)})
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", topic, err)
	}
	r := reader{topic: topic, offset: offset, end: end, maxBytes: maxBytes}
	if err := r.run(ctx, it); err != nil {
		_ = it.Close() // the read's own error says more
		return nil, fmt.Errorf("cannot read offset %d of %q: %w", r.offset, topic, err)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", topic, err)
	}
	return r.entries, nil
}

// bounds returns the offsets that can be read.
func (l *Log) bounds(topic eventlog.Topic, partition int32) (first, end int64, err error) {
	if partition != 0 {
		return 0, 0, fmt.Errorf("topic %q has no partition %d", topic, partition)
	}
	if err := checkTopic(topic); err != nil {
		return 0, 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, 0, eventlog.ErrClosed
	}
	if t := l.topics[topic]; t != nil {
		return t.first, t.end, nil
	}
	return 0, 0, nil
}

// reader collects entries [offset, end) up to maxBytes.
type reader struct {
	topic    eventlog.Topic
	offset   int64 // the next one wanted
	end      int64
	maxBytes int
	bytes    int
	entries  []eventlog.Entry
}

func (r *reader) run(ctx context.Context, it *pebble.Iterator) error {
	ok := it.SeekLT(appendKey(nil, r.topic, r.offset+1))
	if !ok {
		return r.gone(it)
	}
	for ; ok && !r.full(); ok = it.Next() {
		if err := r.group(it); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return it.Error()
}

// gone says why no group holds the offset: retention was quicker than the reader.
func (r *reader) gone(it *pebble.Iterator) error {
	if !it.First() {
		return errGroup
	}
	_, first, err := splitKey(it.Key())
	if err != nil {
		return err
	}
	return &eventlog.TrimmedError{First: first}
}

func (r *reader) full() bool {
	return r.offset >= r.end || len(r.entries) > 0 && r.bytes >= r.maxBytes
}

// group takes the wanted records of the group that it stands on.
func (r *reader) group(it *pebble.Iterator) error {
	_, at, err := splitKey(it.Key())
	if err != nil {
		return err
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return err
	}
	h, body, err := parseHeader(value)
	if err != nil {
		return err
	}
	if at > r.offset || at+h.count <= r.offset {
		if len(r.entries) == 0 {
			return r.gone(it)
		}
		return fmt.Errorf("%w: offset %d is not behind %d", errGroup, at, r.offset)
	}
	frames, err := openBody(h.codec, body)
	if err != nil {
		return err
	}
	for i := int64(0); i < h.count; i++ {
		var record []byte
		if record, frames, err = nextFrame(frames); err != nil {
			return err
		}
		if at+i < r.offset || r.full() {
			continue
		}
		r.entries = append(r.entries, eventlog.Entry{Offset: r.offset, Value: record})
		r.offset++
		r.bytes += len(record)
	}
	return nil
}

// End implements eventlog.Reader.
func (l *Log) End(_ context.Context, topic eventlog.Topic, partition int32) (int64, error) {
	_, end, err := l.bounds(topic, partition)
	return end, err
}

// First returns the first offset of the topic that can be read.
func (l *Log) First(topic eventlog.Topic) (int64, error) {
	first, _, err := l.bounds(topic, 0)
	return first, err
}

// Wait implements eventlog.Reader.
func (l *Log) Wait(ctx context.Context, topic eventlog.Topic, partition int32, offset int64) error {
	for {
		grown, err := l.watch(topic, partition, offset)
		if grown == nil || err != nil {
			return err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch returns a channel that is closed when the topic grows, nil when its end exceeds offset already.
func (l *Log) watch(topic eventlog.Topic, partition int32, offset int64) (<-chan struct{}, error) {
	if _, end, err := l.bounds(topic, partition); err != nil || end > offset {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.topic(topic)
	switch {
	case l.closed:
		return nil, eventlog.ErrClosed
	case t.end > offset:
		return nil, nil
	case t.grown == nil:
		t.grown = make(chan struct{})
	}
	return t.grown, nil
}

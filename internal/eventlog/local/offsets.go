package local

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Prefixes of the keys of state/.
const (
	prefixDuplicate = 'd'
	prefixOffset    = 'o'
)

// offsetKey is the key of a consumer's offset: a consumer's name has no NUL, so it cannot be taken for another one's.
func offsetKey(consumer string, topic eventlog.Topic) string {
	return string(prefixOffset) + consumer + "\x00" + string(topic)
}

func checkConsumer(consumer string, topic eventlog.Topic, partition int32) error {
	if consumer == "" || strings.IndexByte(consumer, 0) >= 0 {
		return fmt.Errorf("consumer name %q is empty or has a NUL", consumer)
	}
	if partition != 0 {
		return fmt.Errorf("topic %q has no partition %d", topic, partition)
	}
	return checkTopic(topic)
}

// Commit implements eventlog.Offsets.
func (l *Log) Commit(ctx context.Context, consumer string, topic eventlog.Topic, partition int32, next int64) error {
	if err := checkConsumer(consumer, topic, partition); err != nil {
		return fmt.Errorf("cannot commit: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if next < 0 {
		return fmt.Errorf("cannot commit offset %d of %q", next, consumer)
	}
	release, err := l.use()
	if err != nil {
		return err
	}
	defer release()
	key := offsetKey(consumer, topic)
	if err := l.state.Set([]byte(key), binary.AppendUvarint(nil, uint64(next)), pebble.Sync); err != nil {
		return fmt.Errorf("%w: cannot commit offset of %q: %w", eventlog.ErrUnavailable, consumer, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.committed[key] = next
	return nil
}

// Committed implements eventlog.Offsets.
func (l *Log) Committed(_ context.Context, consumer string, topic eventlog.Topic, partition int32) (int64, error) {
	if err := checkConsumer(consumer, topic, partition); err != nil {
		return 0, fmt.Errorf("cannot read an offset: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, eventlog.ErrClosed
	}
	return l.committed[offsetKey(consumer, topic)], nil
}

func (l *Log) loadOffsets() error {
	it, err := l.state.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixOffset}, UpperBound: []byte{prefixOffset + 1}})
	if err != nil {
		return fmt.Errorf("cannot read offsets: %w", err)
	}
	defer func() { _ = it.Close() }() // reads only
	for ok := it.First(); ok; ok = it.Next() {
		next, ok := uvarintAll(it.Value())
		if !ok {
			return fmt.Errorf("cannot read the offset under %q: it is %x", it.Key(), it.Value())
		}
		l.committed[string(it.Key())] = next
	}
	return it.Error()
}

// consumed returns the offset below which all consumers of the topic have read. ok is false when there is no consumer.
// l.mu is held.
func (l *Log) consumed(topic eventlog.Topic) (next int64, ok bool) {
	take := func(offset int64) {
		if !ok || offset < next {
			next, ok = offset, true
		}
	}
	for _, name := range l.opts.Consumers {
		take(l.committed[offsetKey(name, topic)])
	}
	for key, offset := range l.committed {
		if strings.HasSuffix(key, "\x00"+string(topic)) {
			take(offset)
		}
	}
	return next, ok
}

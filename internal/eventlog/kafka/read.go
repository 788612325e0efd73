package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Read implements eventlog.Reader.
func (l *Log) Read(ctx context.Context, topic eventlog.Topic, partition int32, offset int64, maxBytes int) ([]eventlog.Entry, error) {
	entries, _, err := l.ReadNext(ctx, topic, partition, offset, maxBytes)
	return entries, err
}

// ReadNext is Read, and returns the position from which to go on. At the end of a partition there may be offsets without a
// record (transactions leave them): then it returns no entries and a position behind offset.
func (l *Log) ReadNext(ctx context.Context, topic eventlog.Topic, partition int32, position int64, maxBytes int) (entries []eventlog.Entry, next int64, err error) {
	err = l.with(ctx, topic, partition, func(c *cursor) error {
		entries, next, err = c.read(ctx, position, maxBytes)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read topic %q partition %d from position %d: %w", topic, partition, position, l.fault(ctx, topic, partition, position, err))
	}
	return entries, next, nil
}

// with calls f with the cursor of a partition, which nobody else uses meanwhile.
func (l *Log) with(ctx context.Context, topic eventlog.Topic, partition int32, f func(*cursor) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := l.cursor(topic, partition)
	if err != nil {
		return err
	}
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	return f(c)
}

var errBeyond = errors.New("there is nothing yet at that offset")

// read takes from what the cursor has, and fetches more until there is enough or the end is reached.
func (c *cursor) read(ctx context.Context, position int64, maxBytes int) (entries []eventlog.Entry, next int64, err error) {
	next = c.resume(position)
	for more := true; more; {
		if err := c.fill(ctx, KafkaOffset(next), 0); err != nil {
			if len(entries) > 0 { // the next call finds out
				return entries, next, nil
			}
			return nil, 0, err
		}
		if len(c.have.records) == 0 {
			if len(entries) == 0 && position > Position(max(c.have.stable, c.have.next), 0) {
				return nil, 0, errBeyond
			}
			return entries, max(next, Position(c.have.next, 0)), nil
		}
		if entries, next, more, err = c.give(entries, next, &maxBytes); err != nil {
			return nil, 0, err
		}
	}
	return entries, next, nil
}

// resume returns the position of the next value for the one behind the last frame of the value that was given out last.
func (c *cursor) resume(position int64) int64 {
	if position == c.given {
		return c.goOn
	}
	return position
}

// give appends the frames that the cursor has from position on, and cuts off the values that are given out whole. There may be
// more when it has given all.
func (c *cursor) give(entries []eventlog.Entry, position int64, room *int) (out []eventlog.Entry, next int64, more bool, err error) {
	for len(c.have.records) > 0 {
		r := &c.have.records[0]
		position = max(position, Position(r.offset, 0))
		var whole bool
		if entries, whole, err = appendEntries(entries, r, position, room); err != nil {
			return nil, 0, false, fmt.Errorf("at kafka offset %d: %w", r.offset, err)
		}
		last := int64(-1)
		if n := len(entries); n > 0 && KafkaOffset(entries[n-1].Offset) == r.offset {
			last = entries[n-1].Offset
		}
		if !whole {
			return entries, max(position, last+1), false, nil
		}
		position = Position(r.offset+1, 0)
		if last >= 0 {
			c.given, c.goOn = last+1, position
		}
		c.have.records = c.have.records[1:]
		c.have.from = r.offset + 1
	}
	position = Position(c.have.next, 0)
	return entries, position, len(entries) == 0 || *room > 0 && c.have.next < c.have.stable, nil
}

// fault turns the error of a read into one of the contract.
func (l *Log) fault(ctx context.Context, topic eventlog.Topic, partition int32, position int64, err error) error {
	switch {
	case errors.Is(err, errBeyond), errors.Is(err, eventlog.ErrClosed):
		return err
	case !errors.Is(err, kerr.OffsetOutOfRange):
		return l.cause(ctx, err)
	}
	bounded, cancel := l.bounded(ctx)
	defer cancel()
	starts, err := l.admin.ListStartOffsets(bounded, l.name(topic))
	if err != nil {
		return l.cause(ctx, err)
	}
	start, ok := starts.Lookup(l.name(topic), partition)
	if ok && start.Err == nil && KafkaOffset(position) < start.Offset {
		return &eventlog.TrimmedError{First: Position(start.Offset, 0)}
	}
	return errBeyond
}

// End implements eventlog.Reader.
func (l *Log) End(ctx context.Context, topic eventlog.Topic, partition int32) (int64, error) {
	if l.closed.Load() {
		return 0, eventlog.ErrClosed
	}
	bounded, cancel := l.bounded(ctx)
	defer cancel()
	ends, err := l.admin.ListCommittedOffsets(bounded, l.name(topic))
	if err == nil {
		end, ok := ends.Lookup(l.name(topic), partition)
		switch {
		case !ok:
			err = kerr.UnknownTopicOrPartition
		case end.Err != nil:
			err = end.Err
		default:
			return Position(end.Offset, 0), nil
		}
	}
	return 0, fmt.Errorf("cannot find the end of topic %q partition %d: %w", topic, partition, l.cause(ctx, err))
}

// Wait implements eventlog.Reader. It asks again and again, so that others get the cursor meanwhile.
func (l *Log) Wait(ctx context.Context, topic eventlog.Topic, partition int32, offset int64) error {
	for there := false; !there; {
		err := l.with(ctx, topic, partition, func(c *cursor) (err error) {
			there, err = c.wait(ctx, offset)
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot wait at topic %q partition %d position %d: %w", topic, partition, offset, l.fault(ctx, topic, partition, offset, err))
		}
	}
	return nil
}

// wait reports whether a frame at position or behind it can be read, and gives it a moment to come.
func (c *cursor) wait(ctx context.Context, position int64) (bool, error) {
	position = c.resume(position)
	if err := c.fill(ctx, KafkaOffset(position), pollTime); err != nil {
		return false, err
	}
	if len(c.have.records) == 0 {
		return false, nil
	}
	first := &c.have.records[0]
	if len(c.have.records) > 1 || first.offset > KafkaOffset(position) || frameIndex(position) == 0 {
		return true, nil
	}
	// Inside the last value: it has a frame there, or the next value is awaited.
	entries, _, err := appendEntries(nil, first, position, new(int))
	if err != nil || len(entries) > 0 {
		return len(entries) > 0, err
	}
	return c.wait(ctx, Position(first.offset+1, 0))
}

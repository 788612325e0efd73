package redis

import (
	"context"
	"errors"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// seekGrain is how near seek comes: what it returns is at most that much, or a record, too early.
const seekGrain = 1 << 12

// seek returns a position from which on all records of a partition stand that were made at or after a time (ms). Records
// stand nearly in the order of their times; the caller allows for the rest. It needs some 40 reads.
func seek(ctx context.Context, log eventlog.Reader, topic eventlog.Topic, partition int32, at int64) (int64, error) {
	high, err := log.End(ctx, topic, partition)
	if err != nil {
		return 0, err
	}
	low := int64(0)
	for low < high-seekGrain || low < high && high <= seekGrain {
		middle := low + (high-low)/2
		entries, err := log.Read(ctx, topic, partition, middle, 1)
		var trimmed *eventlog.TrimmedError
		switch {
		case errors.As(err, &trimmed):
			low = max(middle+1, min(trimmed.First, high))
			continue
		case err != nil:
			return 0, err
		case len(entries) == 0:
			high = middle
			continue
		}
		if made := madeAt(entries[0].Value); made != 0 && made < at {
			low = max(entries[0].Offset, middle) + 1
		} else {
			high = middle
		}
	}
	return min(low, high), nil
}

// madeAt returns when a record was made (ms), 0 where it does not say.
func madeAt(record []byte) int64 {
	switch event.RecordKind(record) {
	case event.KindEvent:
		var e event.Event
		if e.DecodeEvent(record) == nil {
			return e.ReceivedAt
		}
	case event.KindReceipt:
		var r event.Receipt
		if r.DecodeReceipt(record) == nil {
			return r.ReceivedAt
		}
	case event.KindMetric:
		var m event.Metric
		if m.DecodeMetric(record) == nil {
			return m.EmittedAt
		}
	case event.KindTick:
		var t event.Tick
		if t.DecodeTick(record) == nil {
			return t.At
		}
	}
	return 0
}

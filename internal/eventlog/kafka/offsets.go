package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Commit implements eventlog.Offsets, for a consumer that shares its partitions with nobody: a group without members. Those
// that share have a Group.
func (l *Log) Commit(ctx context.Context, consumer string, topic eventlog.Topic, partition int32, next int64) error {
	if l.closed.Load() {
		return eventlog.ErrClosed
	}
	bounded, cancel := l.bounded(ctx)
	defer cancel()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{
		Topic: l.name(topic), Partition: partition, At: KafkaOffset(next), LeaderEpoch: -1,
		Metadata: encodeProgress(eventlog.Progress{Next: next, To: next}),
	})
	if err := l.admin.CommitAllOffsets(bounded, l.opts.Prefix+consumer, offsets); err != nil {
		return fmt.Errorf("cannot commit the offset of consumer %q in topic %q: %w", consumer, topic, l.cause(ctx, err))
	}
	return nil
}

// Committed implements eventlog.Offsets.
func (l *Log) Committed(ctx context.Context, consumer string, topic eventlog.Topic, partition int32) (int64, error) {
	all, err := l.Progress(ctx, consumer, topic)
	return all[eventlog.Claim{Topic: topic, Partition: partition}].Next, err
}

// Progress returns how far a consumer or a group is in topics; a partition in which it has committed nothing is not in the answer.
func (l *Log) Progress(ctx context.Context, consumer string, topics ...eventlog.Topic) (map[eventlog.Claim]eventlog.Progress, error) {
	if l.closed.Load() {
		return nil, eventlog.ErrClosed
	}
	bounded, cancel := l.bounded(ctx)
	defer cancel()
	all, err := ReadProgress(bounded, l.admin, l.opts.Prefix, consumer, topics...)
	return all, l.cause(ctx, err)
}

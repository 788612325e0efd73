package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Mark is what a consumer group keeps for a partition.
type Mark struct {
	Offset   int64 // of Kafka
	Metadata string
}

// framePrefix begins the metadata of an offset inside a value.
const framePrefix = "frame="

// Commit implements eventlog.Offsets. The consumer is a Kafka group without members.
func (l *Log) Commit(ctx context.Context, consumer string, topic eventlog.Topic, partition int32, next int64) error {
	m := Mark{Offset: KafkaOffset(next)}
	if i := frameIndex(next); i > 0 {
		m.Metadata = framePrefix + strconv.Itoa(i)
	}
	return l.CommitMarks(ctx, consumer, topic, map[int32]Mark{partition: m})
}

// Committed implements eventlog.Offsets.
func (l *Log) Committed(ctx context.Context, consumer string, topic eventlog.Topic, partition int32) (int64, error) {
	marks, err := l.Marks(ctx, consumer, topic)
	if err != nil {
		return 0, err
	}
	m := marks[partition]
	text, inside := strings.CutPrefix(m.Metadata, framePrefix)
	if !inside {
		return Position(m.Offset, 0), nil
	}
	frame, err := strconv.Atoi(text)
	if err != nil || frame < 0 || frame >= maxFrames {
		return 0, fmt.Errorf("consumer %q has metadata %q at topic %q partition %d", consumer, m.Metadata, topic, partition)
	}
	return Position(m.Offset, frame), nil
}

// CommitMarks stores marks of several partitions of a topic, durably: docs/format/topics.md, Ranges. After an error some may be
// stored.
func (l *Log) CommitMarks(ctx context.Context, consumer string, topic eventlog.Topic, marks map[int32]Mark) error {
	if l.closed.Load() {
		return eventlog.ErrClosed
	}
	bounded, cancel := l.bounded(ctx)
	defer cancel()
	offsets := kadm.Offsets{}
	for partition, m := range marks {
		offsets.Add(kadm.Offset{Topic: l.name(topic), Partition: partition, At: m.Offset, LeaderEpoch: -1, Metadata: m.Metadata})
	}
	if err := l.admin.CommitAllOffsets(bounded, l.opts.Prefix+consumer, offsets); err != nil {
		return fmt.Errorf("cannot commit offsets of consumer %q in topic %q: %w", consumer, topic, l.cause(ctx, err))
	}
	return nil
}

// Marks returns the marks of a consumer in a topic. A partition without one is not in the answer.
func (l *Log) Marks(ctx context.Context, consumer string, topic eventlog.Topic) (map[int32]Mark, error) {
	if l.closed.Load() {
		return nil, eventlog.ErrClosed
	}
	bounded, cancel := l.bounded(ctx)
	defer cancel()
	answers, err := l.admin.FetchOffsets(bounded, l.opts.Prefix+consumer)
	marks := map[int32]Mark{}
	for partition, answer := range answers[l.name(topic)] {
		switch {
		case answer.Err != nil && err == nil:
			err = answer.Err
		case answer.At >= 0:
			marks[partition] = Mark{Offset: answer.At, Metadata: answer.Metadata}
		}
	}
	if err != nil && !isNoGroup(err) {
		return nil, fmt.Errorf("cannot read offsets of consumer %q in topic %q: %w", consumer, topic, l.cause(ctx, err))
	}
	return marks, nil
}

// isNoGroup is true where the group has never committed.
func isNoGroup(err error) bool { return err == kerr.GroupIDNotFound }

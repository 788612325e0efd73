package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// TopicSpec says how a topic is to be.
type TopicSpec struct {
	Topic eventlog.Topic
	// Partitions of a topic that is made; one that is there keeps what it has, because its keys would move.
	Partitions int32
	// Replication of a topic that is made. From 3 on an append needs 2 replicas in sync.
	Replication int16
	// Retention is how long records are kept; 0 = the broker's default.
	Retention time.Duration
}

// topicInfo is what appends and cursors need to know of a topic.
type topicInfo struct {
	name       string
	id         [16]byte
	partitions int32
	leaders    []int32
}

// EnsureTopics makes the topics that are missing and sets the retention of all. It returns when each partition has a leader.
// Several processes may call it at the same time.
func (l *Log) EnsureTopics(ctx context.Context, specs []TopicSpec) error {
	if l.closed.Load() {
		return fmt.Errorf("cannot make topics: %w", eventlog.ErrClosed)
	}
	for _, s := range specs {
		if err := l.ensure(ctx, s); err != nil {
			return fmt.Errorf("cannot make topic %q: %w", l.name(s.Topic), err)
		}
	}
	for _, s := range specs {
		if err := l.await(ctx, s.Topic); err != nil {
			return fmt.Errorf("topic %q has no leaders: %w", l.name(s.Topic), err)
		}
	}
	return nil
}

func (l *Log) ensure(ctx context.Context, s TopicSpec) error {
	bounded, cancel := l.bounded(ctx)
	defer cancel()
	configs := map[string]*string{
		"cleanup.policy":      kadm.StringPtr("delete"),
		"max.message.bytes":   kadm.StringPtr(strconv.Itoa(maxBatchBytes)),
		"min.insync.replicas": kadm.StringPtr("1"),
	}
	if s.Replication >= 3 {
		configs["min.insync.replicas"] = kadm.StringPtr("2")
	}
	if s.Retention > 0 {
		configs["retention.ms"] = kadm.StringPtr(strconv.FormatInt(s.Retention.Milliseconds(), 10))
	}
	_, err := l.admin.CreateTopic(bounded, s.Partitions, s.Replication, configs, l.name(s.Topic))
	if !errors.Is(err, kerr.TopicAlreadyExists) {
		return l.cause(ctx, err)
	}
	return l.cause(ctx, l.configure(bounded, s.Topic, configs))
}

// configure sets what an existing topic must have. How many replicas an append needs is left to who has set it.
func (l *Log) configure(ctx context.Context, topic eventlog.Topic, configs map[string]*string) error {
	var alter []kadm.AlterConfig
	for _, name := range []string{"cleanup.policy", "max.message.bytes", "retention.ms"} {
		if value, ok := configs[name]; ok {
			alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: value})
		}
	}
	answers, err := l.admin.AlterTopicConfigs(ctx, alter, l.name(topic))
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.Err != nil {
			return a.Err
		}
	}
	return nil
}

// await returns when every partition of the topic has a leader.
func (l *Log) await(ctx context.Context, topic eventlog.Topic) error {
	for start := time.Now(); ; {
		_, err := l.refresh(ctx, topic)
		if err == nil || ctx.Err() != nil || l.closed.Load() || time.Since(start) > 6*l.opts.AnswerTime {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		case <-l.closing.Done():
		}
	}
}

// Partitions returns how many partitions a topic has.
func (l *Log) Partitions(ctx context.Context, topic eventlog.Topic) (int32, error) {
	if l.closed.Load() {
		return 0, eventlog.ErrClosed
	}
	info, err := l.topic(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("cannot count the partitions of topic %q: %w", topic, err)
	}
	return info.partitions, nil
}

// Partitioner returns the function by which appends to the topic choose a partition.
func (l *Log) Partitioner(ctx context.Context, topic eventlog.Topic) (func(key []byte) int32, error) {
	if _, err := l.Partitions(ctx, topic); err != nil {
		return nil, err
	}
	info, err := l.topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	return info.partition, nil
}

// topic returns what is known of a topic. How many partitions it has stays what it was first seen to be: a key must not move
// while the process runs.
func (l *Log) topic(ctx context.Context, topic eventlog.Topic) (*topicInfo, error) {
	if info, ok := l.topics.Load(topic); ok {
		return info.(*topicInfo), nil
	}
	return l.refresh(ctx, topic)
}

// refresh asks the brokers about a topic, once for all who ask at the same time.
func (l *Log) refresh(ctx context.Context, topic eventlog.Topic) (*topicInfo, error) {
	asked := l.load.DoChan(string(topic), func() (any, error) {
		bounded, cancel := l.bounded(context.Background())
		defer cancel()
		info, err := describe(bounded, l.admin, l.name(topic))
		if err != nil {
			return nil, err
		}
		known, _ := l.topics.LoadOrStore(topic, info)
		return known, nil
	})
	select {
	case answer := <-asked:
		if answer.Err != nil {
			return nil, l.cause(ctx, answer.Err)
		}
		return answer.Val.(*topicInfo), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// describe fails unless every partition has a leader.
func describe(ctx context.Context, admin *kadm.Client, name string) (*topicInfo, error) {
	metadata, err := admin.Metadata(ctx, name)
	if err != nil {
		return nil, err
	}
	topic, ok := metadata.Topics[name]
	switch {
	case !ok:
		return nil, kerr.UnknownTopicOrPartition
	case topic.Err != nil:
		return nil, topic.Err
	case len(topic.Partitions) == 0:
		return nil, kerr.LeaderNotAvailable
	}
	info := &topicInfo{name: name, id: topic.ID, partitions: int32(len(topic.Partitions))}
	info.leaders = make([]int32, info.partitions)
	for _, p := range topic.Partitions.Sorted() {
		if p.Leader < 0 || int(p.Partition) >= len(info.leaders) {
			return nil, kerr.LeaderNotAvailable
		}
		info.leaders[p.Partition] = p.Leader
	}
	if slices.Contains(info.leaders, -1) {
		return nil, kerr.LeaderNotAvailable
	}
	return info, nil
}

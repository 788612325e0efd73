package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// GroupOptions of a Group. Brokers, Name and Topics are needed.
type GroupOptions struct {
	Brokers []string
	Prefix  string // of the names of topics and of the group
	Name    string
	Topics  []eventlog.Topic
	Logger  *slog.Logger
	// SessionTimeout is how long a process may be silent before others take its partitions; 0: 10 s.
	SessionTimeout time.Duration
}

// Group shares the partitions of topics among the processes that open it under one name, and keeps how far each partition is.
// It reads no records. It is safe for concurrent use.
type Group struct {
	options GroupOptions
	client  *kgo.Client
	admin   *kadm.Client
	topics  map[string]eventlog.Topic // by name in Kafka

	mu    sync.Mutex
	works map[eventlog.Claim]*running
	start func(eventlog.Claim) *running // nil until Run
	early []eventlog.Claim              // assigned before Run
}

// running is the work on one claim.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// OpenGroup joins the group. The caller must Close it.
func OpenGroup(o GroupOptions) (*Group, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.SessionTimeout <= 0 {
		o.SessionTimeout = 10 * time.Second
	}
	g := &Group{options: o, topics: map[string]eventlog.Topic{}, works: map[eventlog.Claim]*running{}}
	var names []string
	for _, topic := range o.Topics {
		name := o.Prefix + string(topic)
		names, g.topics[name] = append(names, name), topic
	}
	// Later versions of the request name topics by id. The client's own commits do that by themselves; those made here name them.
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.OffsetCommit), 9)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(o.Brokers...), kgo.MaxVersions(versions), kgo.ConsumerGroup(o.Prefix+o.Name), kgo.ConsumeTopics(names...), kgo.DisableAutoCommit(),
		kgo.SessionTimeout(o.SessionTimeout), kgo.HeartbeatInterval(o.SessionTimeout/4), kgo.RebalanceTimeout(30*time.Second),
		kgo.OnPartitionsAssigned(g.assigned), kgo.OnPartitionsRevoked(g.revoked), kgo.OnPartitionsLost(g.revoked),
	)
	if err != nil {
		return nil, fmt.Errorf("cannot join the group %q: %w", o.Name, err)
	}
	client.PauseFetchTopics(names...) // who works on a partition reads it from the log
	g.client, g.admin = client, kadm.NewClient(client)
	return g, nil
}

// Close leaves the group. Run must have ended.
func (g *Group) Close() error {
	g.client.Close()
	return nil
}

// Run calls work for each partition that this process gets, until ctx ends. A work's context ends when its partition is taken away,
// and nobody else gets it before the work has returned. A work that fails while it has its partition is begun again.
func (g *Group) Run(ctx context.Context, work func(context.Context, eventlog.Claim) error) error {
	g.mu.Lock()
	g.start = func(claim eventlog.Claim) *running { return g.begin(ctx, claim, work) }
	for _, claim := range g.early {
		g.works[claim] = g.start(claim)
	}
	g.early = nil
	g.mu.Unlock()
	<-ctx.Done()
	g.mu.Lock()
	g.start = nil
	all := g.works
	g.works = map[eventlog.Claim]*running{}
	g.mu.Unlock()
	stopAll(all)
	return ctx.Err()
}

const workRetry = time.Second

func (g *Group) begin(ctx context.Context, claim eventlog.Claim, work func(context.Context, eventlog.Claim) error) *running {
	ctx, cancel := context.WithCancel(ctx)
	r := &running{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for ctx.Err() == nil {
			if err := work(ctx, claim); err != nil && ctx.Err() == nil {
				g.options.Logger.Error("work on a partition begins again", "topic", claim.Topic, "partition", claim.Partition, "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(workRetry):
			}
		}
	}()
	return r
}

func stopAll(works map[eventlog.Claim]*running) {
	for _, r := range works {
		r.cancel()
	}
	for _, r := range works {
		<-r.done
	}
}

func (g *Group) claims(partitions map[string][]int32) (claims []eventlog.Claim) {
	for name, numbers := range partitions {
		for _, n := range numbers {
			claims = append(claims, eventlog.Claim{Topic: g.topics[name], Partition: n})
		}
	}
	return claims
}

func (g *Group) assigned(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, claim := range g.claims(partitions) {
		if g.start == nil {
			g.early = append(g.early, claim)
		} else {
			g.works[claim] = g.start(claim)
		}
	}
}

// revoked ends the works on partitions that go, and waits for them: the group waits for this.
func (g *Group) revoked(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	gone := map[eventlog.Claim]*running{}
	g.mu.Lock()
	for _, claim := range g.claims(partitions) {
		if r := g.works[claim]; r != nil {
			gone[claim] = r
			delete(g.works, claim)
		}
		for i := range g.early {
			if g.early[i] == claim {
				g.early = append(g.early[:i], g.early[i+1:]...)
				break
			}
		}
	}
	g.mu.Unlock()
	stopAll(gone)
}

// Progress returns how far a partition is; zeros when nobody has committed anything.
func (g *Group) Progress(ctx context.Context, claim eventlog.Claim) (eventlog.Progress, error) {
	all, err := ReadProgress(ctx, g.admin, g.options.Prefix, g.options.Name, claim.Topic)
	return all[claim], err
}

// ReadProgress returns how far a group is in the partitions of the topics, for anybody.
func ReadProgress(ctx context.Context, admin *kadm.Client, prefix, group string, topics ...eventlog.Topic) (map[eventlog.Claim]eventlog.Progress, error) {
	offsets, err := admin.FetchOffsets(ctx, prefix+group)
	if err != nil {
		return nil, fmt.Errorf("cannot read the offsets of group %q: %w", group, err)
	}
	all := map[eventlog.Claim]eventlog.Progress{}
	for _, topic := range topics {
		for partition, o := range offsets[prefix+string(topic)] {
			if o.Err != nil {
				return nil, fmt.Errorf("cannot read the offset of partition %d of topic %q: %w", partition, topic, o.Err)
			}
			if o.At < 0 {
				continue
			}
			all[eventlog.Claim{Topic: topic, Partition: partition}] = decodeProgress(o.At, o.Metadata)
		}
	}
	return all, nil
}

// encodeProgress makes the metadata of a group offset; the offset itself is Next without its frame.
func encodeProgress(p eventlog.Progress) string {
	return fmt.Sprintf("next=%d to=%d fresh=%d", p.Next, p.To, p.Fresh)
}

// decodeProgress reads it. An offset that other tools have moved has no metadata, or that of another offset: the offset counts.
func decodeProgress(offset int64, metadata string) eventlog.Progress {
	at := Position(offset, 0)
	p := eventlog.Progress{Next: at, To: at}
	for word := range strings.FieldsSeq(metadata) {
		key, value, _ := strings.Cut(word, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			continue
		}
		switch key {
		case "next":
			p.Next = n
		case "to":
			p.To = n
		case "fresh":
			p.Fresh = n
		}
	}
	if KafkaOffset(p.Next) != offset || p.To < p.Next {
		return eventlog.Progress{Next: at, To: at}
	}
	return p
}

// Commit keeps how far a partition is, durably. It fails with ErrFenced when the partition has gone to another process.
func (g *Group) Commit(ctx context.Context, claim eventlog.Claim, p eventlog.Progress) error {
	member, generation := g.client.GroupMetadata()
	metadata := encodeProgress(p)
	partition := kmsg.NewOffsetCommitRequestTopicPartition()
	partition.Partition, partition.Offset, partition.Metadata = claim.Partition, KafkaOffset(p.Next), &metadata
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.Partitions = g.options.Prefix+string(claim.Topic), []kmsg.OffsetCommitRequestTopicPartition{partition}
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.MemberID, request.Generation = g.options.Prefix+g.options.Name, member, generation
	request.Topics = []kmsg.OffsetCommitRequestTopic{topic}
	response, err := request.RequestWith(ctx, g.client)
	for i := 0; err == nil && i < len(response.Topics); i++ {
		for _, one := range response.Topics[i].Partitions {
			err = errors.Join(err, kerr.ErrorForCode(one.ErrorCode))
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.FencedInstanceID):
		return fmt.Errorf("cannot commit partition %d of topic %q: %w", claim.Partition, claim.Topic, eventlog.ErrFenced)
	}
	return fmt.Errorf("cannot commit partition %d of topic %q: %w", claim.Partition, claim.Topic, err)
}

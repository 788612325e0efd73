package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// pollTime is how long a broker holds a fetch at the end of a partition. Other readers of the same partition wait as long.
const pollTime = 500 * time.Millisecond

// place is a partition of a topic.
type place struct {
	topic     eventlog.Topic
	partition int32
}

// record is a value of Kafka with its place.
type record struct {
	partition int32
	offset    int64
	value     []byte
}

// chunk is the answer to a fetch: the records from offset from on, and the offset behind the last.
type chunk struct {
	from, next   int64
	records      []record
	stable, head int64 // last stable offset, first offset of the partition
	err          error
}

// cursor reads one partition, mostly in sequence: it keeps what it has fetched and not given out, and fetches the next while
// that is used. It has a client, and so a connection, of its own: brokers answer the requests of a connection one after the
// other, and a fetch at the end of one partition would hold up the others.
type cursor struct {
	log    *Log
	place  place
	client *kgo.Client
	admin  *kadm.Client
	unpack kgo.Decompressor

	busy  chan struct{} // holds one token; who has it may use what follows
	info  *topicInfo    // nil when not known
	have  chunk         // fetched; records given out are cut off in front
	ahead chan chunk    // the next one, if it is being fetched
	from  int64         // where that begins
	// A reader that has got all frames of a value may go on behind the last of them or at the next value: it is the same.
	given, goOn int64
}

// cursor returns the cursor of a partition, which is made on first use.
func (l *Log) cursor(topic eventlog.Topic, partition int32) (*cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cursors == nil {
		return nil, eventlog.ErrClosed
	}
	at := place{topic, partition}
	if c := l.cursors[at]; c != nil {
		return c, nil
	}
	client, err := kgo.NewClient(append(clientOptions(&l.opts), kgo.BrokerMaxReadBytes(256<<20))...)
	if err != nil {
		return nil, err
	}
	c := &cursor{log: l, place: at, client: client, admin: kadm.NewClient(client), unpack: kgo.DefaultDecompressor(), busy: make(chan struct{}, 1)}
	l.cursors[at] = c
	return c, nil
}

// lock takes the token, unless the context or the log ends first.
func (c *cursor) lock(ctx context.Context) error {
	select {
	case c.busy <- struct{}{}:
		if c.log.closed.Load() {
			c.unlock()
			return eventlog.ErrClosed
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.log.closing.Done():
		return eventlog.ErrClosed
	}
}

func (c *cursor) unlock() { <-c.busy }

// close ends the fetches and waits for who uses the cursor.
func (c *cursor) close() {
	c.client.Close()
	c.busy <- struct{}{}
	if c.ahead != nil {
		<-c.ahead
		c.ahead = nil
	}
}

// fill sees to it that have begins at the Kafka offset, with records unless the end is reached. At the end it waits for records
// as long as poll. The caller has the token.
func (c *cursor) fill(ctx context.Context, offset int64, poll time.Duration) error {
	if c.have.from == offset && len(c.have.records) > 0 {
		return nil
	}
	if c.cut(offset) {
		return nil
	}
	for at := offset; ; {
		got, err := c.fetch(ctx, at, poll)
		if err != nil {
			return err
		}
		if len(got.records) > 0 || got.next <= at || got.next >= got.stable {
			c.have = got
			c.have.from = offset
			return nil
		}
		at = got.next // nothing but markers: go on behind them
	}
}

// cut drops the records in front of offset, where have holds it.
func (c *cursor) cut(offset int64) bool {
	if offset < c.have.from || offset >= c.have.next {
		return false
	}
	for len(c.have.records) > 0 && c.have.records[0].offset < offset {
		c.have.records = c.have.records[1:]
	}
	c.have.from = offset
	return len(c.have.records) > 0
}

// fetch returns the chunk at offset: the one fetched ahead, or a new one. It tries again, for a bounded time, while a broker does
// not answer or is not the leader any more.
func (c *cursor) fetch(ctx context.Context, offset int64, poll time.Duration) (chunk, error) {
	if got, err := c.takeAhead(ctx, offset); err != nil || len(got.records) > 0 {
		c.fetchAhead(got)
		return got, err
	}
	bounded, cancel := context.WithTimeout(ctx, c.log.opts.AnswerTime+poll)
	defer cancel()
	for {
		got := c.ask(bounded, offset, poll)
		if got.err == nil {
			c.fetchAhead(got)
			return got, nil
		}
		if lasting(got.err) || errors.Is(got.err, kerr.OffsetOutOfRange) || bounded.Err() != nil {
			return chunk{}, got.err
		}
		c.info = nil
		select {
		case <-bounded.Done():
			return chunk{}, got.err
		case <-c.log.closing.Done():
			return chunk{}, eventlog.ErrClosed
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// takeAhead waits for what is being fetched ahead. It is of use if it begins at offset and has records: the end may have moved on
// since an empty one was made.
func (c *cursor) takeAhead(ctx context.Context, offset int64) (chunk, error) {
	if c.ahead == nil {
		return chunk{}, nil
	}
	select {
	case got := <-c.ahead:
		c.ahead = nil
		if c.from == offset && got.err == nil {
			return got, nil
		}
		return chunk{}, nil
	case <-ctx.Done():
		return chunk{}, ctx.Err()
	}
}

// fetchAhead begins to fetch what stands behind a chunk, if something does.
func (c *cursor) fetchAhead(got chunk) {
	if len(got.records) == 0 || got.next >= got.stable {
		return
	}
	ahead, info := make(chan chunk, 1), c.info
	c.ahead, c.from = ahead, got.next
	go func() {
		bounded, cancel := c.log.bounded(context.Background())
		defer cancel()
		ahead <- c.request(bounded, info, got.next, 0)
	}()
}

// ask fetches once, and finds the leader first where it is not known.
func (c *cursor) ask(ctx context.Context, offset int64, poll time.Duration) chunk {
	if c.info == nil {
		info, err := describe(ctx, c.admin, c.log.name(c.place.topic))
		if err != nil {
			return chunk{err: err}
		}
		c.info = info
	}
	if c.place.partition < 0 || c.place.partition >= c.info.partitions {
		return chunk{err: fmt.Errorf("%w: the topic has %d", errNoPartition, c.info.partitions)}
	}
	return c.request(ctx, c.info, offset, poll)
}

// request is one fetch of committed records.
func (c *cursor) request(ctx context.Context, info *topicInfo, offset int64, poll time.Duration) chunk {
	c.log.stats.Fetches.Add(1)
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis = int32(poll.Milliseconds())
	request.MinBytes = 1
	request.MaxBytes = c.log.opts.FetchBytes
	request.IsolationLevel = 1
	request.SessionEpoch = -1 // no session: one partition has nothing to gain from it
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = info.name, info.id
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = c.place.partition, offset, c.log.opts.FetchBytes
	topic.Partitions = append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)
	answer, err := c.client.Broker(int(info.leaders[c.place.partition])).Request(ctx, request)
	if err != nil {
		return chunk{err: err}
	}
	return c.decode(answer.(*kmsg.FetchResponse), offset)
}

// decode unpacks the only partition of an answer.
func (c *cursor) decode(answer *kmsg.FetchResponse, offset int64) chunk {
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return chunk{err: err}
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return chunk{err: kerr.UnknownServerError}
	}
	raw := &answer.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(raw.ErrorCode); err != nil {
		return chunk{err: err}
	}
	got, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: offset, IsolationLevel: kgo.ReadCommitted(), Topic: c.log.name(c.place.topic), Partition: c.place.partition,
	}, raw, c.unpack, nil)
	if got.Err != nil {
		return chunk{err: fmt.Errorf("cannot read a batch at offset %d: %w: %w", next, kerr.CorruptMessage, got.Err)}
	}
	out := chunk{from: offset, next: next, stable: raw.LastStableOffset, head: raw.LogStartOffset, records: make([]record, len(got.Records))}
	for i, r := range got.Records {
		out.records[i] = record{partition: c.place.partition, offset: r.Offset, value: r.Value}
	}
	return out
}

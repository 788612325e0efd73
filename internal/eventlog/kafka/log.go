package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/singleflight"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Options of a log. The zero value of all but Brokers is usable.
type Options struct {
	// Brokers to begin with, host:port.
	Brokers []string
	// Prefix stands before the names of topics and groups, so that several installations can share brokers.
	Prefix string
	// AnswerTime is how long a call waits for brokers before it fails with eventlog.ErrUnavailable; 5 s by default.
	AnswerTime time.Duration
	// Linger is how long a batch waits for company; 1 ms by default.
	Linger time.Duration
	// MaxPendingBytes bounds what waits for its acknowledgement; 64 MiB by default. Beyond it appends get eventlog.ErrFull.
	MaxPendingBytes int64
	// Codec of what is appended: "lz4" (the default), "zstd", "snappy", "none".
	Codec string
	// FetchBytes is about how much a cursor takes from a partition at once; 1 MiB by default. It holds up to twice that.
	FetchBytes int32
}

func (o *Options) ensureDefaults() {
	if o.AnswerTime == 0 {
		o.AnswerTime = 5 * time.Second
	}
	if o.Linger == 0 {
		o.Linger = time.Millisecond
	}
	if o.MaxPendingBytes == 0 {
		o.MaxPendingBytes = 64 << 20
	}
	if o.Codec == "" {
		o.Codec = "lz4"
	}
	if o.FetchBytes == 0 {
		o.FetchBytes = 1 << 20
	}
}

func codec(name string) (kgo.CompressionCodec, error) {
	switch name {
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "none":
		return kgo.NoCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("no such codec %q", name)
}

// Log is an event log on Kafka. It is safe for concurrent use.
type Log struct {
	opts   Options
	client *kgo.Client // produces and administers; each cursor has a client of its own
	admin  *kadm.Client
	stats  Stats

	// closing ends with Close: whoever waits learns of it.
	closing context.Context
	close   context.CancelFunc
	closed  atomic.Bool

	flow   flow
	topics sync.Map           // eventlog.Topic -> *topicInfo
	load   singleflight.Group // of topicInfo

	mu      sync.Mutex
	cursors map[place]*cursor // nil when closed
}

var _ eventlog.Log = (*Log)(nil)

// Stats counts what the log has done since it was opened.
type Stats struct {
	Calls, Records, Bytes, Failed, Refused, Fetches atomic.Int64
}

// Stats returns the counters, to be read at any time.
func (l *Log) Stats() *Stats { return &l.stats }

// Open makes a log. It asks no broker anything: one that is down now may be up when it is needed.
func Open(opts Options) (*Log, error) {
	opts.ensureDefaults()
	compression, err := codec(opts.Codec)
	if err != nil {
		return nil, fmt.Errorf("cannot open the log on kafka: %w", err)
	}
	client, err := kgo.NewClient(append(clientOptions(&opts),
		// Idempotent and acks=all are the client's defaults.
		kgo.ProducerBatchCompression(compression),
		kgo.ProducerLinger(opts.Linger),
		kgo.ProducerBatchMaxBytes(maxBatchBytes),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// What was never sent is given up with its call. What was sent and not answered stays until a broker tells.
		kgo.RecordDeliveryTimeout(max(opts.AnswerTime, time.Second)),
		// flow bounds what is pending, before anything of a call is handed over. These are out of its reach.
		kgo.MaxBufferedRecords(1<<30),
	)...)
	if err != nil {
		return nil, fmt.Errorf("cannot open the log on kafka at %q: %w", opts.Brokers, err)
	}
	closing, cancel := context.WithCancel(context.Background())
	l := &Log{opts: opts, client: client, admin: kadm.NewClient(client), closing: closing, close: cancel, cursors: map[place]*cursor{}}
	l.flow.max, l.flow.patience = opts.MaxPendingBytes, opts.AnswerTime
	return l, nil
}

// clientOptions are those of every client: quick to find out that a broker is gone, quick to find it back.
func clientOptions(o *Options) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID("footfall"),
		kgo.DialTimeout(o.AnswerTime),
		kgo.RequestTimeoutOverhead(o.AnswerTime),
		kgo.RetryTimeout(o.AnswerTime),
		kgo.RetryBackoffFn(func(tries int) time.Duration {
			return min(time.Duration(tries)*50*time.Millisecond, 500*time.Millisecond)
		}),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.DisableClientMetrics(),
	}
}

// Close waits for what was handed over, as long as an append would, and ends all that waits.
func (l *Log) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.opts.AnswerTime)
	defer cancel()
	flushed := l.client.Flush(ctx)
	l.close()
	l.mu.Lock()
	cursors := l.cursors
	l.cursors = nil
	l.mu.Unlock()
	for _, c := range cursors {
		c.close()
	}
	l.client.Close()
	if flushed != nil {
		return fmt.Errorf("cannot flush the log on kafka: %w", eventlog.ErrUnavailable)
	}
	return nil
}

func (l *Log) name(topic eventlog.Topic) string { return l.opts.Prefix + string(topic) }

// bounded returns a context that ends with the caller's, with the log, or after AnswerTime.
func (l *Log) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.AnswerTime)
	stop := context.AfterFunc(l.closing, cancel)
	return ctx, func() { stop(); cancel() }
}

// cause turns what a client returned into an error of the contract. ctx is the caller's.
func (l *Log) cause(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case l.closed.Load() || errors.Is(err, kgo.ErrClientClosed):
		return eventlog.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case lasting(err):
		return err
	}
	return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
}

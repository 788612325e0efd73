package redis

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/redis"
)

// Partitions of a topic: how many there are, and which this process writes when no other does.
type Partitions struct {
	Count int32
	Own   []int32 // nil: all
}

func (p Partitions) own() []int32 {
	if p.Own != nil {
		return p.Own
	}
	own := make([]int32, p.Count)
	for i := range own {
		own[i] = int32(i)
	}
	return own
}

// WriterOptions are what a Writer is made of. Client, Log and the partitions are needed.
type WriterOptions struct {
	Client          *redis.Client
	Log             eventlog.Reader
	Events, Metrics Partitions
	Linger          time.Duration // see redis.ReplayOptions
	Now             func() int64  // ms; nil: the machine's clock
	Logger          *slog.Logger
}

// Writer puts the live view into Redis.
type Writer struct {
	options         WriterOptions
	events, metrics *redis.Replay
}

// NewWriter returns a writer that works while Run runs.
func NewWriter(options WriterOptions) (*Writer, error) {
	if options.Events.Count < 1 || options.Metrics.Count < 1 {
		return nil, errors.New("cannot make the writer of the live view: the numbers of partitions are needed")
	}
	if options.Now == nil {
		options.Now = func() int64 { return time.Now().UnixMilli() }
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	replay := func(topic eventlog.Topic, partitions Partitions, sink redis.Sink) *redis.Replay {
		return redis.NewReplay(redis.ReplayOptions{
			Client: options.Client, Log: options.Log, Topic: topic, Partitions: partitions.own(), Sink: sink,
			Window: windowMillis * time.Millisecond, Linger: options.Linger, Now: options.Now, Logger: options.Logger,
		})
	}
	return &Writer{
		options: options,
		events:  replay(eventlog.Events, options.Events, &eventSink{options.Client, redis.NewScript(eventScript)}),
		metrics: replay(eventlog.Metrics, options.Metrics, &metricSink{options.Client, redis.NewScript(metricScript)}),
	}, nil
}

// Replays returns what follows events and metrics, for their counters and lags.
func (w *Writer) Replays() (events, metrics *redis.Replay) { return w.events, w.metrics }

// Run writes until ctx ends. It waits for a Redis or a log that is away.
func (w *Writer) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	parts.Go(func() { _ = w.events.Run(ctx) }) // ends with ctx only
	parts.Go(func() { _ = w.metrics.Run(ctx) })
	w.keepTelling(ctx)
	parts.Wait()
	return ctx.Err()
}

const (
	statusEvery = time.Second
	// statusMillis is how long a status holds.
	statusMillis = 15_000
	// maxBehindMillis is how far a writer may be behind and still call Redis up to date.
	maxBehindMillis = 30_000
)

func (w *Writer) keepTelling(ctx context.Context) {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = w.tell(ctx) // the replays count and log the same outage
		}
	}
}

// tell puts into ff:status which partitions are up to date.
func (w *Writer) tell(ctx context.Context) error {
	conn, err := w.options.Client.Conn()
	if err != nil {
		return err
	}
	at, err := serverTime(conn.Do(ctx, conn.B().Time().Build()))
	if err != nil {
		return err
	}
	key := w.options.Client.Key("status")
	set := conn.B().Hset().Key(key).FieldValue().
		FieldValue("n/"+string(eventlog.Events), strconv.Itoa(int(w.options.Events.Count))).
		FieldValue("n/"+string(eventlog.Metrics), strconv.Itoa(int(w.options.Metrics.Count)))
	gone := []string{"-"} // a command without fields is an error
	for _, replay := range []*redis.Replay{w.events, w.metrics} {
		standing, err := replay.Standing(ctx)
		if err != nil {
			return err
		}
		for partition, upToDate := range standing {
			name := statusField(replay.Topic(), partition)
			if w.options.Now()-upToDate <= maxBehindMillis {
				set = set.FieldValue(name, redis.Decimal(at))
			} else {
				gone = append(gone, name)
			}
		}
	}
	results := conn.DoMulti(ctx, set.Build(), conn.B().Hdel().Key(key).Field(gone...).Build(), conn.B().Pexpire().Key(key).Milliseconds(statusMillis).Build())
	return errors.Join(results[0].Error(), results[1].Error(), results[2].Error())
}

func statusField(topic eventlog.Topic, partition int32) string {
	return string(topic) + "/" + strconv.Itoa(int(partition))
}

// serverTime reads the reply of TIME, in ms.
func serverTime(result rueidis.RedisResult) (int64, error) {
	parts, err := result.AsStrSlice()
	if err != nil {
		return 0, err
	}
	if len(parts) != 2 {
		return 0, errors.New("redis does not tell the time")
	}
	seconds, errSeconds := strconv.ParseInt(parts[0], 10, 64)
	micros, errMicros := strconv.ParseInt(parts[1], 10, 64)
	return seconds*1000 + micros/1000, cmp.Or(errSeconds, errMicros)
}

// status is what ff:status says.
type status struct {
	partitions int32 // of events
	generation string
	ready      bool
	reason     string // when it is not
}

// Reasons why the live view is not there, for people.
const (
	reasonAway    = "the live store cannot be reached"
	reasonFilling = "the live store is being filled"
)

// readStatus judges a status hash by Redis' own clock.
func readStatus(fields, positions map[string]string, now int64) status {
	s := status{reason: reasonFilling}
	for _, topic := range []eventlog.Topic{eventlog.Events, eventlog.Metrics} {
		n, err := strconv.ParseInt(fields["n/"+string(topic)], 10, 32)
		if err != nil || n < 1 {
			return s
		}
		if topic == eventlog.Events {
			s.partitions = int32(n)
		}
		for partition := range int32(n) {
			at, err := strconv.ParseInt(fields[statusField(topic, partition)], 10, 64)
			if err != nil || now-at > statusMillis {
				return s
			}
		}
	}
	if s.generation = redis.Generations(positions, eventlog.Events, s.partitions); s.generation != "" {
		s.ready, s.reason = true, ""
	}
	return s
}

package redis

import (
	"context"
	"errors"
	"fmt"
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
	windows         *metricSink
	status          *redis.Script
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
	windows := &metricSink{client: options.Client, script: redis.NewScript(metricScript)}
	return &Writer{
		options: options, windows: windows, status: redis.NewScript(tellScript),
		events:  replay(eventlog.Events, options.Events, &eventSink{options.Client, redis.NewScript(eventScript)}),
		metrics: replay(eventlog.Metrics, options.Metrics, windows),
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
	// maxSilenceMillis is how old the latest tick of the real-time job may be: its restart takes less.
	maxSilenceMillis = 60_000
)

// silent reports whether the real-time job, which has been heard, says nothing any more: Redis is up to date with topics that
// stand still.
func (w *Writer) silent() bool {
	tick := w.windows.tick.Load()
	return tick > 0 && w.options.Now()-tick > maxSilenceMillis
}

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

// tellScript notes which partitions are up to date, by the clock of the node that the status stands on.
// KEYS: the status. ARGV: its life, n/events, n/metrics, then pairs of a partition and 1, when it is up to date, or 0.
const tellScript = `
local t = redis.call('time')
local now = string.format('%.0f', tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000))
redis.call('hset', KEYS[1], 'n/events', ARGV[2], 'n/metrics', ARGV[3])
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '1' then redis.call('hset', KEYS[1], ARGV[i], now) else redis.call('hdel', KEYS[1], ARGV[i]) end
end
redis.call('pexpire', KEYS[1], ARGV[1])
return 1`

// askScript returns the clock of the node that the status stands on, and the status.
const askScript = `
local t = redis.call('time')
local reply = redis.call('hgetall', KEYS[1])
table.insert(reply, 1, string.format('%.0f', tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)))
return reply`

// tell puts into ff:status which of the partitions that this process writes are up to date.
func (w *Writer) tell(ctx context.Context) error {
	args := []string{redis.Decimal(statusMillis), strconv.Itoa(int(w.options.Events.Count)), strconv.Itoa(int(w.options.Metrics.Count))}
	for _, replay := range []*redis.Replay{w.events, w.metrics} {
		standing, err := replay.Standing(ctx)
		if err != nil {
			return err
		}
		for partition, upToDate := range standing {
			is := "0"
			if w.options.Now()-upToDate <= maxBehindMillis && !w.silent() {
				is = "1"
			}
			args = append(args, statusField(replay.Topic(), partition), is)
		}
	}
	_, err := w.options.Client.Run(ctx, []redis.Call{{Script: w.status, Keys: []string{w.options.Client.Key("status")}, Args: args}})
	return err
}

func statusField(topic eventlog.Topic, partition int32) string {
	return string(topic) + "/" + strconv.Itoa(int(partition))
}

// askStatus reads what the writers say.
func askStatus(ctx context.Context, client *redis.Client, script *redis.Script) (status, error) {
	results, err := client.Run(ctx, []redis.Call{{Script: script, Keys: []string{client.Key("status")}}})
	if err != nil {
		return status{}, err
	}
	reply, err := results[0].AsStrSlice()
	if err != nil {
		return status{}, err
	}
	now, err := strconv.ParseInt(reply[0], 10, 64)
	if err != nil {
		return status{}, fmt.Errorf("cannot read the clock of redis: %w", err)
	}
	fields := make(map[string]string, len(reply)/2)
	for i := 1; i+1 < len(reply); i += 2 {
		fields[reply[i]] = reply[i+1]
	}
	positions, err := client.Do(ctx, func(b rueidis.Builder) rueidis.Completed { return b.Hgetall().Key(client.PositionsKey()).Build() })
	if err != nil {
		return status{}, err
	}
	standing, err := positions.AsStrMap()
	if err != nil {
		return status{}, err
	}
	return readStatus(fields, standing, now), nil
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

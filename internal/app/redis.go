package app

import (
	"context"
	"errors"
	"sync/atomic"

	cacheredis "github.com/footfall-analytics/footfall/internal/cache/redis"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/kafka"
	liveredis "github.com/footfall-analytics/footfall/internal/live/redis"
	"github.com/footfall-analytics/footfall/internal/obs"
	"github.com/footfall-analytics/footfall/internal/redis"
	sessionredis "github.com/footfall-analytics/footfall/internal/session/redis"
)

// openRedis connects; a Redis that is away now may come: nothing that is acknowledged depends on it.
func (c *cluster) openRedis() (err error) {
	k := &c.cfg.Cluster
	if c.redis, err = redis.Open(redis.Options{Addresses: k.Redis, Prefix: k.TopicPrefix + "ff:"}); err != nil {
		return err
	}
	if c.cfg.Runs("web") {
		c.hub = liveredis.NewHub(liveredis.HubOptions{Client: c.redis, Logger: c.logger})
		c.answers = cacheredis.New(cacheredis.Options{Client: c.redis})
	}
	if c.cfg.Runs("collect") {
		c.sessions = sessionredis.NewStore(sessionredis.StoreOptions{Client: c.redis})
	}
	return nil
}

// writeRedis keeps what stands in Redis up to date, until ctx ends: the live view and the session store.
func (c *cluster) writeRedis(ctx context.Context) (err error) {
	// A log of its own: a log has one place a partition from which it reads on, and the loaders read elsewhere.
	log, err := kafka.Open(kafka.Options{Brokers: c.cfg.Cluster.Kafka, Prefix: c.cfg.Cluster.TopicPrefix})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	counts := map[eventlog.Topic]int32{}
	for _, topic := range [...]eventlog.Topic{eventlog.RawEvents, eventlog.Events, eventlog.Metrics} {
		n, err := log.Partitions(ctx, topic)
		if err != nil {
			return err
		}
		counts[topic] = n
	}
	live, err := liveredis.NewWriter(liveredis.WriterOptions{
		Client: c.redis, Log: log, Events: liveredis.Partitions{Count: counts[eventlog.Events]}, Metrics: liveredis.Partitions{Count: counts[eventlog.Metrics]}, Logger: c.logger,
	})
	if err != nil {
		return err
	}
	raw := make([]int32, counts[eventlog.RawEvents])
	for p := range raw {
		raw[p] = int32(p)
	}
	sessions := sessionredis.NewWriter(sessionredis.WriterOptions{Client: c.redis, Log: log, Partitions: raw, Logger: c.logger})
	events, metrics := live.Replays()
	c.replays.Store(&[]*redis.Replay{events, metrics, sessions})
	defer c.replays.Store(nil)
	return errors.Join(parallel(
		func() error { return live.Run(ctx) },
		func() error { return sessions.Run(ctx) },
	)...)
}

// replays are what writes Redis in this process, while it does.
type replays = atomic.Pointer[[]*redis.Replay]

// watchRedis tells operators how the parts in Redis are.
func (c *cluster) watchRedis(m *obs.Registry) {
	counter := func(name, help string, read func() int64) {
		m.Counter(name, help, nil, func() float64 { return float64(read()) })
	}
	if c.cfg.Runs("process") {
		c.watchReplays(m)
	}
	if c.hub != nil {
		n := c.hub.Counters()
		m.Gauge("footfall_live_sites", "Sites whose live view this process follows.", nil, func() float64 { return float64(c.hub.Sites()) })
		counter("footfall_live_reads_total", "Reads of a site's live view.", n.Reads.Load)
		counter("footfall_live_errors_total", "Reads of the live view that failed.", n.Errors.Load)
		counter("footfall_live_outages_total", "Times that the live view became unavailable.", n.Outages.Load)
	}
	if c.answers != nil {
		n := c.answers.Counters()
		counter("footfall_answers_hits_total", "Answers that another process had found.", n.Hits.Load)
		counter("footfall_answers_misses_total", "Answers that no other process had found.", n.Misses.Load)
		counter("footfall_answers_errors_total", "Look-ups of shared answers that failed.", n.Errors.Load)
		m.Counter("footfall_answers_lookup_seconds_total", "Time that look-ups of shared answers took, together.", nil, func() float64 { return float64(n.LookupMicros.Load()) / 1e6 })
	}
	if c.sessions != nil {
		n := c.sessions.Counters()
		counter("footfall_sessions_hits_total", "Sessions that another collector knew.", n.Hits.Load)
		counter("footfall_sessions_misses_total", "Sessions that no other collector knew.", n.Misses.Load)
		counter("footfall_sessions_errors_total", "Look-ups of sessions without an answer in time.", n.Errors.Load)
		counter("footfall_sessions_skipped_total", "Look-ups of sessions left out, since Redis was away or busy.", n.Skipped.Load)
		m.Counter("footfall_sessions_lookup_seconds_total", "Time that look-ups of sessions took, together.", nil, func() float64 { return float64(n.LookupMicros.Load()) / 1e6 })
	}
}

// watchReplays tells how far Redis is behind, by topic, and what writing it meets. In a process that does not write it, all are 0.
func (c *cluster) watchReplays(m *obs.Registry) {
	at := func(i int, read func(*redis.Replay) float64) func() float64 {
		return func() float64 {
			if all := c.replays.Load(); all != nil {
				return read((*all)[i])
			}
			return 0
		}
	}
	for i, topic := range [...]eventlog.Topic{eventlog.Events, eventlog.Metrics, eventlog.RawEvents} {
		labels := map[string]string{"topic": string(topic)}
		m.Gauge("footfall_redis_lag_seconds", "For how long Redis has not had all of a topic.", labels, at(i, func(r *redis.Replay) float64 { return float64(r.Lag()) / 1000 }))
		m.Gauge("footfall_redis_records", "Records written into Redis since this process began to.", labels, at(i, func(r *redis.Replay) float64 { return float64(r.Counters().Records.Load()) }))
		m.Gauge("footfall_redis_errors", "Failures to write Redis since this process began to.", labels, at(i, func(r *redis.Replay) float64 { return float64(r.Counters().Errors.Load()) }))
		m.Gauge("footfall_redis_rebuilds", "Partitions written from their beginning since this process began to write Redis.", labels, at(i, func(r *redis.Replay) float64 { return float64(r.Counters().Rebuilds.Load()) }))
	}
}

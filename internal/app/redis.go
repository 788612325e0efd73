package app

import (
	"context"
	"errors"

	"github.com/footfall-analytics/footfall/internal/eventlog"
	liveredis "github.com/footfall-analytics/footfall/internal/live/redis"
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
	}
	if c.cfg.Runs("collect") {
		c.sessions = sessionredis.NewStore(sessionredis.StoreOptions{Client: c.redis})
	}
	return nil
}

// writeRedis keeps what stands in Redis up to date, until ctx ends: the live view and the session store.
func (c *cluster) writeRedis(ctx context.Context) error {
	counts := map[eventlog.Topic]int32{}
	for _, topic := range [...]eventlog.Topic{eventlog.RawEvents, eventlog.Events, eventlog.Metrics} {
		n, err := c.log.Partitions(ctx, topic)
		if err != nil {
			return err
		}
		counts[topic] = n
	}
	live, err := liveredis.NewWriter(liveredis.WriterOptions{
		Client: c.redis, Log: c.log, Events: liveredis.Partitions{Count: counts[eventlog.Events]}, Metrics: liveredis.Partitions{Count: counts[eventlog.Metrics]}, Logger: c.logger,
	})
	if err != nil {
		return err
	}
	raw := make([]int32, counts[eventlog.RawEvents])
	for p := range raw {
		raw[p] = int32(p)
	}
	sessions := sessionredis.NewWriter(sessionredis.WriterOptions{Client: c.redis, Log: c.log, Partitions: raw, Logger: c.logger})
	return errors.Join(parallel(
		func() error { return live.Run(ctx) },
		func() error { return sessions.Run(ctx) },
	)...)
}

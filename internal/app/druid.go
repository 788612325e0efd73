package app

import (
	"strings"
	"time"

	"github.com/footfall-analytics/footfall/internal/obs"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/internal/store/druid"
)

// openDruid makes the client, where there is a Druid. It asks nothing: events are read in place of a Druid that is away.
func (c *cluster) openDruid() (err error) {
	k := &c.cfg.Cluster
	if len(k.DruidBroker) == 0 || !c.cfg.Runs("web") && !c.cfg.Batches() {
		return nil
	}
	c.druid, err = druid.Open(druid.Options{
		Brokers: k.DruidBroker, Coordinators: k.DruidCoordinator, Prefix: druidPrefix(k.TopicPrefix), QueryTime: c.queryTime(),
	})
	return err
}

// druidPrefix stands before the names of an installation's datasources, which may have no dots.
func druidPrefix(topicPrefix string) string { return strings.ReplaceAll(topicPrefix, ".", "_") }

// withDruid returns the events' store and Druid as one. A third of a query's time is left to Druid: enough is left to read events then.
func (c *cluster) withDruid(events *clickhouse.Source) *query.Pair {
	return query.NewPair(query.PairOptions{
		Events: events, Rollups: c.druid.Source(), Ready: c.druid.Ready, Clock: time.Now, Patience: c.queryTime() / 3, Logger: c.logger,
	})
}

func (c *cluster) watchDruid(m *obs.Registry) {
	if c.engines == nil {
		return
	}
	m.Gauge("footfall_rollups_away", "1 while Druid cannot be asked and events are read in its place.", nil, func() float64 {
		if c.engines.Away() == "" {
			return 0
		}
		return 1
	})
}

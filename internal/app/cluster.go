package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/api"
	"github.com/footfall-analytics/footfall/internal/batch"
	cacheredis "github.com/footfall-analytics/footfall/internal/cache/redis"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/kafka"
	liveredis "github.com/footfall-analytics/footfall/internal/live/redis"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/obs"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/redis"
	sessionredis "github.com/footfall-analytics/footfall/internal/session/redis"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/internal/store/druid"
)

var _ parts = (*cluster)(nil)

// cluster is one process of an installation on Kafka, Flink, ClickHouse, Redis and PostgreSQL. What it opens and moves follows from
// its roles.
type cluster struct {
	cfg      config.Config
	logger   *slog.Logger
	users    *account.Store
	log      *kafka.Log
	store    *clickhouse.Store
	druid    *druid.Store // nil without one; role web
	engines  *query.Pair  // of ClickHouse and Druid; nil without one
	redis    *redis.Client
	hub      *liveredis.Hub      // role web
	sessions *sessionredis.Store // role collect
	answers  *cacheredis.Answers // role web
	replays  replays             // role process
	loader   *load.Loader
	group    *kafka.Group    // of the loaders; role process
	lead     *kafka.Group    // whoever has its one partition does what one process must do alone; role process
	archiver *archiver       // role process, nil without [s3]
	fresh    atomic.Int64    // ms: see freshAt
	schedule *batch.Schedule // of the daily job; role batch
	broken   chan error

	archiveFresh atomic.Int64 // ms: what was acknowledged before is in the archive; 0: not known
	undecodable  atomic.Int64 // records of topics that could not be decoded
}

// openPatience is how long a start waits for engines that do not answer yet.
const openPatience = 2 * time.Minute

// openCluster connects to the engines, and makes topics and tables that are missing.
func openCluster(cfg config.Config, options Options) (*cluster, error) {
	c := &cluster{cfg: cfg, logger: options.Logger, broken: make(chan error, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), openPatience)
	defer cancel()
	err := errors.Join(parallel(
		func() error { return c.await(ctx, "the accounts", c.openAccounts) },
		func() error { return c.await(ctx, "kafka", func() error { return c.openLog(ctx) }) },
		func() error { return c.await(ctx, "clickhouse", func() error { return c.openStore(ctx) }) },
		c.openRedis,
		c.openDruid,
	)...)
	if err == nil && cfg.Runs("process") {
		err = c.openGroups()
	}
	if err == nil {
		err = c.openBatch()
	}
	if err == nil && c.druid != nil {
		c.engines = c.withDruid(c.store.Source())
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// await tries to open an engine until it answers: in a cluster all start at the same time.
func (c *cluster) await(ctx context.Context, what string, open func() error) error {
	for told := false; ; told = true {
		err := open()
		if err == nil {
			return nil
		}
		if !told {
			c.logger.Warn("waiting for an engine", "engine", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

func (c *cluster) openAccounts() (err error) {
	c.users, err = account.Open(account.Options{DSN: c.cfg.Cluster.Postgres, Logger: c.logger})
	return err
}

func (c *cluster) openLog(ctx context.Context) (err error) {
	k := &c.cfg.Cluster
	if c.log == nil {
		if c.log, err = kafka.Open(kafka.Options{Brokers: k.Kafka, Prefix: k.TopicPrefix}); err != nil {
			return err
		}
	}
	retention := time.Duration(c.cfg.Log.RetentionDays) * 24 * time.Hour
	var specs []kafka.TopicSpec
	for _, topic := range []eventlog.Topic{eventlog.RawEvents, eventlog.Imports, eventlog.Events, eventlog.Sessions, eventlog.Metrics, eventlog.Ledger, eventlog.FailedEvents} {
		partitions := k.Partitions
		if topic == eventlog.Imports {
			partitions = 1
		}
		specs = append(specs, kafka.TopicSpec{Topic: topic, Partitions: int32(partitions), Replication: int16(k.Replication), Retention: retention})
	}
	return c.log.EnsureTopics(ctx, specs)
}

func (c *cluster) openStore(ctx context.Context) (err error) {
	if !c.cfg.Runs("process") && !c.cfg.Runs("web") && !c.cfg.Batches() {
		return nil
	}
	k := &c.cfg.Cluster
	c.store, err = clickhouse.Open(ctx, clickhouse.Options{
		Addresses: k.ClickHouse, Database: k.Database, User: k.User, Password: k.Password, ReadUser: k.Reader, ReadPassword: k.ReaderPassword,
		RetentionMonths: cmp.Or(c.cfg.Store.RetentionMonths, forGood), QueryTime: c.queryTime(),
		Rollups:         len(k.DruidBroker) > 0,
		ProvenElsewhere: provenElsewhere(c.cfg.S3.Endpoint != "", c.cfg.S3.Endpoint != "" && len(c.cfg.Cluster.DruidBroker) > 0),
	})
	return err
}

func (c *cluster) queryTime() time.Duration {
	return time.Duration(c.cfg.Store.QueryTimeoutSeconds) * time.Second
}

// forGood is how many months of 31 days stand for "never": the engine's dates end in 2149, and a time beyond would be one in the past.
const forGood = 570

// The groups of role process.
const (
	loadGroup = "load"
	leadGroup = "lead"
)

// loaded are the topics that loaders take to the event store.
var loaded = [...]eventlog.Topic{eventlog.Events, eventlog.Sessions, eventlog.Ledger, eventlog.FailedEvents}

func (c *cluster) openGroups() (err error) {
	k := &c.cfg.Cluster
	if c.group, err = kafka.OpenGroup(kafka.GroupOptions{Brokers: k.Kafka, Prefix: k.TopicPrefix, Name: loadGroup, Topics: loaded[:], Logger: c.logger}); err != nil {
		return err
	}
	c.lead, err = kafka.OpenGroup(kafka.GroupOptions{Brokers: k.Kafka, Prefix: k.TopicPrefix, Name: leadGroup, Topics: []eventlog.Topic{eventlog.Imports}, Logger: c.logger})
	if err != nil {
		return err
	}
	c.loader = load.NewLoader(load.LoaderOptions{Log: c.log, Ranges: c.group, Logger: c.logger, Inserts: c.inserts()})
	return c.openArchiver()
}

func (c *cluster) accounts() *account.Store { return c.users }

func (c *cluster) door(o *collect.Options) error {
	partition, err := c.log.Partitioner(context.Background(), eventlog.RawEvents)
	if err != nil {
		return err
	}
	o.Sink = c.log
	o.Route = &collect.Route{Partition: partition, StreamMillis: int64(c.cfg.Cluster.StreamDays) * event.DayMillis}
	o.Salts = c.users
	if c.sessions != nil {
		o.Sessions = c.sessions
	}
	return nil
}

func (c *cluster) questions(o *query.Options) {
	if c.store == nil {
		return
	}
	source := c.store.Source()
	o.Source, o.Catalog = source, source
	if c.engines != nil {
		o.Source, o.Catalog = c.engines, c.engines
	}
	o.FreshAt = func(string) int64 { return c.lastFresh() }
	if c.answers != nil {
		o.Shared = c.answers
	}
}

func (c *cluster) serving(o *api.Options, door *collect.Handler) {
	if c.hub == nil {
		return
	}
	o.SiteStatus, o.Auditor = c.store, auditorOfCluster{c}
	o.Erasures = &erasures{door: door, store: c.store, logMillis: logMillis(c.cfg)}
	o.Live = c.hub
	if c.druid != nil {
		o.Batch = batchForAPI{c.users}
	}
}

// tasks are those of the roles of this process.
func (c *cluster) tasks() []task {
	var tasks []task
	if c.cfg.Runs("collect") {
		tasks = append(tasks, c.tick, c.sessions.Run)
	}
	if c.cfg.Runs("process") {
		tasks = append(tasks, func(ctx context.Context) error { return c.group.Run(ctx, c.loader.Run) },
			func(ctx context.Context) error { return c.lead.Run(ctx, c.processImports) }, c.writeRedis)
		if c.archiver != nil {
			tasks = append(tasks, c.archiver.run, c.keepArchiveFresh)
		}
	}
	if c.schedule != nil {
		tasks = append(tasks, c.schedule.Run)
	}
	if c.cfg.Runs("web") {
		tasks = append(tasks, c.keepFresh, c.hub.Run)
	}
	return tasks
}

// tick moves event time on: docs/format/topics.md. An outage of Kafka is said by the appends.
func (c *cluster) tick(ctx context.Context) error {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
			_ = c.log.Tick(ctx, time.Now())
		}
	}
}

// freshEvery is how often the progress of the loaders is asked for.
const freshEvery = time.Second

// keepFresh follows how fresh the store is: the least tick that the loaders have reached in any partition.
func (c *cluster) keepFresh(ctx context.Context) error {
	every := time.NewTicker(freshEvery)
	defer every.Stop()
	for {
		if at, err := c.freshAt(ctx); err == nil {
			c.fresh.Store(at)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

// lastFresh returns what keepFresh has found, and looks itself where it has not yet: in a command, or right after the start.
func (c *cluster) lastFresh() int64 {
	if at := c.fresh.Load(); at > 0 {
		return at
	}
	ctx, cancel := context.WithTimeout(context.Background(), freshEvery)
	defer cancel()
	at, _ := c.freshAt(ctx) // 0, "not known", when it cannot be told
	return at
}

// freshAt returns a time (ms) before which every acknowledged event is in the store.
func (c *cluster) freshAt(ctx context.Context) (int64, error) {
	return c.leastFresh(ctx, map[string][]eventlog.Topic{loadGroup: {eventlog.Events, eventlog.Sessions, eventlog.Ledger}, leadGroup: {eventlog.Imports}})
}

// leastFresh returns the least tick that groups have reached in any partition of their topics; 0 when one has reached none.
func (c *cluster) leastFresh(ctx context.Context, groups map[string][]eventlog.Topic) (int64, error) {
	least := time.Now().UnixMilli()
	for group, topics := range groups {
		progress, err := c.log.Progress(ctx, group, topics...)
		if err != nil {
			return 0, err
		}
		for _, topic := range topics {
			n, err := c.log.Partitions(ctx, topic)
			if err != nil {
				return 0, err
			}
			for p := range n {
				least = min(least, progress[eventlog.Claim{Topic: topic, Partition: p}].Fresh) // 0 where nothing is known
			}
		}
	}
	return least, nil
}

// flush has nothing to do: a command on a cluster opens no part that has to catch up.
func (c *cluster) flush(context.Context) error { return nil }

func (c *cluster) failed() <-chan error { return c.broken }

func (c *cluster) watch(m *obs.Registry) {
	c.watchRedis(m)
	c.watchLog(m)
	c.watchBatch(m)
	c.watchDruid(m)
	if c.loader != nil {
		m.Counter("footfall_loader_taken_total", "Records of the topics that are in the event store.", nil, func() float64 { return float64(c.loader.Taken.Load()) })
		m.Counter("footfall_loader_undecodable_total", "Records of the topics that could not be decoded, and are not in the event store.", nil, func() float64 { return float64(c.undecodable.Load()) })
		m.Gauge("footfall_loader_failing", "Partitions whose loader cannot go on at present.", nil, func() float64 { return float64(c.loader.Failing.Load()) })
	}
	if c.archiver != nil {
		c.archiver.watch(m, func() float64 { return time.Since(time.UnixMilli(c.archiveFresh.Load())).Seconds() })
	}
	if c.cfg.Runs("web") {
		m.Gauge("footfall_fresh_seconds", "How old the latest moment is before which every acknowledged event is in the store.", nil,
			func() float64 { return time.Since(time.UnixMilli(c.fresh.Load())).Seconds() })
	}
}

func (c *cluster) watchLog(m *obs.Registry) {
	if c.log == nil { // this role has none
		return
	}
	stats := c.log.Stats()
	for name, counter := range map[string]struct {
		help string
		read func() int64
	}{
		"footfall_kafka_calls_total":   {"Kafka records begun, one for each request and partition.", stats.Calls.Load},
		"footfall_kafka_records_total": {"Records handed to Kafka.", stats.Records.Load},
		"footfall_kafka_bytes_total":   {"Bytes handed to Kafka, before compression.", stats.Bytes.Load},
		"footfall_kafka_failed_total":  {"Kafka records that were not confirmed.", stats.Failed.Load},
		"footfall_kafka_refused_total": {"Appends that were refused without being sent.", stats.Refused.Load},
		"footfall_kafka_fetches_total": {"Fetches from Kafka.", stats.Fetches.Load},
	} {
		m.Counter(name, counter.help, nil, func() float64 { return float64(counter.read()) })
	}
}

// Close closes what is open, the last opened first.
func (c *cluster) Close() error {
	var errs []error
	for _, g := range []*kafka.Group{c.group, c.lead} {
		if g != nil {
			errs = append(errs, g.Close())
		}
	}
	if c.archiver != nil {
		errs = append(errs, c.archiver.group.Close())
	}
	if c.redis != nil {
		c.redis.Close()
	}
	if c.log != nil {
		errs = append(errs, c.log.Close())
	}
	if c.store != nil {
		errs = append(errs, c.store.Close())
	}
	if c.druid != nil {
		errs = append(errs, c.druid.Close())
	}
	if c.users != nil {
		errs = append(errs, c.users.Close())
	}
	return errors.Join(errs...)
}

// processImports takes topic imports to the store as the embedded processor takes its log, and tells how far it is.
func (c *cluster) processImports(ctx context.Context, claim eventlog.Claim) error {
	w := c.store.Writer(clickhouse.WriterOptions{Topic: string(claim.Topic), Partition: claim.Partition})
	p := load.New(load.Options{
		Log: c.log, Store: w, Dedupe: w.Dedupe(), Topic: claim.Topic, Partition: claim.Partition, Shared: true,
		Tick: freshEvery, Logger: c.logger,
	})
	before, err := c.lead.Progress(ctx, claim)
	if err != nil {
		return err
	}
	telling, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); c.tellProgress(telling, claim, p, before.Fresh) }()
	var forgetting sync.WaitGroup
	forgetting.Go(func() { c.again(telling, forgetEvery, "erasures wait", c.forget) })
	forgetting.Go(func() {
		c.again(telling, mendEvery, "visits that an import has in two parts stay so for now", c.mendSeams(before.Fresh))
	})
	forgetting.Go(func() {
		c.again(telling, expireEvery, "events past their site's retention stay for now", func(ctx context.Context) error { return c.expireSites(ctx, time.Now()) })
	})
	if c.cfg.S3.Endpoint != "" {
		forgetting.Go(func() { c.again(telling, proveEvery, "erasures wait for the archive", c.eraseArchive) })
		forgetting.Go(func() {
			c.again(telling, proveEvery, "erasures wait for the rollups", func(ctx context.Context) error { return proveRollups(ctx, c.store, time.Now()) })
		})
		forgetting.Go(func() {
			c.again(telling, expireEvery, "days past their retention stay in the archive for now", c.expireLake)
		})
	}
	defer func() { stop(); <-done; forgetting.Wait() }()
	return p.Run(ctx)
}

// tellProgress commits how far the processor of a claim is; the store's own position is the truth.
// fresh is what was told last: a processor that begins reads ticks again that were told before.
func (c *cluster) tellProgress(ctx context.Context, claim eventlog.Claim, p *load.Processor, fresh int64) {
	every := time.NewTicker(freshEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		fresh = max(fresh, p.Ticked()) // before the position: it may be less than what the position holds
		next := p.Position()
		if err := c.lead.Commit(ctx, claim, eventlog.Progress{Next: next, To: next, Fresh: fresh}); err != nil && ctx.Err() == nil {
			c.logger.Warn("cannot tell how far the imports are", "error", err)
		}
	}
}

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/api"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/local"
	"github.com/footfall-analytics/footfall/internal/live"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/obs"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/session"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
)

// consumer is the name under which the processor tells the log what the store has.
const consumer = "store"

// embedded is the product in one process, with everything in one directory.
type embedded struct {
	cfg       config.Config
	logger    *slog.Logger
	lock      *dirLock
	users     *account.Store
	log       *local.Log
	store     *duckdb.Store
	hub       *live.Hub
	sessions  *session.Store // of the door
	processor *load.Processor
	exports   *exporter
	unproven  chan struct{} // a token: an erasure has been applied
	fresh     atomic.Int64  // the last moment (ms) at which the store had all that was acknowledged
	broken    chan error
}

// openEmbedded takes the data directory and opens every part in it.
func openEmbedded(cfg config.Config, options Options) (*embedded, error) {
	e := &embedded{cfg: cfg, logger: options.Logger, broken: make(chan error, 1), unproven: make(chan struct{}, 1)}
	var err error
	if e.lock, err = lockDir(cfg.Data); err != nil {
		return nil, err
	}
	if err := e.openFiles(); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.hub, e.sessions = live.New(live.Options{}), session.New(session.Options{})
	e.processor = load.New(load.Options{
		Log: e.log, Store: e.store, Dedupe: e.log.Duplicates(), Live: e.hub, Erased: e.erased, Logger: e.logger,
		Shared: !e.store.Empty(), // a store made from an archive has events without a position
	})
	e.exports = &exporter{embedded: e}
	return e, nil
}

// openFiles opens what has files, side by side: a start is as long as the slowest of them.
func (e *embedded) openFiles() error {
	return errors.Join(parallel(
		func() (err error) {
			e.users, err = account.Open(account.Options{Path: e.cfg.Path("accounts.sqlite"), Logger: e.logger})
			return err
		},
		func() (err error) {
			e.log, err = local.Open(local.Options{
				Dir: e.cfg.Path("log"), MaxAge: time.Duration(e.cfg.Log.RetentionDays) * 24 * time.Hour, MaxBytes: e.cfg.Log.MaxBytes,
				Consumers: []string{consumer},
				OnFailure: func(err error) { e.broken <- fmt.Errorf("the event log has failed: %w", err) }, // called once
			})
			return err
		},
		func() (err error) {
			e.store, err = duckdb.Open(duckdb.Options{
				Path: e.cfg.Path("events.duckdb"), MemoryLimit: e.cfg.Store.MemoryBytes(), Threads: e.cfg.Store.Threads, Log: e.logger,
				ProvenElsewhere: provenElsewhere(e.cfg.Archive.To != "", false),
			})
			return err
		},
	)...)
}

func (e *embedded) accounts() *account.Store { return e.users }

func (e *embedded) door(o *collect.Options) error {
	o.Sink, o.Sessions = e.log, e.sessions
	return nil
}

func (e *embedded) questions(o *query.Options) {
	source := e.store.Source()
	o.Source, o.Catalog = source, source
	o.FreshAt = func(string) int64 { return e.freshAt(context.Background()) }
}

func (e *embedded) serving(o *api.Options, door *collect.Handler) {
	o.Erasures = &erasures{door: door, store: e.store, logMillis: logMillis(e.cfg), settle: func(ctx context.Context) error {
		if err := e.flush(ctx); err != nil {
			return err
		}
		return e.store.VerifyErasures(ctx)
	}}
	o.Live, o.SiteStatus, o.Auditor = e.hub, statusForAPI{e.store}, auditorForAPI{e}
	o.Migrator = &migrator{embedded: e}
	o.Exporter = e.exports
}

// tasks are the role process; the others need none.
func (e *embedded) tasks() []task {
	if !e.cfg.Runs("process") {
		return nil
	}
	tasks := []task{e.restoreAndProcess, e.hub.Run, e.tellLog, e.maintain, e.prove}
	if e.cfg.Archive.To != "" {
		tasks = append(tasks, e.exports.nightly)
	}
	return tasks
}

// logMillis is how long a log keeps what it was given: retention removes it by the hour, and by whole groups.
func logMillis(cfg config.Config) int64 { return int64(cfg.Log.RetentionDays+1) * event.DayMillis }

func (e *embedded) flush(ctx context.Context) error { return e.processor.Flush(ctx) }

func (e *embedded) failed() <-chan error { return e.broken }

// Close closes what is open, the last opened first.
func (e *embedded) Close() error {
	var errs []error
	if e.log != nil {
		errs = append(errs, e.log.Close())
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	if e.users != nil {
		errs = append(errs, e.users.Close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}

// restoreAndProcess gives the live view its last half hour back before new events come on top.
func (e *embedded) restoreAndProcess(ctx context.Context) error {
	if err := e.hub.Restore(ctx, e.store); err != nil {
		e.logger.Warn("the live view starts empty", "error", err)
	}
	if err := e.processor.Run(ctx); err != nil {
		return fmt.Errorf("processing has stopped: %w", err)
	}
	return nil
}

// freshAt returns a time (ms) before which every acknowledged event is in the store: now when nothing waits in the log.
func (e *embedded) freshAt(ctx context.Context) int64 {
	now := time.Now().UnixMilli() // before the end is read: what is acknowledged later is not promised
	if end, err := e.log.End(ctx, eventlog.RawEvents, 0); err == nil && e.processor.Position() >= end {
		e.fresh.Store(now)
	}
	return e.fresh.Load()
}

// tellLog lets the log's retention know what the store has. The store's own offset is the truth: this one may lag.
func (e *embedded) tellLog(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	told := int64(-1)
	for {
		e.freshAt(ctx)
		if position := e.processor.Position(); position > told {
			if err := e.log.Commit(ctx, consumer, eventlog.RawEvents, 0, position); err != nil && !errors.Is(err, context.Canceled) {
				e.logger.Warn("cannot tell the log what the store has", "error", err)
			} else {
				told = position
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// maintain keeps the store in order.
func (e *embedded) maintain(ctx context.Context) error {
	return e.store.Run(ctx, sitesForStore{e.users, e.cfg.Store.RetentionMonths})
}

func (e *embedded) watch(m *obs.Registry) {
	if e.cfg.Archive.To != "" {
		e.exports.watch(m)
	}
	m.Gauge("footfall_processor_lag_records", "Records of the log that the store does not have yet.", nil, e.lag)
}

func (e *embedded) lag() float64 {
	end, err := e.log.End(context.Background(), eventlog.RawEvents, 0)
	if err != nil {
		return -1
	}
	return float64(end - e.processor.Position())
}

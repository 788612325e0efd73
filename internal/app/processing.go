package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// processing is what runs behind the door: log to store, store to rollups, windows to watchers.
type processing struct {
	once   sync.Once
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	failed chan error // the first failure that is no end
}

// startProcessing starts the role process once; stop ends it.
func (a *App) startProcessing(ctx context.Context) {
	a.processing.once.Do(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		a.processing.cancel = cancel
		a.processing.failed = make(chan error, 4)
		a.processing.run(ctx, a.restoreAndProcess)
		a.processing.run(ctx, a.hub.Run)
		a.processing.run(ctx, a.tellLog)
		a.processing.run(ctx, a.maintain)
		a.processing.run(ctx, a.door.Run)
		a.processing.run(ctx, rest)
	})
}

func (p *processing) run(ctx context.Context, task func(context.Context) error) {
	p.tasks.Go(func() {
		if err := task(ctx); err != nil && ctx.Err() == nil {
			p.failed <- err
		}
	})
}

func (p *processing) stop() {
	if p.cancel != nil {
		p.cancel()
		p.tasks.Wait()
	}
}

// restoreAndProcess gives the live view its last half hour back before new events come on top.
func (a *App) restoreAndProcess(ctx context.Context) error {
	if err := a.hub.Restore(ctx, a.store); err != nil {
		a.logger.Warn("the live view starts empty", "error", err)
	}
	return a.processor.Run(ctx)
}

// freshness is the last moment at which the store had all that was acknowledged.
type freshness struct{ at atomic.Int64 }

// freshAt returns a time (ms) before which every acknowledged event is in the store: now when nothing waits in the log.
func (a *App) freshAt(ctx context.Context) int64 {
	now := time.Now().UnixMilli() // before the end is read: what is acknowledged later is not promised
	if end, err := a.log.End(ctx, eventlog.RawEvents, 0); err == nil && a.processor.Position() >= end {
		a.freshness.at.Store(now)
	}
	return a.freshness.at.Load()
}

// tellLog lets the log's retention know what the store has. The store's own offset is the truth: this one may lag.
func (a *App) tellLog(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	told := int64(-1)
	for {
		a.freshAt(ctx)
		if position := a.processor.Position(); position > told {
			if err := a.log.Commit(ctx, consumer, eventlog.RawEvents, 0, position); err != nil && !errors.Is(err, context.Canceled) {
				a.logger.Warn("cannot tell the log what the store has", "error", err)
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

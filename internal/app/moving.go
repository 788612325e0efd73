package app

import (
	"context"
	"sync"
)

// moving is what runs beside the listeners: the tasks of the parts, and housekeeping.
type moving struct {
	once   sync.Once
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	failed chan error // the first failure that is no end
}

// move starts the tasks once; moving.stop ends them.
func (a *App) move(ctx context.Context) {
	m := &a.moving
	m.once.Do(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		m.cancel = cancel
		m.failed = make(chan error, 4)
		for _, t := range a.parts.tasks() {
			m.run(ctx, t)
		}
		m.run(ctx, a.door.Run)
		m.run(ctx, rest)
		if a.limited {
			m.run(ctx, breathe)
		}
	})
}

func (m *moving) run(ctx context.Context, t task) {
	m.tasks.Go(func() {
		if err := t(ctx); err != nil && ctx.Err() == nil {
			select {
			case m.failed <- err:
			default: // one is enough to end the process
			}
		}
	})
}

func (m *moving) stop() {
	if m.cancel != nil {
		m.cancel()
		m.tasks.Wait()
	}
}

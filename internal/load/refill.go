package load

import (
	"context"
	"log/slog"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// Refill puts events that did not come by the log into an empty store: with their sessions, and with the ledger's received and stored.
// It is for one goroutine; a store whose refill has failed must be thrown away.
type Refill struct {
	processor *Processor
	step      *step
	// Events counts what was added.
	Events int64
}

// NewRefill returns a refill of a store that holds nothing.
func NewRefill(to Store, logger *slog.Logger) *Refill {
	p := New(Options{Store: to, Logger: logger})
	p.sessions = stream.NewSessions(p.options.MaxKeys, stream.NothingStored)
	return &Refill{processor: p, step: newStep()}
}

// Add takes an event, in any order. It must not be a duplicate. Its texts must stay until Finish.
func (r *Refill) Add(ctx context.Context, e *event.Event) error {
	s := r.step
	s.events = append(s.events, *e)
	minute := event.Minute(e.ReceivedAt)
	s.ledger.add(e.WebsiteID, minute, event.Received, "", 1)
	s.ledger.add(e.WebsiteID, minute, event.Stored, "", 1)
	r.Events++
	if len(s.events) < r.processor.options.MaxBatchEvents {
		return nil
	}
	return r.flush(ctx)
}

func (r *Refill) flush(ctx context.Context) error {
	s := r.step
	s.next++ // positions of their own until Finish: an error of a commit is judged by them
	if err := r.processor.commit(ctx, s); err != nil {
		return err
	}
	s.reset()
	return nil
}

// Finish stores what is held, and the offset of the log at which the store goes on.
func (r *Refill) Finish(ctx context.Context, next int64) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.processor.options.Store.Commit(ctx, &store.Batch{Next: next})
}

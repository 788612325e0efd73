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
}

// NewRefill returns a refill of a store that holds nothing. next is the offset of the log at which the store goes on.
func NewRefill(to Store, next int64, logger *slog.Logger) *Refill {
	p := New(Options{Store: to, Logger: logger})
	p.sessions = stream.NewSessions(p.options.MaxKeys, stream.NothingStored)
	r := &Refill{processor: p, step: newStep()}
	r.step.next = next
	return r
}

// Add takes an event, in any order. It must not be a duplicate. Its texts must stay until Finish.
func (r *Refill) Add(ctx context.Context, e *event.Event) error {
	s := r.step
	s.events = append(s.events, *e)
	minute := event.Minute(e.ReceivedAt)
	s.ledger.add(e.WebsiteID, minute, event.Received, "", 1)
	s.ledger.add(e.WebsiteID, minute, event.Stored, "", 1)
	if len(s.events) < r.processor.options.MaxBatchEvents {
		return nil
	}
	return r.flush(ctx)
}

// Finish stores what is held, and where the log goes on even if nothing was added.
func (r *Refill) Finish(ctx context.Context) error { return r.flush(ctx) }

// flush stores the step. Every step has the same position, so a commit is tried once: whether it took place could not be told.
func (r *Refill) flush(ctx context.Context) error {
	s, p := r.step, r.processor
	if err := p.applySessions(ctx, s.events); err != nil {
		return err
	}
	p.settle()
	batch := &store.Batch{Events: s.events, Withdrawals: p.changes.Withdrawals, Sessions: p.changes.Upserts, Ledger: s.ledger.sorted(), Next: s.next}
	if err := p.options.Store.Commit(ctx, batch); err != nil {
		return err
	}
	s.reset()
	return nil
}

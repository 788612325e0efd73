package load

import (
	"context"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// commit takes a settled step through the session operator into the store and tells everybody. When it fails, Run ends
// and the operator's state goes with it: it is ahead of the store then.
func (p *Processor) commit(ctx context.Context, s *step) error {
	if err := p.applySessions(ctx, s.events); err != nil {
		return err
	}
	batch := &store.Batch{
		Events: s.events, Offsets: s.kept, Withdrawals: p.changes.Withdrawals, Sessions: p.changes.Upserts,
		Ledger: s.ledger.sorted(), Failed: s.failed, Next: s.next,
	}
	if s.empty() { // ticks alone: to read them again costs nothing
		p.progress.reach(s.next, s.tick)
		return nil
	}
	if err := p.options.FailPoint(PointCommitting); err != nil {
		return err
	}
	if err := p.retry(ctx, "commit to the store", func() error { return p.tryCommit(ctx, batch) }); err != nil {
		return err
	}
	if err := p.options.FailPoint(PointCommitted); err != nil {
		return err
	}
	if p.options.Live != nil && len(s.events) > 0 {
		p.options.Live.Apply(s.events)
	}
	p.progress.reach(s.next, s.tick)
	return nil
}

// tryCommit commits the batch unless the store has it already, which an earlier try's error may have hidden.
func (p *Processor) tryCommit(ctx context.Context, batch *store.Batch) error {
	commitErr := p.options.Store.Commit(ctx, batch)
	if commitErr == nil {
		return nil
	}
	if position, err := p.options.Store.Position(ctx); err == nil && position == batch.Next {
		return nil
	}
	return commitErr
}

func (p *Processor) applySessions(ctx context.Context, events []event.Event) error {
	p.changes.Upserts, p.changes.Withdrawals = p.changes.Upserts[:0], p.changes.Withdrawals[:0]
	err := p.retry(ctx, "read the history of sessions", func() error {
		missing := p.sessions.Missing(events)
		if len(missing) == 0 {
			return nil
		}
		spans := slices.Grow([]store.Span(nil), len(missing))
		for _, span := range missing {
			spans = append(spans, store.Span(span))
		}
		return p.options.Store.SessionEvents(ctx, spans, p.sessions.Load)
	})
	if err != nil {
		return err
	}
	p.sessions.Apply(events, &p.changes)
	return nil
}

package load

import (
	"context"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// commit takes a settled step into the store and tells everybody. The erasure at its end is a transaction of its own: a kill
// between the two makes it the first record of the next run.
func (p *Processor) commit(ctx context.Context, s *step) error {
	if s.erasure == nil {
		return p.commitEvents(ctx, s)
	}
	next := s.next
	s.next--
	if err := p.commitEvents(ctx, s); err != nil {
		return err
	}
	s.next = next
	return p.erase(ctx, s)
}

// commitEvents takes the events of a step through the session operator into the store. When it fails, Run ends
// and the operator's state goes with it: it is ahead of the store then.
func (p *Processor) commitEvents(ctx context.Context, s *step) error {
	if err := p.applySessions(ctx, s.events); err != nil {
		return err
	}
	batch := &store.Batch{
		Events: s.events, Offsets: s.kept, Withdrawals: p.changes.Withdrawals, Sessions: p.changes.Upserts,
		Ledger: s.ledger.sorted(), Failed: s.failed, Next: s.next,
	}
	if s.empty() && s.erasure != nil { // its transaction sets the position
		return nil
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

// erase applies the erasure at the end of a step.
func (p *Processor) erase(ctx context.Context, s *step) error {
	if err := p.options.FailPoint(PointErasing); err != nil {
		return err
	}
	var erasing store.Erasing
	all := s.erasure.Scope == event.EraseSite
	err := p.retry(ctx, "erase from the store", func() (err error) {
		erasing, err = p.options.Store.Erase(ctx, s.erasure, s.next, stream.SessionsOf)
		if err == nil {
			return nil
		}
		if position, asked := p.options.Store.Position(ctx); asked == nil && position == s.next {
			all = true // it was applied, and which keys it touched is not known
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := p.options.FailPoint(PointErased); err != nil {
		return err
	}
	p.dropSessions(s.erasure.WebsiteID, erasing.Keys, all)
	p.options.Erased(ctx, s.erasure, erasing.Keys)
	p.options.Logger.Info("an erasure was applied", "id", s.erasure.ID, "site", s.erasure.WebsiteID, "scope", s.erasure.Scope)
	p.progress.reach(s.next, s.tick)
	return nil
}

// dropSessions makes the operator forget the keys that lost events, or all of the site.
func (p *Processor) dropSessions(websiteID string, keys []event.SessionKey, all bool) {
	lost := make(map[event.SessionKey]bool, len(keys))
	for _, key := range keys {
		lost[key] = true
	}
	p.sessions.Drop(func(key event.SessionKey) bool { return key.WebsiteID == websiteID && (all || lost[key]) })
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

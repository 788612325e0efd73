package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// A backlog goes into the store in transactions of several steps: sessions that every step prolongs are then written once.
const (
	// maxStaged is how many steps one transaction takes before its last one.
	maxStaged = 15
	// maxStagedKeys bounds the sessions that it writes at its end.
	maxStagedKeys = 30_000
	// maxStagedTime bounds how long what is read can stay unseen, and other writers wait.
	maxStagedTime = 4 * time.Second
)

// staging is what the steps since the last commit have left in the store's open transaction.
type staging struct {
	store store.Stager // nil: the store has none
	steps int
	next  int64 // Next of the last of them
	tick  int64
	since time.Time
	// lost says that a transaction has failed with what was staged in it. Until a commit succeeds each step is one: a step can be
	// retried, what is staged cannot.
	lost bool
}

// errLost says that staged steps are not in the store: they must be read again.
var errLost = errors.New("the steps staged before are lost")

// take takes a settled step into the store and tells everybody. The erasure at its end is a transaction of its own: a kill
// between the two makes it the first record of the next run.
func (p *Processor) take(ctx context.Context, s *step) error {
	if s.erasure == nil {
		return p.takeEvents(ctx, s)
	}
	next := s.next
	s.next--
	if err := p.takeEvents(ctx, s); err != nil {
		return err
	}
	s.next = next
	return p.erase(ctx, s)
}

// takeEvents takes the events of a step through the session operator into the store, or into its open transaction. When it fails,
// the operator's state is ahead of the store.
func (p *Processor) takeEvents(ctx context.Context, s *step) error {
	if s.empty() && p.staging.steps == 0 && s.erasure != nil { // its transaction sets the position
		return nil
	}
	if s.empty() && p.staging.steps == 0 { // ticks alone: to read them again costs nothing
		p.progress.reach(s.next, s.tick)
		return nil
	}
	if err := p.applySessions(ctx, s.events); err != nil {
		return err
	}
	batch := &store.Batch{Events: s.events, Offsets: s.kept, Ledger: s.ledger.sorted(), Failed: s.failed, Next: s.next}
	if p.stages(s) {
		return p.stage(ctx, s, batch)
	}
	if err := p.commit(ctx, batch); err != nil {
		return err
	}
	p.show(s)
	p.progress.reach(s.next, max(s.tick, p.staging.tick))
	return nil
}

// stages reports whether the step is to be followed by others in the same transaction.
func (p *Processor) stages(s *step) bool {
	st := &p.staging
	return st.store != nil && !st.lost && !s.atEnd && s.erasure == nil && st.steps < maxStaged && p.sessions.Unsettled() < maxStagedKeys &&
		(st.steps == 0 || time.Since(st.since) < maxStagedTime)
}

func (p *Processor) stage(ctx context.Context, s *step, batch *store.Batch) error {
	st := &p.staging
	if st.steps == 0 {
		st.since = time.Now()
	}
	if err := st.store.Stage(ctx, batch); err != nil {
		return p.lose(ctx, err)
	}
	st.steps++
	st.next, st.tick = s.next, max(st.tick, s.tick)
	p.show(s)
	return p.options.FailPoint(PointStaged)
}

// lose makes Run read again what was staged.
func (p *Processor) lose(ctx context.Context, err error) error {
	p.staging.lost = true
	if ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

// show tells the live view. Steps that are read again have been shown.
func (p *Processor) show(s *step) {
	if p.options.Live == nil {
		return
	}
	from, _ := slices.BinarySearch(s.kept, p.shown)
	if from < len(s.events) {
		p.options.Live.Apply(s.events[from:])
	}
	p.shown = max(p.shown, s.next)
}

// commit stores the batch, what is staged, and the sessions of both.
func (p *Processor) commit(ctx context.Context, batch *store.Batch) error {
	p.settle()
	batch.Withdrawals, batch.Sessions = p.changes.Withdrawals, p.changes.Upserts
	if err := p.options.FailPoint(PointCommitting); err != nil {
		return err
	}
	var err error
	if p.staging.steps > 0 {
		if err = p.tryCommit(ctx, batch); err != nil {
			return p.lose(ctx, err)
		}
	} else if err = p.retry(ctx, "commit to the store", func() error { return p.tryCommit(ctx, batch) }); err != nil {
		return err
	}
	p.staging.steps, p.staging.lost = 0, false
	return p.options.FailPoint(PointCommitted)
}

// settle finds out what the events since the last commit did to the sessions.
func (p *Processor) settle() {
	p.changes.Upserts, p.changes.Withdrawals = p.changes.Upserts[:0], p.changes.Withdrawals[:0]
	p.sessions.Settle(&p.changes)
}

// commitStaged ends the open transaction with the steps that are in it.
func (p *Processor) commitStaged(ctx context.Context) error {
	if err := p.commit(ctx, &store.Batch{Next: p.staging.next}); err != nil {
		return err
	}
	p.progress.reach(p.staging.next, p.staging.tick)
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

// applySessions tells the operator of the events, with what it asks of the history. That is what the store shows: what is staged of
// the same keys is committed first.
func (p *Processor) applySessions(ctx context.Context, events []event.Event) error {
	missing, settled := p.sessions.Missing(events)
	if !settled {
		if err := p.commitStaged(ctx); err != nil {
			return err
		}
		missing, _ = p.sessions.Missing(events)
	}
	history := func() error {
		if len(missing) == 0 {
			return nil
		}
		spans := slices.Grow([]store.Span(nil), len(missing))
		for _, span := range missing {
			spans = append(spans, store.Span(span))
		}
		err := p.options.Store.SessionEvents(ctx, spans, p.sessions.Load)
		if err != nil {
			missing, _ = p.sessions.Missing(events) // forgets what was loaded
		}
		return err
	}
	err := history()
	if err != nil && p.staging.steps > 0 {
		return p.lose(ctx, err) // what is staged may be what leaves the store no room
	}
	if err != nil {
		err = p.retry(ctx, "read the history of sessions", history)
	}
	if err != nil {
		return err
	}
	p.sessions.Apply(events)
	return nil
}

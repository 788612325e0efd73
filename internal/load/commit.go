package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
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

// take takes a step through the session operator into the store, or into its open transaction. When it fails, the operator's state
// is ahead of the store.
func (p *Processor) take(ctx context.Context, s *step) error {
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
	return st.store != nil && !st.lost && !s.atEnd && st.steps < maxStaged && p.sessions.Unsettled() < maxStagedKeys &&
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
	p.changes.Upserts, p.changes.Withdrawals = p.changes.Upserts[:0], p.changes.Withdrawals[:0]
	p.sessions.Settle(&p.changes)
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
	err := p.retry(ctx, "read the history of sessions", func() error {
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
	})
	if err != nil {
		return err
	}
	p.sessions.Apply(events)
	return nil
}

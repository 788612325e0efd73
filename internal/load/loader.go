package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Ranges keeps, durably, what loaders have done and are about to do.
type Ranges interface {
	// Progress returns what was committed last, zeros when nothing was.
	Progress(ctx context.Context, claim eventlog.Claim) (eventlog.Progress, error)
	// Commit must fail with eventlog.ErrFenced, and change nothing, when the claim has gone.
	Commit(ctx context.Context, claim eventlog.Claim, p eventlog.Progress) error
}

// Insert puts entries into a store. The same token always comes with the same entries; the second time they change nothing.
type Insert func(ctx context.Context, token string, entries []eventlog.Entry) error

// LoaderOptions of a Loader. Log, Ranges and Inserts are needed.
type LoaderOptions struct {
	Log     eventlog.Reader
	Ranges  Ranges
	Inserts map[eventlog.Topic]Insert

	MaxEntries int           // of one insert; 0: 50,000
	MaxBytes   int           // about how many bytes of records; 0: 32 MiB
	Interval   time.Duration // between the starts of two inserts, unless an insert's worth of records has come before; 0: 1 s
	AtOnce     int           // ranges that are held in memory at once, of all partitions; 0: no limit
	Logger     *slog.Logger
	// FailPoint is called at the named points; an error ends Run there, as a kill would. For tests.
	FailPoint func(name string) error
}

// The points at which a kill of a loader is tried.
const (
	PointRangeBegun    = "range begun"    // the range is noted, nothing of it is in the store
	PointRangeInserted = "range inserted" // the store has it, nobody else knows
)

// Loader takes topics to a store without transactions, each record once: docs/format/topics.md, "Ranges". Its methods are safe for
// concurrent use; Run is called once for each claim.
type Loader struct {
	options LoaderOptions
	// Taken counts entries, Failing the partitions that cannot go on at present.
	Taken, Failing atomic.Int64
	// Faults counts how often a partition began to fail.
	Faults atomic.Int64
	turns  chan struct{} // a place for each range that may be held; nil: no limit
}

// NewLoader returns a loader that has not begun.
func NewLoader(o LoaderOptions) *Loader {
	if o.MaxEntries <= 0 {
		o.MaxEntries = 50_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 32 << 20
	}
	if o.Interval <= 0 {
		o.Interval = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.FailPoint == nil {
		o.FailPoint = func(string) error { return nil }
	}
	l := &Loader{options: o}
	if o.AtOnce > 0 {
		l.turns = make(chan struct{}, o.AtOnce)
	}
	return l
}

// Run loads a partition until ctx ends or the claim is lost; the error says which.
func (l *Loader) Run(ctx context.Context, claim eventlog.Claim) error {
	insert, ok := l.options.Inserts[claim.Topic]
	if !ok {
		return fmt.Errorf("cannot load topic %q: there is nowhere to put it", claim.Topic)
	}
	p := &partitionLoad{Loader: l, claim: claim, insert: insert}
	err := p.retry(ctx, "read how far it is", func() (err error) {
		p.Progress, err = l.options.Ranges.Progress(ctx, claim)
		return err
	})
	p.noted = p.Progress
	for err == nil {
		err = p.step(ctx)
	}
	return fmt.Errorf("cannot load partition %d of topic %q: %w", claim.Partition, claim.Topic, err)
}

// partitionLoad is the state of one partition.
type partitionLoad struct {
	*Loader
	claim  eventlog.Claim
	insert Insert
	eventlog.Progress
	noted eventlog.Progress // what was committed last
	began time.Time
}

func (p *partitionLoad) retry(ctx context.Context, what string, try func() error) error {
	fault := func(change int, _ string) {
		p.Failing.Add(int64(change))
		p.Faults.Add(int64(max(change, 0)))
	}
	return retry(ctx, p.options.Logger.With("topic", p.claim.Topic, "partition", p.claim.Partition), what, fault, try)
}

// step takes one range.
func (p *partitionLoad) step(ctx context.Context) error {
	if p.To == p.Next { // else a range is under way
		if err := p.wait(ctx); err != nil {
			return err
		}
	}
	entries, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.release()
	if err := p.options.FailPoint(PointRangeBegun); err != nil {
		return err
	}
	p.began = time.Now()
	token := fmt.Sprintf("%s-%d-%d-%d", p.claim.Topic, p.claim.Partition, p.Next, p.To)
	if err := p.retry(ctx, "insert "+token, func() error { return p.insert(ctx, token, entries) }); err != nil {
		return err
	}
	if err := p.options.FailPoint(PointRangeInserted); err != nil {
		return err
	}
	p.Taken.Add(int64(len(entries)))
	p.Next, p.Fresh = p.To, max(p.Fresh, lastTick(entries))
	return nil
}

// lastTick returns the latest time that a tick among the entries tells, 0 without one.
func lastTick(entries []eventlog.Entry) int64 {
	for i := len(entries) - 1; i >= 0; i-- {
		var tick event.Tick
		if event.RecordKind(entries[i].Value) == event.KindTick && tick.DecodeTick(entries[i].Value) == nil {
			return tick.At
		}
	}
	return 0
}

// take returns the entries of a range that is begun: the one that was under way, or the next. Without an error they are held until release.
func (p *partitionLoad) take(ctx context.Context) (entries []eventlog.Entry, err error) {
	what, to, most := "read a begun range again", p.To, 0
	if p.To == p.Next {
		what, to, most = "read", 0, p.options.MaxEntries
	}
	err = p.retry(ctx, what, func() error {
		entries, err = p.readInTurn(ctx, to, most)
		return err
	})
	if err != nil || to > 0 {
		return entries, err
	}
	p.To = entries[len(entries)-1].Offset + 1
	if err := p.note(ctx); err != nil {
		p.release()
		return nil, err
	}
	return entries, nil
}

// readInTurn is read by one of those who may hold entries. A partition that cannot be read keeps no other from it.
func (p *partitionLoad) readInTurn(ctx context.Context, to int64, most int) ([]eventlog.Entry, error) {
	if p.turns != nil {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case p.turns <- struct{}{}:
		}
	}
	entries, err := p.read(ctx, to, most)
	if err != nil {
		p.release()
	}
	return entries, err
}

func (p *partitionLoad) release() {
	if p.turns != nil {
		<-p.turns
	}
}

// wait returns when there is something to take and the interval is over. What was taken is noted before a wait for more.
func (p *partitionLoad) wait(ctx context.Context) error {
	if err := p.gather(ctx); err != nil {
		return err
	}
	for seen := p.Next; ; {
		end := seen
		err := p.retry(ctx, "look ahead", func() (err error) {
			end, err = p.options.Log.End(ctx, p.claim.Topic, p.claim.Partition) // before the read: what comes after it is waited for
			return err
		})
		if err != nil {
			return err
		}
		if more, err := p.ahead(ctx); err != nil || more {
			return err
		}
		if err := p.note(ctx); err != nil {
			return err
		}
		seen = max(seen, end) // gaps may stand before the end of a log with transactions
		if err := p.retry(ctx, "wait", func() error { return p.options.Log.Wait(ctx, p.claim.Topic, p.claim.Partition, seen) }); err != nil {
			return err
		}
	}
}

// gatherStep is how often a long interval looks whether it may end early.
const gatherStep = time.Second

// gather lets the interval pass, or an insert's worth of records come. What it reads on the way it only counts: what waits in the
// log needs no memory here.
func (p *partitionLoad) gather(ctx context.Context) error {
	at, bytes, count := p.Next, 0, 0
	for {
		rest := p.options.Interval - time.Since(p.began)
		if rest <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(rest, gatherStep)):
		}
		if rest <= gatherStep {
			return nil
		}
		for more := true; more; {
			entries, err := p.options.Log.Read(ctx, p.claim.Topic, p.claim.Partition, at, gatherBytes)
			if err != nil {
				break // whoever reads to insert will say it
			}
			for _, e := range entries {
				at, bytes, count = e.Offset+1, bytes+len(e.Value), count+1
			}
			if bytes >= p.options.MaxBytes || count >= p.options.MaxEntries {
				return nil
			}
			more = len(entries) > 0
		}
	}
}

// gatherBytes is how much is counted at once.
const gatherBytes = 4 << 20

// note commits what is done and what is about to be.
func (p *partitionLoad) note(ctx context.Context) error {
	if p.noted == p.Progress {
		return nil
	}
	err := p.retry(ctx, "note how far it is", func() error { return p.options.Ranges.Commit(ctx, p.claim, p.Progress) })
	if err == nil {
		p.noted = p.Progress
	}
	return err
}

// ahead reports whether a record stands at or behind next: a log with transactions has gaps at its end.
func (p *partitionLoad) ahead(ctx context.Context) (more bool, err error) {
	return more, p.retry(ctx, "look ahead", func() error {
		entries, err := p.readOnce(ctx, p.Next, 1)
		more = len(entries) > 0
		return err
	})
}

// read returns the entries from next up to the offset to, or to 0: as many as an insert takes.
func (p *partitionLoad) read(ctx context.Context, to int64, most int) (entries []eventlog.Entry, err error) {
	at, bytes := p.Next, 0
	for {
		more, err := p.readOnce(ctx, at, p.options.MaxBytes-bytes)
		if err != nil {
			return nil, err
		}
		for _, e := range more {
			if (to > 0 && e.Offset >= to) || (to == 0 && len(entries) == most) {
				return entries, nil
			}
			entries, at, bytes = append(entries, e), e.Offset+1, bytes+len(e.Value)
		}
		switch {
		case to > 0 && at >= to:
			return entries, nil
		case to > 0 && len(more) == 0:
			return nil, fmt.Errorf("the log ends at %d, within the range that was begun to %d", at, to)
		case to == 0 && (len(more) == 0 || bytes >= p.options.MaxBytes):
			return entries, nil
		}
	}
}

// readOnce reads on behind what retention has removed, if need be: that is lost, and said.
func (p *partitionLoad) readOnce(ctx context.Context, at int64, maxBytes int) ([]eventlog.Entry, error) {
	entries, err := p.options.Log.Read(ctx, p.claim.Topic, p.claim.Partition, at, maxBytes)
	var trimmed *eventlog.TrimmedError
	if errors.As(err, &trimmed) && trimmed.First > at && p.To <= p.Next {
		p.options.Logger.Error("the log has lost records before they were loaded", "topic", p.claim.Topic, "partition", p.claim.Partition, "from", at, "to", trimmed.First)
		p.Next, p.To = trimmed.First, trimmed.First
		return p.options.Log.Read(ctx, p.claim.Topic, p.claim.Partition, trimmed.First, maxBytes)
	}
	return entries, err
}

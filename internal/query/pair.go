package query

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// EventStore is the Source and Catalog of one engine.
type EventStore interface {
	Source
	Catalog
}

// PairOptions are what a Pair is made of. Events, Rollups, Ready and Clock are needed.
type PairOptions struct {
	Events  EventStore // answers all views but those of the rollups by the minute
	Rollups Source
	// Ready returns nil when the rollups answer. It is asked again and again while they do not.
	Ready func(ctx context.Context) error
	Clock func() time.Time
	// Patience is how long the rollups may take for a query before events are read in their place. Default 10 s.
	Patience time.Duration
	// Retry is the pause between two askings of Ready, and the most that one of them takes. Default 3 s.
	Retry  time.Duration
	Logger *slog.Logger // nil: slog.Default()
}

// Pair answers queries from two engines: each part goes to the engine of its view, all at the same time. When the rollups fail, it says so
// by an AwayError, and its facts by Facts.Away until they are ready again. It is safe for concurrent use and has nothing to close.
type Pair struct {
	EventStore
	opts PairOptions

	mu    sync.Mutex
	away  string // why the rollups are not asked; "" when they are
	asked time.Time
	asks  bool // Ready is running
}

var (
	_ Source  = (*Pair)(nil)
	_ Stepper = (*Pair)(nil)
	_ Namer   = (*Pair)(nil)
	_ Catalog = (*Pair)(nil)
)

// NewPair returns the two engines as one.
func NewPair(opts PairOptions) *Pair {
	if opts.Patience == 0 {
		opts.Patience = 10 * time.Second
	}
	if opts.Retry == 0 {
		opts.Retry = 3 * time.Second
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	return &Pair{EventStore: opts.Events, opts: opts}
}

// Facts implements Catalog.
func (p *Pair) Facts(websiteID string, from, to int64, days []int64) Facts {
	facts := p.EventStore.Facts(websiteID, from, to, days)
	facts.Away = p.Away()
	return facts
}

// Away returns why the rollups are not asked now, "" when they are. It asks them again when it is time to; nobody waits for that.
func (p *Pair) Away() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away != "" && !p.asks && p.opts.Clock().Sub(p.asked) >= p.opts.Retry {
		p.ask()
	}
	return p.away
}

// ask finds out whether the rollups are back. The lock is held.
func (p *Pair) ask() {
	p.asks, p.asked = true, p.opts.Clock()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), p.opts.Retry)
		defer cancel()
		err := p.opts.Ready(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asks, p.asked = false, p.opts.Clock()
		if err == nil {
			p.away = ""
			p.opts.Logger.Info("the rollups are asked again")
		}
	}()
}

// fail takes the rollups out of use for a pause at least, and until they are ready.
func (p *Pair) fail(why string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away == "" {
		p.opts.Logger.Warn("the rollups are not asked for now: events are read in their place", "error", err)
		p.asked = p.opts.Clock()
	}
	p.away = why
}

// Render implements Source.
func (p *Pair) Render(part *Part) (text string, args []any) { return p.source(part.View).Render(part) }

// Engine implements Namer.
func (p *Pair) Engine(view View) string {
	if named, ok := p.source(view).(Namer); ok {
		return named.Engine(view)
	}
	return ""
}

func (p *Pair) source(view View) Source {
	if view.ByMinute() {
		return p.opts.Rollups
	}
	return p.EventStore
}

// Run implements Source.
func (p *Pair) Run(ctx context.Context, parts []Part, yield func(part int, rows *Rows) error) error {
	return p.Steps(ctx, func() (next []Part) {
		next, parts = parts, nil
		return next
	}, yield)
}

// Steps implements Stepper. There is no snapshot: a part may see what was stored after another was read.
func (p *Pair) Steps(ctx context.Context, next func() []Part, yield func(part int, rows *Rows) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for parts := next(); len(parts) > 0; parts = next() {
		if err := p.sideBySide(ctx, parts, yield); err != nil {
			return err
		}
	}
	return nil
}

var errImpatient = errors.New("the rollups took too long")

// leg is some parts of a run, for one engine.
type leg struct {
	rollups bool
	at      []int // the parts' places in the run
	parts   []Part
}

func legsOf(parts []Part) (legs []leg) {
	both := [2]leg{{rollups: true}, {}}
	for i, part := range parts {
		of := &both[1]
		if part.View.ByMinute() {
			of = &both[0]
		}
		of.at, of.parts = append(of.at, i), append(of.parts, part)
	}
	for _, one := range both {
		if len(one.parts) > 0 {
			legs = append(legs, one)
		}
	}
	return legs
}

// sideBySide runs the parts of both engines at the same time; the first error ends all. The rollups have their time anew each time: they
// do not answer for how long the events took before.
func (p *Pair) sideBySide(ctx context.Context, parts []Part, yield func(part int, rows *Rows) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patient, stop := context.WithTimeoutCause(ctx, p.opts.Patience, errImpatient)
	defer stop()
	var turn sync.Mutex
	var wg sync.WaitGroup
	for _, l := range legsOf(parts) {
		wg.Go(func() {
			err := p.run(ctx, patient, &l, func(part int, rows *Rows) error {
				turn.Lock()
				defer turn.Unlock()
				return yield(part, rows)
			})
			if err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// run runs the parts of a leg.
func (p *Pair) run(ctx, patient context.Context, l *leg, yield func(part int, rows *Rows) error) error {
	var refused error // by yield: no fault of the source
	take := func(part int, rows *Rows) error {
		refused = yield(l.at[part], rows)
		return refused
	}
	if !l.rollups {
		return p.EventStore.Run(ctx, l.parts, take)
	}
	err := p.opts.Rollups.Run(patient, l.parts, take)
	late := errors.Is(context.Cause(patient), errImpatient)
	switch {
	case err == nil && !late:
		return nil
	case refused != nil:
		return refused
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return p.awayError(late, errors.Join(err, context.Cause(patient)))
}

func (p *Pair) awayError(late bool, err error) error {
	name := p.Engine(ViewPageViews)
	why := name + " cannot be asked"
	if late {
		why = fmt.Sprintf("%s did not answer within %s", name, p.opts.Patience)
	}
	p.fail(why, err)
	return &AwayError{Why: why, Cause: err}
}

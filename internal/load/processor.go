package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/local"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// Store is where events and sessions go.
type Store interface {
	store.Writer
	store.History
	store.Eraser
}

// SessionKeys is what a Store may offer beside: without it, each key is looked up once after a restart.
type SessionKeys interface {
	// SessionKeys calls yield for each key that has a stored event that forms sessions with timestamp >= from.
	SessionKeys(ctx context.Context, from int64, yield func(event.SessionKey)) error
}

// Dedupe says which events are duplicates. What it remembers must be durable when it returns, and the same ids at the
// same offsets must get the same answers when they are asked for again.
type Dedupe interface {
	Resolve(ctx context.Context, ids []local.DedupeKey) ([]bool, error)
}

// Live gets what has been committed, or is about to be.
type Live interface {
	// Apply must keep nothing of the events.
	Apply(events []event.Event)
	// SetAvailable says whether events reach Apply at present.
	SetAvailable(available bool, reason string)
}

// Options of a Processor. Log, Store and Dedupe are needed.
type Options struct {
	Log    eventlog.Reader
	Store  Store
	Dedupe Dedupe
	Live   Live // may be nil

	// Erased is told of an erasure that the store has applied, before anything behind it is processed. nil: nobody is.
	Erased func(ctx context.Context, e *event.Erasure, keys []event.SessionKey)

	Topic     eventlog.Topic // what is processed; "": raw_events
	Partition int32
	// Shared says that others write to the Store too: that it has no position of this log does not mean that it is empty.
	Shared bool

	MaxBatchEvents int           // how many events a step holds at most; 0: 24,576, a row group of the store
	MaxBatchBytes  int           // about how many bytes of records; 0: 16 MiB
	Tick           time.Duration // least time between the starts of two steps while there is no backlog; 0: 200 ms
	MaxKeys        int           // session keys held in memory; 0: the operator's default
	Now            func() time.Time
	Logger         *slog.Logger

	// FailPoint is called at the named points; an error ends Run there, as a kill would. For tests.
	FailPoint func(name string) error
}

// The points at which a kill is tried.
const (
	PointRead       = "read"       // records are decoded
	PointDeduped    = "deduped"    // the index of duplicates is synced
	PointStaged     = "staged"     // the step is in the store's open transaction
	PointCommitting = "committing" // the step is ready for the store
	PointCommitted  = "committed"  // the store has it, nobody else knows
	PointErasing    = "erasing"    // what stands before an erasure is stored
	PointErased     = "erased"     // the store has applied it, nobody else knows
)

func (o *Options) setDefaults() {
	if o.Topic == "" {
		o.Topic = eventlog.RawEvents
	}
	if o.MaxBatchEvents <= 0 {
		o.MaxBatchEvents = 24_576
	}
	if o.MaxBatchBytes <= 0 {
		o.MaxBatchBytes = 16 << 20
	}
	if o.Tick <= 0 {
		o.Tick = 200 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.FailPoint == nil {
		o.FailPoint = func(string) error { return nil }
	}
	if o.Erased == nil {
		o.Erased = func(context.Context, *event.Erasure, []event.SessionKey) {}
	}
}

// Processor runs the log through the operators into the store. Its methods are safe for concurrent use; Run may be called once.
type Processor struct {
	options  Options
	progress progress
	hurry    chan struct{} // a token: the next step need not wait for its tick
	sessions *stream.Sessions
	changes  stream.Changes
	staging  staging
	shown    int64          // offset behind what the live view has had
	erasures event.Erasures // the reader's, once it runs
	failing  sync.Mutex     // guards faults
	faults   int            // stages that are being retried
}

// New returns a processor that has not begun.
func New(options Options) *Processor {
	options.setDefaults()
	p := &Processor{options: options, hurry: make(chan struct{}, 1), progress: newProgress()}
	p.staging.store, _ = options.Store.(store.Stager)
	return p
}

// Run processes until ctx ends, the log is closed or a fail point says so; the error says which.
func (p *Processor) Run(ctx context.Context) error {
	err := p.run(ctx)
	if ctx.Err() == nil {
		p.fault(+1, "processing has ended")
	}
	p.progress.end(err)
	return err
}

// run processes from where the store stands, again whenever a transaction with staged steps is lost.
func (p *Processor) run(ctx context.Context) error {
	for {
		err := p.runOnce(ctx)
		if p.staging.store != nil {
			p.staging.store.Discard()
			p.staging.steps, p.staging.tick = 0, 0
		}
		if !errors.Is(err, errLost) || ctx.Err() != nil {
			return err
		}
		p.options.Logger.Error("processing goes back to what is stored", "error", err)
	}
}

func (p *Processor) runOnce(ctx context.Context) error {
	position, err := p.begin(ctx)
	if err != nil {
		return err
	}
	p.progress.reach(position, 0)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	free, ready := make(chan *step, 2), make(chan *step)
	free <- newStep()
	free <- newStep() // two: one is read while the other is committed
	read := make(chan error, 1)
	go func() {
		err := p.readSteps(ctx, position, free, ready)
		close(ready)
		read <- err
	}()
	for s := range ready {
		if err = p.take(ctx, s); err != nil {
			cancel(err)
			break
		}
		p.recycle(s, free)
	}
	for range ready { // lets the reader go
	}
	if readErr := <-read; err == nil {
		return readErr
	}
	return err
}

// recycle makes a committed step free again. When the log had no more, the memory of a backlog goes.
func (p *Processor) recycle(s *step, free chan *step) {
	atEnd, used := s.atEnd, len(s.events)
	if atEnd {
		clear(s.events)
	}
	s.reset()
	if atEnd {
		s.shrink(used)
		p.shrinkFree(free, used)
		if cap(p.changes.Upserts) > keepEvents {
			p.changes.Upserts = nil
		}
	}
	free <- s
}

// shrinkFree shrinks the steps that nobody has.
func (p *Processor) shrinkFree(free chan *step, used int) {
	for range cap(free) {
		select {
		case s := <-free:
			s.shrink(used)
			free <- s
		default:
			return
		}
	}
}

// knownMillis is how far back the keys are remembered after a restart: an event less than half an hour later than that
// needs its key looked up even when it is not among them.
const knownMillis = 3600 * 1000

// begin finds out where the store stands and makes the operators.
func (p *Processor) begin(ctx context.Context) (position int64, err error) {
	err = p.retry(ctx, "ask the store for its position", func() error {
		position, err = p.options.Store.Position(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	err = p.retry(ctx, "read the erasures", func() error {
		p.erasures = event.Erasures{}
		return p.options.Store.Erased(ctx, p.erasures.Add)
	})
	if err != nil {
		return 0, err
	}
	end, err := p.options.Log.End(ctx, p.options.Topic, p.options.Partition)
	if err != nil {
		return 0, fmt.Errorf("cannot ask the log for its end: %w", err)
	}
	if position > end {
		return 0, fmt.Errorf("cannot process: the store has seen the log up to %d, but the log ends at %d; they do not belong together", position, end)
	}
	if position == 0 && !p.options.Shared {
		p.sessions = stream.NewSessions(p.options.MaxKeys, stream.NothingStored)
		return 0, nil
	}
	p.sessions = stream.NewSessions(p.options.MaxKeys, stream.NothingKnown)
	return position, p.remember(ctx)
}

// remember tells the session operator which keys were active lately.
func (p *Processor) remember(ctx context.Context) error {
	source, ok := p.options.Store.(SessionKeys)
	if !ok {
		return nil
	}
	from := p.options.Now().UnixMilli() - knownMillis
	return p.retry(ctx, "read the latest session keys", func() (err error) {
		var keys []event.SessionKey
		if err = source.SessionKeys(ctx, from, func(key event.SessionKey) { keys = append(keys, key) }); err == nil {
			p.sessions.Remember(from, func(yield func(event.SessionKey)) {
				for _, key := range keys {
					yield(key)
				}
			})
		}
		return err
	})
}

// retry calls try until it succeeds; the live view says that it is behind meanwhile, and the log keeps what comes.
func (p *Processor) retry(ctx context.Context, what string, try func() error) error {
	return retry(ctx, p.options.Logger, what, p.fault, try)
}

// fault counts the stages that are being retried and tells the live view when there are any.
func (p *Processor) fault(change int, reason string) {
	p.failing.Lock()
	defer p.failing.Unlock()
	p.faults += change
	if p.options.Live != nil {
		p.options.Live.SetAvailable(p.faults == 0, reason)
	}
}

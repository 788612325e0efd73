package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Sink writes records of a topic into Redis. It must be safe for concurrent use by different partitions.
type Sink interface {
	// Write writes the batch. Writing it again, whole or cut differently, must change nothing. It keeps nothing of the batch.
	Write(ctx context.Context, batch Batch) error
	// Reset removes what could keep a partition from being written again from its beginning.
	Reset(ctx context.Context, partition int32) error
}

// Batch is what one Write gets.
type Batch struct {
	Partition int32
	Entries   []eventlog.Entry
	Now       int64 // ms
	Trim      int64 // position before which everything is older than the window
}

// ReplayOptions are what a Replay is made of. Client, Log, Topic, Partitions, Sink and Window are needed.
type ReplayOptions struct {
	Client *Client
	Log    eventlog.Reader
	Topic  eventlog.Topic
	// Partitions are those that this process writes when no other does: the first that comes takes each, and the next one takes it over
	// when that one has ended.
	Partitions []int32
	Sink       Sink
	// Window is how far back a lost Redis is written again.
	Window time.Duration
	// Linger is the pause between two batches when there is no backlog. Default 100 ms.
	Linger time.Duration
	// MaxBytes of one batch. Default 1 MiB.
	MaxBytes int
	Now      func() int64 // ms; nil: the machine's clock
	Logger   *slog.Logger // nil: none
}

// Counters are totals of a Replay, to be read at any time.
type Counters struct {
	Records, Batches, Errors, Rebuilds atomic.Int64
	WriteMicros                        atomic.Int64 // time that writing took
}

// Replay keeps the last window of a topic in Redis.
type Replay struct {
	options   ReplayOptions
	positions *positions
	counters  Counters
	upToDate  map[int32]*atomic.Int64 // by partition: latest time (ms) at which Redis had all of it; 0: not yet; notOwn: another process writes it
}

const notOwn = -1

// errLost says that Redis has lost what it had.
var errLost = errors.New("redis has lost what was written")

// retryPause is how long a partition rests after an error.
const retryPause = 500 * time.Millisecond

// checkEvery is how often a writer without work looks whether Redis still has everything.
const checkEvery = time.Second

// takeOverPause is how long a process waits before it writes a partition anew that it has not written before.
const takeOverPause = 2 * time.Second

// NewReplay returns a Replay that runs when Run is called.
func NewReplay(options ReplayOptions) *Replay {
	if options.Linger <= 0 {
		options.Linger = 100 * time.Millisecond
	}
	if options.MaxBytes <= 0 {
		options.MaxBytes = 1 << 20
	}
	if options.Now == nil {
		options.Now = func() int64 { return time.Now().UnixMilli() }
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Replay{options: options, positions: newPositions(options.Client), upToDate: make(map[int32]*atomic.Int64)}
	for _, partition := range options.Partitions {
		r.upToDate[partition] = new(atomic.Int64)
		r.upToDate[partition].Store(notOwn)
	}
	return r
}

// Counters returns the totals.
func (r *Replay) Counters() *Counters { return &r.counters }

// Topic returns what is followed.
func (r *Replay) Topic() eventlog.Topic { return r.options.Topic }

// UpToDate returns, for each partition that this process writes, the latest time (ms) at which Redis had all of it; 0: not since the
// start or the last loss.
func (r *Replay) UpToDate() map[int32]int64 {
	out := make(map[int32]int64, len(r.upToDate))
	for partition, at := range r.upToDate {
		if at := at.Load(); at != notOwn {
			out[partition] = at
		}
	}
	return out
}

// Standing is UpToDate, but 0 for partitions of which Redis has no position: it has been lost, and the follower does not know yet.
func (r *Replay) Standing(ctx context.Context) (map[int32]int64, error) {
	out := r.UpToDate()
	for partition := range out {
		_, found, err := r.positions.claim(ctx, r.options.Topic, partition)
		switch {
		case errors.Is(err, errTaken):
			delete(out, partition)
		case err != nil:
			return nil, err
		case !found:
			out[partition] = 0
		}
	}
	return out, nil
}

// Lag returns for how long (ms) that partition has not been up to date which is furthest behind of those that this process writes;
// since 1970 when it never was.
func (r *Replay) Lag() int64 {
	now, lag := r.options.Now(), int64(0)
	for _, at := range r.UpToDate() {
		lag = max(lag, now-at)
	}
	return lag
}

// Run follows the partitions until ctx ends. A Redis or a log that is away is waited for; each partition waits by itself.
func (r *Replay) Run(ctx context.Context) error {
	var partitions sync.WaitGroup
	for _, partition := range r.options.Partitions {
		partitions.Go(func() { r.keepFollowing(ctx, partition) })
	}
	partitions.Wait()
	return ctx.Err()
}

func (r *Replay) keepFollowing(ctx context.Context, partition int32) {
	defer r.positions.release(r.options.Topic, partition)
	failing := false
	for ctx.Err() == nil {
		f := &follower{Replay: r, partition: partition, upToDate: r.upToDate[partition]}
		err := f.follow(ctx, func() { failing = false })
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errLost):
			r.options.Logger.Warn("redis is written again", "topic", r.options.Topic, "partition", partition)
			continue
		case errors.Is(err, errTaken):
			f.upToDate.Store(notOwn)
			pause(ctx, checkEvery)
			continue
		}
		r.counters.Errors.Add(1)
		if !failing { // one line for each outage
			r.options.Logger.Error("redis cannot be written; it is tried again", "topic", r.options.Topic, "partition", partition, "error", err)
		}
		failing = true
		pause(ctx, retryPause)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// follower writes one partition from where Redis is.
type follower struct {
	*Replay
	partition int32
	upToDate  *atomic.Int64
	position  int64
	marks     []mark
	end       int64     // a recent end of the log
	endAt     int64     // when that was (ms)
	looked    time.Time // when it was asked for
}

// mark says that records from a position on were made at a time or later.
type mark struct{ at, position int64 }

// follow returns an error, errLost when it should be called again at once. wrote is called after each success.
func (f *follower) follow(ctx context.Context, wrote func()) error {
	if err := f.start(ctx); err != nil {
		return err
	}
	for {
		if err := f.lookAhead(ctx); err != nil {
			return err
		}
		behind, err := f.step(ctx)
		if err != nil {
			return err
		}
		wrote()
		if f.position >= f.end && f.endAt > f.upToDate.Load() {
			f.upToDate.Store(f.endAt)
		}
		if !behind {
			f.wait(ctx)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// lookAhead asks where the log ends: once a second, and not again before that has been reached.
func (f *follower) lookAhead(ctx context.Context) error {
	if f.position < f.end || time.Since(f.looked) < checkEvery {
		return nil
	}
	now := f.options.Now()
	end, err := f.options.Log.End(ctx, f.options.Topic, f.partition)
	if err != nil {
		return fmt.Errorf("cannot read the end of %s: %w", field(f.options.Topic, f.partition), err)
	}
	f.end, f.endAt, f.looked = end, now, time.Now()
	return nil
}

// start finds where to begin: where Redis is, but not before the window. Where Redis has nothing, everything of the window is
// to be written.
func (f *follower) start(ctx context.Context) error {
	now := f.options.Now()
	position, found, err := f.positions.claim(ctx, f.options.Topic, f.partition)
	if err != nil {
		return err
	}
	if !found && f.upToDate.Load() == notOwn {
		// The process that wrote the partition until Redis lost everything may not know yet, and write one more batch.
		pause(ctx, takeOverPause)
	}
	if !found || f.upToDate.Load() == notOwn {
		f.upToDate.Store(0)
	}
	end, err := f.options.Log.End(ctx, f.options.Topic, f.partition)
	if err != nil {
		return fmt.Errorf("cannot read the end of %s: %w", field(f.options.Topic, f.partition), err)
	}
	found = found && position <= end // else the log is another one, or has lost its end
	from := now - f.options.Window.Milliseconds()
	first, err := seek(ctx, f.options.Log, f.options.Topic, f.partition, from-seekAllowance)
	if err != nil {
		return fmt.Errorf("cannot find where the last %s of %s begin: %w", f.options.Window, field(f.options.Topic, f.partition), err)
	}
	f.marks = []mark{{from, first}}
	if found && position >= first {
		f.position = position
		return nil
	}
	if !found {
		f.counters.Rebuilds.Add(1)
		if err := f.options.Sink.Reset(ctx, f.partition); err != nil {
			return err
		}
	}
	f.position = first
	return f.positions.set(ctx, f.options.Topic, f.partition, first, !found)
}

// seekAllowance is how far records may stand from the order of their times (ms).
const seekAllowance = 60_000

// step writes the next batch, or looks whether Redis is as it was. behind: there is more.
func (f *follower) step(ctx context.Context) (behind bool, err error) {
	entries, err := f.options.Log.Read(ctx, f.options.Topic, f.partition, f.position, f.options.MaxBytes)
	var trimmed *eventlog.TrimmedError
	if errors.As(err, &trimmed) && trimmed.First > f.position {
		return true, f.moveTo(ctx, trimmed.First)
	}
	if err != nil {
		return false, fmt.Errorf("cannot read %s: %w", field(f.options.Topic, f.partition), err)
	}
	if len(entries) == 0 {
		return false, f.moveTo(ctx, max(f.position, f.end)) // positions between are nobody's: they are not dense
	}
	began := time.Now()
	now := f.options.Now()
	if err := f.options.Sink.Write(ctx, Batch{f.partition, entries, now, f.trim(entries, now)}); err != nil {
		return false, err
	}
	if err := f.moveTo(ctx, entries[len(entries)-1].Offset+1); err != nil {
		return false, err
	}
	f.counters.Batches.Add(1)
	f.counters.Records.Add(int64(len(entries)))
	f.counters.WriteMicros.Add(time.Since(began).Microseconds())
	bytes := 0
	for i := range entries {
		bytes += len(entries[i].Value)
	}
	return bytes >= f.options.MaxBytes/2, nil
}

// moveTo notes in Redis what has been written, and finds out whether all before is still there.
func (f *follower) moveTo(ctx context.Context, to int64) error {
	now, found, err := f.positions.advance(ctx, f.options.Topic, f.partition, f.position, to)
	if err != nil {
		return err
	}
	if found && now >= f.position {
		f.position = now // not to: another process may be ahead
		return nil
	}
	f.upToDate.Store(0)
	_, err = f.options.Client.Do(ctx, hdel(f.positions.key(), field(f.options.Topic, f.partition)))
	if err != nil {
		return fmt.Errorf("cannot forget the position of %s: %w", field(f.options.Topic, f.partition), err)
	}
	return errLost
}

// trim returns the position before which all is older than the window, as well as it is known.
func (f *follower) trim(entries []eventlog.Entry, now int64) int64 {
	at := madeAt(entries[0].Value)
	if at == 0 {
		at = now
	}
	if at >= f.marks[len(f.marks)-1].at+60_000 {
		f.marks = append(f.marks, mark{at, entries[0].Offset})
	}
	for len(f.marks) > 1 && f.marks[1].at < now-f.options.Window.Milliseconds() {
		f.marks = f.marks[1:]
	}
	return f.marks[0].position
}

// wait rests, so that the next batch is worth its while, and then until there is one or it is time to look at Redis.
func (f *follower) wait(ctx context.Context) {
	pause(ctx, f.options.Linger)
	ctx, cancel := context.WithTimeout(ctx, checkEvery)
	defer cancel()
	_ = f.options.Log.Wait(ctx, f.options.Topic, f.partition, f.position) // step meets the error again
}

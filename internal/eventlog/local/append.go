package local

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

const (
	// maxGroupBytes is the size from which a group takes no further call, while the one before it is written.
	maxGroupBytes = 4 << 20
	// maxSpareBytes is the room that is kept for the next group at most.
	maxSpareBytes = 1 << 20
	// maxCallBytes bounds one call; Pebble takes batches up to 4 GiB.
	maxCallBytes = 256 << 20
	// busyCalls is the size of a group from which the next one waits for company, and lingerTime how long at most.
	busyCalls  = 8
	lingerTime = 2 * time.Millisecond
	// stuckWait is how long a caller whose group is being written waits for space before it is told that nobody knows.
	stuckWait = 2 * time.Second
)

// Stats counts what the log has written since it was opened.
type Stats struct {
	Calls, Records, Groups, Bytes, Refused, SweepErrors atomic.Int64
}

// Stats returns the counters, to be read at any time.
func (l *Log) Stats() *Stats { return &l.stats }

// group is what is written under one key: the records of all calls that came while the group before it was written.
type group struct {
	topic    *topicState
	frames   []byte
	count    int64
	calls    int64
	taken    chan struct{} // closed when the committer has taken the group, or refused it
	done     chan struct{} // closed when err is final
	finished bool
	err      error
}

// Append implements eventlog.Appender.
func (l *Log) Append(ctx context.Context, topic eventlog.Topic, records []eventlog.Record) error {
	pending, err := l.Begin(ctx, topic, records)
	if err != nil {
		return err
	}
	return pending.Wait(ctx)
}

// Begin implements eventlog.Appender.
func (l *Log) Begin(ctx context.Context, topic eventlog.Topic, records []eventlog.Record) (eventlog.Pending, error) {
	if err := checkTopic(topic); err != nil {
		return nil, fmt.Errorf("cannot append: %w", err)
	}
	if len(records) == 0 {
		return nothing{}, nil
	}
	g, err := l.join(ctx, topic, records)
	if err != nil {
		return nil, err // not g: a nil *group would be a Pending
	}
	return g, nil
}

// nothing is the Pending of a call without records.
type nothing struct{}

// Wait implements eventlog.Pending.
func (nothing) Wait(context.Context) error { return nil }

// Wait implements eventlog.Pending.
func (g *group) Wait(ctx context.Context) error {
	if ctx.Done() == nil { // one channel costs half of what a choice of two does
		<-g.done
		return g.err
	}
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join puts the records into the group that is written next.
func (l *Log) join(ctx context.Context, topic eventlog.Topic, records []eventlog.Record) (*group, error) {
	size := 0
	for i := range records {
		size += len(records[i].Value) + 2
	}
	if size > maxCallBytes {
		return nil, fmt.Errorf("cannot append %d bytes in one call: the limit is %d", size, maxCallBytes)
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.mu.Lock()
		if err := l.mayJoin(); err != nil {
			l.mu.Unlock()
			return nil, err
		}
		t := l.topic(topic)
		if g := t.pending; g == nil || len(g.frames) == 0 || len(g.frames)+size <= maxGroupBytes {
			g = t.add(records)
			l.gathered++
			due := l.gathered == 1 || l.gathered == l.awaited
			l.mu.Unlock()
			if due {
				l.signal()
			}
			return g, nil
		}
		taken := t.pending.taken
		l.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
		}
	}
}

// mayJoin returns why a new call is refused. l.mu is held.
func (l *Log) mayJoin() error {
	if err := l.refused(); err != nil {
		return err
	}
	if l.guard.stuck() {
		l.stats.Refused.Add(1)
		return eventlog.ErrFull
	}
	return nil
}

// add copies the records into the topic's pending group. The log's mutex is held.
func (t *topicState) add(records []eventlog.Record) *group {
	if t.pending == nil {
		t.pending = &group{topic: t, frames: t.spare, taken: make(chan struct{}), done: make(chan struct{})}
		t.spare = nil
	}
	g := t.pending
	for i := range records {
		g.frames = appendFrame(g.frames, records[i].Value)
	}
	g.count += int64(len(records))
	g.calls++
	return g
}

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// committer is the state of the one goroutine that writes.
type committer struct {
	log       *Log
	value     []byte // the value being built
	scratch   []byte // compressed frames
	lastCalls int    // of the groups written last
	company   *time.Timer
	checkedAt time.Time
	unchecked int // bytes written since free space was looked at
}

func (l *Log) runCommitter() {
	defer l.done.Done()
	c := &committer{log: l, company: time.NewTimer(0)}
	for {
		select {
		case <-l.wake:
			c.linger()
		case <-l.stop:
			c.commit()
			l.mu.Lock()
			l.finishPending(eventlog.ErrClosed)
			l.mu.Unlock()
			return
		}
		c.commit()
	}
}

// linger waits for company when the last group had much of it: until as many calls have come as were answered by the last
// sync and came during it, since those callers are likely to be back. A sync costs some 100 us of CPU time, and the callers
// queue for the processor anyway, so the median answer is no later. Where less than busyCalls come during a sync, nobody waits.
func (c *committer) linger() {
	if c.lastCalls < busyCalls {
		return
	}
	c.company.Reset(lingerTime)
	for c.await() {
		select {
		case <-c.log.wake:
		case <-c.company.C:
			return
		case <-c.log.stop:
			return
		}
	}
}

// await asks for a signal at the call that completes the company. It returns false when that has come already.
func (c *committer) await() bool {
	l := c.log
	l.mu.Lock()
	defer l.mu.Unlock()
	l.awaited = c.lastCalls + l.cameDuring
	return l.gathered < l.awaited
}

// commit writes all pending groups, one per topic, with one sync.
func (c *committer) commit() {
	l := c.log
	groups := l.take()
	if len(groups) == 0 {
		return
	}
	if err := c.room(groups); err != nil {
		l.stats.Refused.Add(1)
		l.mu.Lock()
		l.finish(groups, err)
		l.mu.Unlock()
		return
	}
	batch := l.db.NewBatch()
	written := make([]topicState, len(groups))
	for i, g := range groups {
		written[i] = c.add(batch, g)
	}
	err := batch.Commit(pebble.Sync)
	if closeErr := batch.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	if err != nil { // Pebble reports only a misuse here, or that it is closed: nothing was written
		err = fmt.Errorf("%w: cannot write to %q: %w", eventlog.ErrUnavailable, l.opts.Dir, err)
	}
	c.lastCalls = 0
	for _, g := range groups {
		c.lastCalls += int(g.calls)
	}
	l.publish(groups, written, err)
}

// take moves the pending groups to flight.
func (l *Log) take() []*group {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flight = l.flight[:0]
	l.gathered, l.awaited = 0, 0
	for _, t := range l.topics {
		if g := t.pending; g != nil {
			t.pending = nil
			close(g.taken)
			l.flight = append(l.flight, g)
		}
	}
	return slices.Clone(l.flight)
}

// add puts a group into the batch and returns the topic's state once it is written. Only the committer changes end,
// bytes and lastAt, so it may read them without the mutex.
func (c *committer) add(batch *pebble.Batch, g *group) topicState {
	t := topicState{end: g.topic.end, bytes: g.topic.bytes, lastAt: max(millis(c.log.opts.Now()), g.topic.lastAt, 0)}
	h := header{count: g.count, appendedAt: t.lastAt, bytesBefore: t.bytes}
	c.value = appendGroup(c.value[:0], h, g.frames, &c.scratch)
	key := appendKey(nil, g.topic.name, t.end)
	_ = batch.Set(key, c.value, nil) // fails for an indexed or closed batch only
	t.end += g.count
	t.bytes += int64(len(key) + len(c.value))
	c.unchecked += len(key) + len(c.value)
	c.log.stats.add(g, len(key)+len(c.value))
	return t
}

func (s *Stats) add(g *group, bytes int) {
	s.Calls.Add(g.calls)
	s.Records.Add(g.count)
	s.Groups.Add(1)
	s.Bytes.Add(int64(bytes))
}

// publish makes written groups visible to readers and wakes everybody who waits for them.
func (l *Log) publish(groups []*group, written []topicState, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flight = l.flight[:0]
	l.cameDuring = l.gathered
	for _, g := range groups {
		if cap(g.frames) <= maxSpareBytes {
			g.topic.spare = g.frames[:0]
		}
		g.frames = nil
	}
	if err == nil {
		for i, g := range groups {
			t := g.topic
			t.end, t.bytes, t.lastAt = written[i].end, written[i].bytes, written[i].lastAt
			t.wakeReaders()
		}
	}
	l.finish(groups, err)
}

// finish tells the callers of the groups. l.mu is held.
func (l *Log) finish(groups []*group, err error) {
	for _, g := range groups {
		if g.finished {
			continue
		}
		g.finished, g.err = true, err
		close(g.done)
	}
}

// finishPending refuses the groups that nobody has taken yet. l.mu is held.
func (l *Log) finishPending(err error) {
	l.gathered = 0
	for _, t := range l.topics {
		if g := t.pending; g != nil {
			t.pending = nil
			close(g.taken)
			l.finish([]*group{g}, err)
		}
	}
}

// wakeReaders releases those who wait for the topic to grow. The log's mutex is held.
func (t *topicState) wakeReaders() {
	if t.grown != nil {
		close(t.grown)
		t.grown = nil
	}
}

package local

import (
	"fmt"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

const (
	// Free space is looked at anew after so much time or so many bytes, whichever comes first.
	checkEvery = 100 * time.Millisecond
	checkBytes = 1 << 20
)

// room returns ErrFull when the groups may not be written: for lack of space on the disk, or beyond the topic's limit.
func (c *committer) room(groups []*group) error {
	size := 0
	for _, g := range groups {
		size += len(g.frames)
	}
	if err := c.diskRoom(size); err != nil {
		return err
	}
	limit := c.log.opts.MaxBytes
	if limit == 0 {
		return nil
	}
	for _, g := range groups {
		if c.log.size(g.topic)+int64(len(g.frames)) <= limit {
			continue
		}
		// An eighth more than needed, so that not every group removes a little.
		if err := c.log.trimToSize(g.topic, limit-limit/8-int64(len(g.frames))); err != nil {
			return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
		}
		if c.log.size(g.topic)+int64(len(g.frames)) > limit {
			return fmt.Errorf("%w: topic %q has reached %d bytes and its consumers have not read them", eventlog.ErrFull, g.topic.name, limit)
		}
	}
	return nil
}

// diskRoom compares free space with the reserve, at most every so often while there is plenty.
func (c *committer) diskRoom(size int) error {
	now := time.Now() // paces the system call only
	if c.unchecked+size < checkBytes && now.Sub(c.checkedAt) < checkEvery {
		return nil
	}
	usage, err := c.log.opts.FS.GetDiskUsage(c.log.opts.Dir)
	if err != nil {
		return nil // a file system that cannot say; a full one is then noticed by the guard
	}
	if usage.AvailBytes < c.log.opts.ReserveBytes+uint64(size) {
		return fmt.Errorf("%w: %d MiB are free on the disk of %q", eventlog.ErrFull, usage.AvailBytes>>20, c.log.opts.Dir)
	}
	c.checkedAt, c.unchecked = now, 0
	return nil
}

func (l *Log) size(t *topicState) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.bytes - t.firstBytes
}

// refusePending is called when a write meets a full disk. Who is not being written is told so at once; who is, is told
// after a while that nobody knows, since the write may still succeed.
func (l *Log) refusePending() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Refused.Add(1)
	l.finishPending(eventlog.ErrFull)
	flight := append([]*group(nil), l.flight...)
	if len(flight) == 0 {
		return
	}
	time.AfterFunc(l.stuckWait, func() {
		if !l.guard.stuck() {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.finish(flight, fmt.Errorf("%w: the disk of %q became full during a write", eventlog.ErrUnavailable, l.opts.Dir))
	})
}

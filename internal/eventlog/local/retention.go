package local

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

func (l *Log) runRetention() {
	defer l.done.Done()
	ticker := time.NewTicker(l.opts.SweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			if err := l.Sweep(); err != nil {
				l.stats.SweepErrors.Add(1) // the next one tries again; a broken database fails the log by itself
			}
		}
	}
}

// Sweep removes records older than MaxAge that all consumers have read. It runs by itself every SweepEvery.
func (l *Log) Sweep() error {
	release, err := l.use()
	if err != nil {
		return err
	}
	defer release()
	l.mu.Lock()
	topics := make([]*topicState, 0, len(l.topics))
	for _, t := range l.topics {
		topics = append(topics, t)
	}
	l.mu.Unlock()
	oldest := millis(l.opts.Now().Add(-l.opts.MaxAge))
	for _, t := range topics {
		if err := l.trim(t, func(h header) bool { return h.appendedAt >= oldest }); err != nil {
			return err
		}
	}
	return nil
}

// trimToSize removes the oldest records that all consumers have read until the topic is at most size bytes.
func (l *Log) trimToSize(t *topicState, size int64) error {
	l.mu.Lock()
	from := t.bytes - size
	l.mu.Unlock()
	return l.trim(t, func(h header) bool { return h.bytesBefore >= from })
}

// trim removes all groups before the first one that keep holds for, which must be monotone along the topic. It stops at
// what a consumer has not read and always leaves the last group, from which the end is found on start.
func (l *Log) trim(t *topicState, keep func(header) bool) error {
	l.trimming.Lock()
	defer l.trimming.Unlock()
	l.mu.Lock()
	first, end := t.first, t.end
	limit, known := l.consumed(t.name)
	closed := l.refused() != nil
	l.mu.Unlock()
	if !known {
		limit = math.MaxInt64
	}
	if limit = min(limit, end-1); closed || limit <= first {
		return nil
	}
	cut, h, err := l.findCut(t.name, first, limit, keep)
	if err != nil || cut <= first {
		return err
	}
	if err := l.remove(t.name, first, cut); err != nil {
		return fmt.Errorf("cannot remove offsets below %d of %q: %w", cut, t.name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.first, t.firstBytes = cut, h.bytesBefore
	return nil
}

// findCut returns the first group in [first, limit] that keep holds for, or else the one that contains limit.
func (l *Log) findCut(topic eventlog.Topic, first, limit int64, keep func(header) bool) (int64, header, error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: appendKey(nil, topic, 0), UpperBound: topicEnd(topic)})
	if err != nil {
		return 0, header{}, err
	}
	defer func() { _ = it.Close() }() // reads only
	cut, h, err := groupAt(it, topic, limit)
	if err != nil {
		return 0, h, err
	}
	for low := first; low < cut; {
		at, found, err := groupAt(it, topic, low+(cut-low)/2)
		if err != nil {
			return 0, h, err
		}
		if keep(found) {
			cut, h = at, found
			continue
		}
		low = at + found.count
	}
	return cut, h, nil
}

// groupAt returns the group that holds the offset.
func groupAt(it *pebble.Iterator, topic eventlog.Topic, offset int64) (int64, header, error) {
	if !it.SeekLT(appendKey(nil, topic, offset+1)) {
		return 0, header{}, fmt.Errorf("%w: none holds offset %d", errGroup, offset)
	}
	_, at, err := splitKey(it.Key())
	if err != nil {
		return 0, header{}, err
	}
	h, _, err := parseHeader(it.Value())
	return at, h, err
}

// remove deletes the groups of [first, cut). The flush before keeps the deletion in a table of its own: a table that held it
// beside new records would overlap all tables between, and compaction would have to rewrite them. Compacting the range gives
// its space back at once; it touches only tables that hold something of it.
func (l *Log) remove(topic eventlog.Topic, first, cut int64) error {
	if err := l.db.Flush(); err != nil {
		return err
	}
	from, to := appendKey(nil, topic, first), appendKey(nil, topic, cut)
	if err := l.db.DeleteRange(from, to, pebble.Sync); err != nil {
		return err
	}
	return l.db.Compact(context.Background(), from, to, false)
}

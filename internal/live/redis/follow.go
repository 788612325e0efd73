package redis

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// follow is a site that the hub keeps up to date.
type follow struct {
	site  string
	used  int64       // when it was last asked for (ms); guarded by Hub.mu
	dirty atomic.Bool // a message came since the last read
	rows  atomic.Bool // windows must be read, too: messages of them may have been lost
	reset atomic.Bool // the streams have been written again: read them from their beginning

	reading sync.Mutex // guards what is below
	gone    bool
	loaded  bool
	readAt  int64
	next    []int64 // by partition: the position behind what was taken
	keys    []string
	events  []event.Event // room for those of a read
}

// pageEntries is how many entries of each stream are read at once.
const pageEntries = 256

// read takes in what is new, unless that was done less than maxAge (ms) ago.
func (h *Hub) read(ctx context.Context, f *follow, maxAge int64) error {
	f.reading.Lock()
	defer f.reading.Unlock()
	now := h.options.Now()
	if f.gone || f.loaded && now-f.readAt < maxAge {
		return nil
	}
	began := time.Now()
	f.dirty.Store(false) // before the read: what comes during it is read again
	if f.reset.Swap(false) {
		h.inner.Reset(f.site)
		clear(f.next)
		f.loaded = false
	}
	h.grow(f)
	rows := !f.loaded || f.rows.Swap(false)
	err := h.readStreams(ctx, f)
	f.events = nil
	if err == nil {
		err = h.readCounts(ctx, f, now, rows)
	}
	if err != nil {
		f.dirty.Store(true)
		f.rows.Store(rows)
		return fmt.Errorf("cannot read the live view of site %q: %w", f.site, err)
	}
	f.loaded, f.readAt = true, now
	h.counters.Reads.Add(1)
	h.counters.ReadMicros.Add(time.Since(began).Microseconds())
	return nil
}

// grow makes room for all partitions.
func (h *Hub) grow(f *follow) {
	h.mu.Lock()
	partitions := h.partitions
	h.mu.Unlock()
	for p := int32(len(f.keys)); p < partitions; p++ {
		f.keys = append(f.keys, streamKey(h.options.Client, f.site, p))
		f.next = append(f.next, 0)
	}
}

// readStreams reads until the streams have nothing more.
func (h *Hub) readStreams(ctx context.Context, f *follow) error {
	for {
		conn, err := h.options.Client.Conn()
		if err != nil {
			return err
		}
		ids := make([]string, len(f.next))
		for p, next := range f.next {
			ids[p] = id(next)
		}
		streams, err := conn.Do(ctx, conn.B().Xread().Count(pageEntries).Streams().Key(f.keys...).Id(ids...).Build()).AsXRead()
		if rueidis.IsRedisNil(err) {
			return nil
		}
		if err != nil {
			return err
		}
		full := false
		for p, key := range f.keys {
			if err := h.take(f, int32(p), streams[key]); err != nil {
				return err
			}
			full = full || len(streams[key]) >= pageEntries
		}
		if !full {
			return nil
		}
	}
}

// applyEvents is how many events are handed on at once: watchers wait meanwhile, and an Event is large.
const applyEvents = 256

// take counts the events of entries.
func (h *Hub) take(f *follow, partition int32, entries []rueidis.XRangeEntry) error {
	apply := func() {
		h.counters.Events.Add(int64(len(f.events)))
		h.inner.Apply(f.events)
		f.events = f.events[:0]
	}
	defer apply()
	for _, one := range entries {
		behind, err := behindOf(one.ID)
		if err != nil {
			return err
		}
		err = readEntry(one.FieldValues["e"], f.site, f.next[partition], func(e *event.Event) {
			if f.events = append(f.events, *e); len(f.events) >= applyEvents {
				apply()
			}
		})
		if err != nil {
			h.counters.Errors.Add(1) // an entry that cannot be read is passed by, else nothing behind it would be seen
		}
		f.next[partition] = behind
	}
	return nil
}

// readCounts reads the current visitors, and the windows where messages may have been lost.
func (h *Hub) readCounts(ctx context.Context, f *follow, now int64, rows bool) error {
	conn, err := h.options.Client.Conn()
	if err != nil {
		return err
	}
	after := "(" + fmt.Sprint(now-stream.CurrentMillis)
	var commands rueidis.Commands
	for _, key := range visitorKeys(h.options.Client, f.site) {
		commands = append(commands, conn.B().Zcount().Key(key).Min(after).Max("+inf").Build())
	}
	if rows {
		commands = append(commands, conn.B().Hgetall().Key(windowKey(h.options.Client, f.site)).Build())
	}
	results := conn.DoMulti(ctx, commands...)
	var current [event.Bands]int64
	for t := range current {
		if current[t], err = results[t].AsInt64(); err != nil {
			return err
		}
	}
	h.inner.SetCurrent(f.site, current)
	if !rows {
		return nil
	}
	windows, err := results[event.Bands].AsStrMap()
	if err != nil {
		return err
	}
	for _, row := range windows {
		h.takeRow(f.site, row)
	}
	return nil
}

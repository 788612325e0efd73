package local

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

const (
	// keepMillis is how long an occurrence is kept: the late limit and a day.
	keepMillis = event.LateLimitMillis + event.DayMillis
	// keepImportMillis is how long that of an import of the past is kept: as long as its event is by default. The same
	// file may be imported again next month.
	keepImportMillis = 425 * event.DayMillis

	hourMillis  = 3600 * 1000
	maxSites    = 4096    // website ids whose hash is remembered
	chunkBytes  = 1 << 20 // of one batch; a larger one would not fit Pebble's memtable
	dedupeKeyLn = 1 + 16 + 8
)

// DedupeKey is one event as the index sees it.
type DedupeKey = event.DedupeKey

// Index says which events of the log are duplicates. It remembers the log offset of each stored occurrence of an id, so
// that replaying a part of the log gives the same answers as the first time. It is safe for concurrent use.
type Index struct {
	mu     sync.Mutex
	db     *pebble.DB
	closed bool

	filter    *filter // holds every key of the database once warm
	maxFilter int
	pass      pass // the scan that expires entries and, after opening, fills the filter
	now       func() time.Time
	clock     int64 // now at the running call, ms
	soonest   int64 // no entry expires before

	sites map[string]uint64
	order []sortable
	value []byte
	found []occurrence
}

// occurrence is one stored event.
type occurrence struct {
	receivedAt, offset int64
	seenHour           int64
}

// expiry is when the occurrence may go. The machine's clock decides, not the events': an import of a year passes the
// index in a minute.
func (o occurrence) expiry() int64 {
	seen := o.seenHour * hourMillis
	if seen-o.receivedAt > event.LateLimitMillis {
		return seen + keepImportMillis
	}
	return max(o.receivedAt, seen) + keepMillis
}

// sortable is one id of a call in the order of the keys.
type sortable struct {
	high, low, site uint64
	at              int32 // its place in the call
}

func newIndex(db *pebble.DB, maxFilter int, now func() time.Time) *Index {
	x := &Index{db: db, maxFilter: maxFilter, now: now, sites: map[string]uint64{}, soonest: never}
	x.filter = newFilter(int(db.Metrics().DiskSpaceUsage()/32), maxFilter)
	x.pass.begin(true)
	return x
}

// Resolve says which of the ids are duplicates, and remembers the others. What it remembers is synced when it returns.
// Ids of one call must be in the order of their offsets. An event is a duplicate when a stored occurrence with a smaller
// offset was received at most 7 days before or after it; the event at an offset that is remembered already never is.
func (x *Index) Resolve(ctx context.Context, ids []DedupeKey) ([]bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, eventlog.ErrClosed
	}
	if len(ids) == 0 {
		return nil, nil
	}
	x.clock = x.now().UnixMilli()
	duplicate := make([]bool, len(ids))
	if err := x.resolve(ids, duplicate); err != nil {
		return nil, fmt.Errorf("cannot look %d events up in the index of duplicates: %w", len(ids), err)
	}
	if err := x.step(20_000 + 2*len(ids)); err != nil {
		return nil, fmt.Errorf("cannot sweep the index of duplicates: %w", err)
	}
	return duplicate, nil
}

func (x *Index) resolve(ids []DedupeKey, duplicate []bool) error {
	x.sort(ids)
	batch := x.db.NewBatch()
	defer func() { _ = batch.Close() }() // committed or given up
	var key [dedupeKeyLn]byte
	for i := 0; i < len(x.order); {
		next := i + 1
		for next < len(x.order) && x.order[i].sameID(x.order[next]) {
			next++
		}
		added, err := x.resolveID(&key, x.order[i:next], ids, duplicate)
		if err != nil {
			return err
		}
		if added {
			if err := batch.Set(key[:], x.value, nil); err != nil {
				return err
			}
		}
		i = next
		if batch.Len() >= chunkBytes && i < len(x.order) {
			// The last chunk's sync covers this one, which stands before it in the write-ahead log.
			if err := batch.Commit(pebble.NoSync); err != nil {
				return err
			}
			batch.Reset()
		}
	}
	if batch.Empty() {
		return x.db.LogData(nil, pebble.Sync) // an earlier chunk is synced with it
	}
	return batch.Commit(pebble.Sync)
}

// sort brings the ids into the order of the keys, ids that are alike in that of their offsets.
func (x *Index) sort(ids []DedupeKey) {
	x.order = slices.Grow(x.order[:0], len(ids))
	lastSite, lastHash := "", xxhash.Sum64String("")
	for i := range ids {
		id := &ids[i]
		if id.WebsiteID != lastSite {
			lastSite, lastHash = id.WebsiteID, x.siteHash(id.WebsiteID)
		}
		x.order = append(x.order, sortable{binary.BigEndian.Uint64(id.EventID[:8]), binary.BigEndian.Uint64(id.EventID[8:]), lastHash, int32(i)})
	}
	slices.SortFunc(x.order, func(a, b sortable) int {
		switch {
		case a.high < b.high:
			return -1
		case a.high > b.high:
			return 1
		}
		return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.site, b.site), cmp.Compare(a.at, b.at))
	})
}

func (s sortable) sameID(o sortable) bool {
	return s.high == o.high && s.low == o.low && s.site == o.site
}

func (s sortable) key(dst *[dedupeKeyLn]byte) {
	dst[0] = prefixDuplicate
	binary.BigEndian.PutUint64(dst[1:], s.high)
	binary.BigEndian.PutUint64(dst[9:], s.low)
	binary.BigEndian.PutUint64(dst[17:], s.site)
}

func (x *Index) siteHash(site string) uint64 {
	if h, ok := x.sites[site]; ok {
		return h
	}
	if len(x.sites) >= maxSites {
		clear(x.sites)
	}
	h := xxhash.Sum64String(site)
	x.sites[site] = h
	return h
}

// resolveID judges the events of one id. When one of them is new, key and x.value are what is to be written.
func (x *Index) resolveID(key *[dedupeKeyLn]byte, same []sortable, ids []DedupeKey, duplicate []bool) (added bool, err error) {
	id := same[0]
	id.key(key)
	x.found = x.found[:0]
	if hash := filterHash(id.high, id.low, id.site); !x.filter.warm || x.filter.has(hash) {
		if x.found, err = x.load(key[:], x.found); err != nil {
			return false, err
		}
	}
	for _, s := range same {
		e := &ids[s.at]
		known, dup := x.judge(e)
		duplicate[s.at] = dup && !known
		if known || dup {
			continue
		}
		o := occurrence{e.ReceivedAt, e.Offset, x.clock / hourMillis}
		x.found = append(x.found, o)
		x.soonest = min(x.soonest, o.expiry())
		added = true
	}
	if !added {
		return false, nil
	}
	x.value = appendOccurrences(x.value[:0], x.found)
	return true, x.addToFilter(filterHash(id.high, id.low, id.site))
}

// judge compares an event with the stored occurrences of its id.
func (x *Index) judge(e *DedupeKey) (known, duplicate bool) {
	for _, o := range x.found {
		if o.offset == e.Offset {
			known = true
		}
		if apart := o.receivedAt - e.ReceivedAt; o.offset < e.Offset && apart <= event.LateLimitMillis && -apart <= event.LateLimitMillis {
			duplicate = true
		}
	}
	return known, duplicate
}

func (x *Index) load(key []byte, dst []occurrence) ([]occurrence, error) {
	value, closer, err := x.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, nil
	}
	if err != nil {
		return dst, err
	}
	dst, err = parseOccurrences(dst, value)
	return dst, errors.Join(err, closer.Close())
}

func appendOccurrences(dst []byte, occurrences []occurrence) []byte {
	for _, o := range occurrences {
		dst = binary.AppendVarint(dst, o.receivedAt)
		dst = binary.AppendUvarint(dst, uint64(o.offset))
		dst = binary.AppendUvarint(dst, uint64(o.seenHour))
	}
	return dst
}

var errOccurrence = errors.New("invalid entry of the index of duplicates")

func parseOccurrences(dst []occurrence, value []byte) ([]occurrence, error) {
	for len(value) > 0 {
		receivedAt, a := binary.Varint(value)
		offset, b := binary.Uvarint(value[max(a, 0):])
		if a <= 0 || b <= 0 {
			return dst, errOccurrence
		}
		seen, c := binary.Uvarint(value[a+b:])
		if c <= 0 {
			return dst, errOccurrence
		}
		dst = append(dst, occurrence{receivedAt, int64(offset), int64(seen)})
		value = value[a+b+c:]
	}
	return dst, nil
}

func (x *Index) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
}

func duplicatesBounds(from []byte) *pebble.IterOptions {
	if from == nil {
		from = []byte{prefixDuplicate}
	}
	return &pebble.IterOptions{LowerBound: bytes.Clone(from), UpperBound: []byte{prefixDuplicate + 1}}
}

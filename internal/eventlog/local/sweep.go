package local

import (
	"bytes"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/footfall-analytics/footfall/internal/event"
)

// never is when the first entry expires when there is none.
const never = math.MaxInt64

// pass is one scan over all entries of the index, done in steps between look-ups so that none of them waits long.
type pass struct {
	running bool
	fill    bool   // adds the keys to the filter, which is warm at the end
	next    []byte // where to go on; nil at the start
	soonest int64  // expiry of the entries that stay
	kept    int
}

func (p *pass) begin(fill bool) { *p = pass{running: true, fill: fill, soonest: never} }

// step goes on with the pass for so many entries, or begins one when entries have become old enough.
func (x *Index) step(entries int) error {
	if !x.pass.running {
		if x.soonest == never || x.clock <= x.soonest+event.DayMillis/2 { // rarely, and then many
			return nil
		}
		x.pass.begin(false)
	}
	it, err := x.db.NewIter(duplicatesBounds(x.pass.next))
	if err != nil {
		return err
	}
	batch := x.db.NewBatch()
	defer func() { _ = batch.Close() }() // committed or given up
	ok := it.First()
	for ; ok && entries > 0; ok = it.Next() {
		if err := x.visit(it, batch); err != nil {
			_ = it.Close() // the first error says more
			return err
		}
		entries--
	}
	if ok {
		x.pass.next = bytes.Clone(it.Key())
	}
	if err := it.Close(); err != nil {
		return err
	}
	// Without a sync: an entry that comes back after a kill is removed by the next pass.
	if err := batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	if !ok {
		return x.endPass()
	}
	return nil
}

// visit removes the entry that it stands on when all its occurrences may go, else it counts it.
func (x *Index) visit(it *pebble.Iterator, batch *pebble.Batch) error {
	var err error
	if x.found, err = parseOccurrences(x.found[:0], it.Value()); err != nil {
		return fmt.Errorf("%w under %x", err, it.Key())
	}
	expiry := int64(math.MinInt64)
	for _, o := range x.found {
		expiry = max(expiry, o.expiry())
	}
	if x.clock > expiry {
		return batch.Delete(it.Key(), nil)
	}
	x.pass.kept++
	x.pass.soonest = min(x.pass.soonest, expiry)
	if x.pass.fill {
		x.filter.add(keyHash(it.Key()))
	}
	return nil
}

func (x *Index) endPass() error {
	x.soonest = x.pass.soonest
	x.pass.running = false
	if x.pass.fill {
		x.filter.warm = true
	}
	x.order = x.order[:0] // everything is written
	live := x.pass.kept
	switch {
	case x.filter.count > 2*live+leastFilter, // mostly of removed keys
		x.filter.count > x.filter.capacity && x.filter.capacity*bitsPerKey/8*4 <= x.maxFilter:
		return x.refill(live)
	}
	return nil
}

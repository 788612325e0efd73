package stream

import (
	"hash/maphash"
	"math"

	"github.com/footfall-analytics/footfall/internal/event"
)

// forgotten is a set of keys that are no longer held, as two generations of Bloom filters. A key that was never added is
// taken for one about once in 10,000 times, which costs a look into the store and nothing else.
type forgotten struct {
	seed    maphash.Seed
	now     generation
	before  generation
	maxKeys int // of a generation; 0: 1,000,000
}

type generation struct {
	bits []uint64
	keys int
	end  int64 // all events of its keys are before
}

// forgottenKeys is the size of a generation: 2.5 MB.
const forgottenKeys = 1_000_000

// The filter: 20 bits a key and 10 hashes.
const (
	bitsPerKey   = 20
	hashesPerKey = 10
)

// add puts the key, whose events are all before end, into the set, and returns the time behind which the set is still
// complete: when it is full, the older generation goes.
func (f *forgotten) add(key event.SessionKey, end int64) (horizon int64) {
	horizon = math.MinInt64
	if f.maxKeys == 0 {
		f.maxKeys, f.seed = forgottenKeys, maphash.MakeSeed()
	}
	if f.now.keys >= f.maxKeys {
		if f.before.bits != nil {
			horizon = f.before.end
		}
		f.now, f.before = generation{bits: f.before.bits}, f.now
		clear(f.now.bits)
	}
	if f.now.bits == nil {
		f.now.bits = make([]uint64, (f.maxKeys*bitsPerKey+63)/64)
	}
	if f.now.keys == 0 {
		f.now.end = math.MinInt64
	}
	f.now.keys++
	f.now.end = max(f.now.end, end)
	f.each(key, len(f.now.bits), func(word int, bit uint64) bool {
		f.now.bits[word] |= bit
		return true
	})
	return horizon
}

func (f *forgotten) has(key event.SessionKey) bool { return f.in(&f.now, key) || f.in(&f.before, key) }

func (f *forgotten) in(g *generation, key event.SessionKey) bool {
	return g.keys > 0 && f.each(key, len(g.bits), func(word int, bit uint64) bool { return g.bits[word]&bit != 0 })
}

// each calls yield for the key's bits until it returns false.
func (f *forgotten) each(key event.SessionKey, words int, yield func(word int, bit uint64) bool) bool {
	hash := maphash.Comparable(f.seed, key)
	step := hash>>33 | 1
	for range hashesPerKey {
		at := hash % (uint64(words) * 64)
		if !yield(int(at/64), 1<<(at%64)) {
			return false
		}
		hash += step * 0x9e3779b97f4a7c15
	}
	return true
}

package local

import (
	"encoding/binary"
	"math/bits"
)

const (
	bitsPerKey    = 12
	filterProbes  = 6
	blockWords    = 8 // a block is a cache line of 512 bits
	leastFilter   = 64 << 10
	bytesPerBlock = blockWords * 8
)

// filter is a blocked Bloom filter: it says surely when a key is not there, touching one cache line. Above its capacity it
// says "perhaps" more often, and nothing worse.
type filter struct {
	blocks   [][blockWords]uint64
	count    int // keys added
	capacity int
	warm     bool // holds every key of the database
}

// newFilter returns a filter for keys keys, of at most maxBytes.
func newFilter(keys, maxBytes int) *filter {
	size := leastFilter
	for size*8/bitsPerKey < keys && size*4 <= maxBytes {
		size *= 4
	}
	return &filter{blocks: make([][blockWords]uint64, size/bytesPerBlock), capacity: size * 8 / bitsPerKey}
}

// filterHash mixes the parts of a key; ids are chosen by clients, so none of them is taken as random.
func filterHash(high, low, site uint64) uint64 {
	a, b := bits.Mul64(high^0x9e3779b97f4a7c15, low^0xd6e8feb86659fd93)
	h := a ^ b ^ site ^ bits.RotateLeft64(low, 29)
	a, b = bits.Mul64(h^0xa0761d6478bd642f, 0xe7037ed1a0b428db)
	return a ^ b
}

func keyHash(key []byte) uint64 {
	return filterHash(binary.BigEndian.Uint64(key[1:]), binary.BigEndian.Uint64(key[9:]), binary.BigEndian.Uint64(key[17:]))
}

// block chooses by the upper half of the hash, the probes by the lower one.
func (f *filter) block(hash uint64) *[blockWords]uint64 {
	at, _ := bits.Mul64(hash&^0xffffffff, uint64(len(f.blocks)))
	return &f.blocks[at]
}

func (f *filter) has(hash uint64) bool {
	block, probe := f.block(hash), uint32(hash)
	for range filterProbes {
		if block[probe>>29]&(1<<(probe>>23&63)) == 0 {
			return false
		}
		probe = probe*0x9e3779b1 + 0x7f4a7c15
	}
	return true
}

func (f *filter) add(hash uint64) {
	block, probe := f.block(hash), uint32(hash)
	for range filterProbes {
		block[probe>>29] |= 1 << (probe >> 23 & 63)
		probe = probe*0x9e3779b1 + 0x7f4a7c15
	}
	f.count++
}

// addToFilter adds a key that is about to be written, and makes a larger filter when this one is full. The larger one is
// filled from the database by the passes that follow; until then look-ups go to the database.
func (x *Index) addToFilter(hash uint64) error {
	x.filter.add(hash)
	if x.filter.warm && x.filter.count > x.filter.capacity && x.filter.capacity*bitsPerKey/8*4 <= x.maxFilter {
		return x.refill(x.filter.count)
	}
	return nil
}

// refill replaces the filter by one for at least keys keys, filled from the database. The keys of the call that is
// being resolved, which are not written yet, are added from x.order.
func (x *Index) refill(keys int) error {
	f := newFilter(keys+1, x.maxFilter)
	it, err := x.db.NewIter(duplicatesBounds(nil))
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		f.add(keyHash(it.Key()))
	}
	for _, s := range x.order {
		f.add(filterHash(s.high, s.low, s.site))
	}
	if err := it.Close(); err != nil {
		return err
	}
	f.warm = true
	x.filter = f
	return nil
}

package stream

import "math/bits"

// visitorTable holds the visitors of the live view, densely.
type visitorTable struct {
	all   []visitor
	index map[uint64]int32 // sample key -> place in all
}

// visitor is one user id, known by its sample key: two users with one key in the same half hour are taken for one.
type visitor struct {
	key     uint64
	first   presence   // of the band it was first seen with; first.windows is meaningless until used
	used    bool       // first is in use
	others  []presence // of further bands: nil for nearly all
	touches []touch
}

// presenceWindows is a ring of bits, longer than LateMillis, in words of 64.
const presenceWindows = 256

// presence says when a visitor was there with events of one band.
type presence struct {
	band   uint8
	active int64 // time of the newest counted or engagement event
	newest int64 // newest window with a counted event, or emptyBucket
	seen   [presenceWindows / 64]uint64
}

// get returns the visitor, a new one if need be. The pointer is valid until the next call.
func (t *visitorTable) get(key uint64) *visitor {
	at, ok := t.index[key]
	if !ok {
		at = int32(len(t.all))
		t.index[key] = at
		t.all = append(t.all, visitor{key: key})
	}
	return &t.all[at]
}

// keep removes the visitors for which want is false.
func (t *visitorTable) keep(want func(*visitor) bool) {
	n := 0
	for i := range t.all {
		if !want(&t.all[i]) {
			delete(t.index, t.all[i].key)
			continue
		}
		if n != i {
			t.all[n] = t.all[i]
			t.index[t.all[n].key] = int32(n)
		}
		n++
	}
	clear(t.all[n:])
	t.all = t.all[:n]
	if cap(t.all) > 1024 && n < cap(t.all)/4 {
		t.shrink()
	}
}

// shrink gives back the memory of a rush that is over; neither slices nor maps do so by themselves.
func (t *visitorTable) shrink() {
	t.all = append(make([]visitor, 0, 2*len(t.all)), t.all...)
	t.index = make(map[uint64]int32, len(t.all))
	for i := range t.all {
		t.index[t.all[i].key] = int32(i)
	}
}

// presence returns the visitor's presence with that band, a new one if need be.
func (v *visitor) presence(band uint8) *presence {
	if !v.used {
		v.used = true
		v.first = presence{band: band, active: emptyBucket, newest: emptyBucket}
	}
	if v.first.band == band {
		return &v.first
	}
	for i := range v.others {
		if v.others[i].band == band {
			return &v.others[i]
		}
	}
	v.others = append(v.others, presence{band: band, active: emptyBucket, newest: emptyBucket})
	return &v.others[len(v.others)-1]
}

// any reports whether ok holds for a presence with a band below threshold.
func (v *visitor) any(threshold uint8, ok func(*presence) bool) bool {
	if v.used && v.first.band < threshold && ok(&v.first) {
		return true
	}
	for i := range v.others {
		if v.others[i].band < threshold && ok(&v.others[i]) {
			return true
		}
	}
	return false
}

func (v *visitor) seenIn(from, to int64, threshold uint8) bool {
	return v.any(threshold, func(p *presence) bool { return p.seenIn(from, to) })
}

func (v *visitor) seenSince(window int64, threshold uint8) bool {
	return v.any(threshold, func(p *presence) bool { return p.newest >= window })
}

func (v *visitor) activeSince(after int64, threshold uint8) bool {
	return v.any(threshold, func(p *presence) bool { return p.active > after })
}

// last returns the time of the visitor's newest event.
func (v *visitor) last() int64 {
	last := v.first.active
	for i := range v.others {
		last = max(last, v.others[i].active)
	}
	return last
}

// eachWindow calls yield for every window in which the visitor had a counted event of the band.
func (v *visitor) eachWindow(band uint8, yield func(window int64)) {
	v.any(band+1, func(p *presence) bool {
		if p.band == band {
			p.each(yield)
		}
		return false
	})
}

// see notes a counted event in the window, which must not be older than the ring is long.
func (p *presence) see(window int64) {
	if window > p.newest {
		p.moveOn(window)
	}
	if p.newest-window < presenceWindows {
		bit := floorMod(window, presenceWindows)
		p.seen[bit/64] |= 1 << (bit % 64)
	}
}

// moveOn makes window the newest and frees the places of those between.
func (p *presence) moveOn(window int64) {
	if window-p.newest >= presenceWindows {
		p.seen = [presenceWindows / 64]uint64{}
	} else {
		for w := p.newest + 1; w <= window; w++ {
			bit := floorMod(w, presenceWindows)
			p.seen[bit/64] &^= 1 << (bit % 64)
		}
	}
	p.newest = window
}

func (p *presence) seenIn(from, to int64) bool {
	for w := max(from, p.newest-presenceWindows+1); w <= min(to, p.newest); w++ {
		bit := floorMod(w, presenceWindows)
		if p.seen[bit/64]&(1<<(bit%64)) != 0 {
			return true
		}
	}
	return false
}

func (p *presence) each(yield func(window int64)) {
	newestBit := floorMod(p.newest, presenceWindows)
	for i, word := range p.seen {
		for ; word != 0; word &= word - 1 {
			bit := int64(i*64 + bits.TrailingZeros64(word))
			yield(p.newest - floorMod(newestBit-bit, presenceWindows))
		}
	}
}

package duckdb

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/footfall-analytics/footfall/internal/sketch"
)

// The visitors of a rollup row, in bytes. The rows of one day and band repeat the same visitors in every dimension, so they are
// told by their places in the total's list of them:
//
//	(no bytes)  the visitors of the total
//	1  places   places in the total's list, ascending: see rice.go
//	0  list     coupons, each rotated left by 6 bits (address, value), ascending
//	else        the sketch, in the bytes of internal/sketch
const (
	formList   = 0
	formPlaces = 1
)

const (
	// maxRoster is how many coupons a total lists: rows of a day with more stand for themselves.
	maxRoster = 4096
	// maxList is how many coupons another row lists: a sketch takes about as many bytes then.
	maxList = 1024

	couponValueBits = 6
)

// visitorSet collects the coupons of a rollup row: one by one while they are few, then a sketch.
type visitorSet struct {
	coupons []uint32 // rotated; in no order, with doubles
	many    *sketch.Sketch
}

func (v *visitorSet) add(coupons []uint32) {
	if v.many == nil {
		v.coupons = slices.Grow(v.coupons, len(coupons))
		for _, coupon := range coupons {
			v.coupons = append(v.coupons, bits.RotateLeft32(coupon, couponValueBits))
		}
		if len(v.coupons) <= maxRoster {
			return
		}
		if len(v.sorted()) > maxRoster {
			v.many, v.coupons = v.sketch(), nil
		}
		return
	}
	for _, coupon := range coupons {
		v.many.Add(coupon)
	}
}

// sorted puts the coupons in order, once each.
func (v *visitorSet) sorted() []uint32 {
	slices.Sort(v.coupons)
	v.coupons = slices.Compact(v.coupons)
	return v.coupons
}

func (v *visitorSet) sketch() *sketch.Sketch {
	if v.many != nil {
		return v.many
	}
	out := sketch.New()
	for _, rotated := range v.coupons {
		out.Add(bits.RotateLeft32(rotated, -couponValueBits))
	}
	return out
}

// appendTotal appends the bytes of a total's set.
func (v *visitorSet) appendTotal(dst []byte) []byte {
	if v.many != nil {
		return v.many.AppendPacked(dst)
	}
	return appendAscending(append(dst, formList), v.sorted())
}

// appendPart appends the bytes of the set of another row; the total is that of its day and band, nil when there is none.
func (v *visitorSet) appendPart(dst []byte, total *visitorSet) []byte {
	if v.many != nil {
		return v.many.AppendPacked(dst)
	}
	mine := v.sorted()
	if total != nil && total.many == nil {
		if all := total.sorted(); slices.Equal(mine, all) {
			return dst
		} else if places, ok := placesIn(all, mine); ok {
			return appendAscending(append(dst, formPlaces), places)
		}
	}
	if len(mine) > maxList {
		return v.sketch().AppendPacked(dst)
	}
	return appendAscending(append(dst, formList), mine)
}

// placesIn returns where the items of part stand in all; both are in order.
func placesIn(all, part []uint32) (places []uint32, ok bool) {
	places = make([]uint32, 0, len(part))
	at := 0
	for _, item := range part {
		for at < len(all) && all[at] < item {
			at++
		}
		if at == len(all) || all[at] != item {
			return nil, false
		}
		places = append(places, uint32(at))
	}
	return places, true
}

// rosters are the totals' lists of the days of one site, to read other rows with.
type rosters struct {
	bands [4][]roster // by bucket
	room  []uint32    // places
}

type roster struct {
	bucket  int64
	coupons []uint32
}

const rostersSQL = `select bucket, bot_band, visitors
from rollup_days
where website_id = ? and dimension = '' and bot_band < ? and bucket > ? and bucket < ?
order by bucket`

// longestDay bounds the days of all zones.
const longestDay = 49 * hourMillis

// readRosters reads the lists of the days that meet [from, to), of the bands below threshold.
func readRosters(r selecter, websiteID string, threshold uint8, from, to int64) (*rosters, error) {
	out := &rosters{}
	err := r(rostersSQL, []any{websiteID, int64(threshold), from - longestDay, to}, func(c *Chunk) error {
		for i := range c.Rows() {
			if blob := c.Bytes(2, i); len(blob) > 0 && blob[0] == formList {
				coupons, err := readList(nil, blob)
				if err != nil {
					return err
				}
				band := &out.bands[c.Uint8s(1)[i]]
				*band = append(*band, roster{c.Int64s(0)[i], coupons})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the visitors of site %q: %w", websiteID, err)
	}
	return out, nil
}

// selecter runs a statement.
type selecter func(sql string, args []any, yield func(*Chunk) error) error

// of returns the list of the day in which the bucket lies.
func (r *rosters) of(bucket int64, band uint8) []uint32 {
	days := r.bands[band]
	at, found := r.search(bucket, band)
	if !found {
		at--
	}
	if at < 0 {
		return nil
	}
	return days[at].coupons
}

// on returns the list of the day that starts at bucket, nil when it has none; an empty one is not nil.
func (r *rosters) on(bucket int64, band uint8) []uint32 {
	at, found := r.search(bucket, band)
	if !found {
		return nil
	}
	return append([]uint32{}, r.bands[band][at].coupons...)
}

func (r *rosters) search(bucket int64, band uint8) (at int, found bool) {
	return slices.BinarySearchFunc(r.bands[band], bucket, func(day roster, bucket int64) int { return cmp.Compare(day.bucket, bucket) })
}

// read appends the coupons that the bytes of a row say to dst; of a sketch it returns the bytes. The total's own rows are read
// without rosters.
func (r *rosters) read(dst []uint32, blob []byte, bucket int64, band uint8) (coupons []uint32, sketch []byte, err error) {
	if len(blob) == 0 {
		return append(dst, r.of(bucket, band)...), nil, nil
	}
	switch blob[0] {
	case formList:
		coupons, err = readList(dst, blob)
		return coupons, nil, err
	case formPlaces:
		all := r.of(bucket, band)
		if r.room, err = readAscending(r.room[:0], blob[1:], len(all)); err != nil {
			return dst, nil, err
		}
		for _, place := range r.room {
			if int(place) >= len(all) {
				return dst, nil, errNumbers
			}
			dst = append(dst, all[place])
		}
		return dst, nil, nil
	}
	return dst, blob, nil
}

func readList(dst []uint32, blob []byte) ([]uint32, error) {
	from := len(dst)
	dst, err := readAscending(dst, blob[1:], maxRoster)
	for i := from; i < len(dst); i++ {
		dst[i] = bits.RotateLeft32(dst[i], -couponValueBits)
	}
	return dst, err
}

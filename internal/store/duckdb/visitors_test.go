package duckdb

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/footfall-analytics/footfall/internal/sketch"
)

func TestAscendingNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	lists := [][]uint32{nil, {0}, {1<<32 - 1}, {0, 1<<32 - 1}, {5, 6, 7, 4000000000}}
	for range 500 {
		var list []uint32
		limit := uint32(1) << (1 + r.IntN(31))
		for range r.IntN(600) {
			list = append(list, r.Uint32N(limit))
		}
		slices.Sort(list)
		lists = append(lists, slices.Compact(list))
	}
	for _, list := range lists {
		data := appendAscending([]byte{9}, list)
		got, err := readAscending(nil, data[1:], len(list))
		if err != nil || !slices.Equal(got, list) {
			t.Fatalf("%v became %v: %v", list, got, err)
		}
		if len(list) > 0 {
			if _, err := readAscending(nil, data[1:], len(list)-1); !errors.Is(err, errNumbers) {
				t.Errorf("a list of %d was read with a limit below", len(list))
			}
			if _, err := readAscending(nil, data[1:len(data)-1], len(list)); !errors.Is(err, errNumbers) {
				t.Errorf("a list of %d without its last byte was read", len(list))
			}
		}
	}
}

func TestAscendingNumbersAreShort(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, c := range []struct{ of, part, most int }{{600, 600, 78}, {600, 300, 120}, {600, 30, 24}, {600, 1, 5}} {
		var list []uint32
		for _, n := range r.Perm(c.of)[:c.part] {
			list = append(list, uint32(n))
		}
		slices.Sort(list)
		if n := len(appendAscending(nil, list)); n > c.most {
			t.Errorf("%d of %d take %d bytes, want at most %d", c.part, c.of, n, c.most)
		}
	}
}

func FuzzReadAscending(f *testing.F) {
	f.Add([]byte{3, 2, 0xff, 0x0f})
	f.Add([]byte{1, 32, 1, 2, 3, 4, 5})
	f.Add(appendAscending(nil, []uint32{1, 5, 900, 1 << 31}))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := readAscending(nil, data, 1000)
		if err != nil {
			return
		}
		if len(list) > 1000 || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Fatalf("%v is not in order", list)
		}
		if again, err := readAscending(nil, appendAscending(nil, list), 1000); err != nil || !slices.Equal(again, list) {
			t.Fatalf("%v became %v: %v", list, again, err)
		}
	})
}

// setOf adds some coupons twice and in any order.
func setOf(r *rand.Rand, coupons []uint32) *visitorSet {
	set := &visitorSet{}
	for _, at := range r.Perm(len(coupons)) {
		set.add(coupons[at : at+1])
	}
	set.add(coupons[:len(coupons)/2])
	return set
}

func TestVisitorSets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const bucket, band = 1000, 1
	for _, c := range []struct {
		total, part, outside int
		form                 int // -1 for no bytes, -2 for a sketch
	}{
		{0, 0, 0, -1}, {5, 0, 0, formPlaces}, {5, 5, 0, -1}, {600, 40, 0, formPlaces}, {600, 600, 0, -1}, {600, 599, 0, formPlaces},
		{maxRoster, 3000, 0, formPlaces}, {maxRoster + 1, 30, 0, formList}, {maxRoster + 1, maxList, 0, formList},
		{maxRoster + 1, maxList + 1, 0, -2}, {maxRoster + 1, maxRoster + 1, 0, -2}, {600, 40, 1, formList}, {0, 3, 3, formList},
	} {
		var coupons []uint32
		for i := range max(c.total, c.part) + c.outside {
			coupons = append(coupons, sketch.Coupon(string(rune(i))+"x"))
		}
		part := coupons[:c.part:c.part]
		if c.outside > 0 {
			part = append(part, coupons[len(coupons)-c.outside:]...)
		}
		total, set := setOf(r, coupons[:c.total]), setOf(r, part)
		blob := set.appendPart(nil, total)
		if form := formOf(blob); form != c.form {
			t.Errorf("%+v: form %d", c, form)
		}
		checkSet(t, rostersOf(t, total.appendTotal(nil), bucket, band), blob, part)
		checkSet(t, nil, total.appendTotal(nil), coupons[:c.total])
	}
}

func formOf(blob []byte) int {
	switch {
	case len(blob) == 0:
		return -1
	case blob[0] > formPlaces:
		return -2
	}
	return int(blob[0])
}

func rostersOf(t *testing.T, total []byte, bucket int64, band uint8) *rosters {
	t.Helper()
	out := &rosters{}
	if total[0] == formList {
		coupons, err := readList(nil, total)
		if err != nil {
			t.Fatal(err)
		}
		out.bands[band] = []roster{{bucket - 500, []uint32{1 << 26}}, {bucket, coupons}, {bucket + 500, nil}}
	}
	return out
}

// checkSet reads a set a while after its day began and compares it with what a sketch makes of the coupons.
func checkSet(t *testing.T, rosters *rosters, blob []byte, coupons []uint32) {
	t.Helper()
	got, want := sketch.New(), sketch.New()
	read, many, err := rosters.read([]uint32{7 << 26}, blob, 1400, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, coupon := range read[1:] {
		got.Add(coupon)
	}
	if many != nil {
		if err := got.MergeBytes(many); err != nil {
			t.Fatal(err)
		}
	}
	for _, coupon := range coupons {
		want.Add(coupon)
	}
	if !bytes.Equal(got.AppendBinary(nil), want.AppendBinary(nil)) {
		t.Errorf("%d coupons: read %v, want %v", len(coupons), got.Estimate(), want.Estimate())
	}
}

package sketch

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// vector is a union of sketches as the Python package made it.
type vector struct {
	Name  string
	Parts []struct {
		Pattern      string
		First, Count int
		Bytes        []byte
	}
	Union               []byte
	Estimate, Low, High float64
}

func readJSON[T any](t testing.TB, path string) (v T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func same(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }

func users(pattern string, first, count int) *Sketch {
	s := New()
	for i := first; i < first+count; i++ {
		s.Add(Coupon(fmt.Sprintf(pattern, i)))
	}
	return s
}

// ourBytes is one sketch written by Go, for generate.py to read.
type ourBytes struct {
	Name   string `json:"name"`
	Bytes  []byte `json:"bytes"`
	SHA256 string `json:"sha256"`
}

func TestVectors(t *testing.T) {
	var ours []ourBytes
	for _, v := range readJSON[[]vector](t, "testdata/vectors.json") {
		added, parsed, merged := New(), New(), New()
		for _, p := range v.Parts {
			part := users(p.Pattern, p.First, p.Count)
			added.Merge(part)
			if err := parsed.MergeBytes(p.Bytes); err != nil {
				t.Fatalf("%s: %v", v.Name, err)
			}
			if err := merged.MergeBytes(part.AppendBinary(nil)); err != nil {
				t.Fatalf("%s: own bytes: %v", v.Name, err)
			}
		}
		b := added.AppendBinary(nil)
		checkNumbers(t, v, added)
		checkPythonBytes(t, v, added)
		if !bytes.Equal(b, parsed.AppendBinary(nil)) || !bytes.Equal(b, merged.AppendBinary(nil)) {
			t.Errorf("%s: bytes depend on the way the visitors came", v.Name)
		}
		sum := sha256.Sum256(b)
		ours = append(ours, ourBytes{v.Name, b, hex.EncodeToString(sum[:])})
	}
	checkReadBack(t, ours)
}

func checkNumbers(t *testing.T, v vector, s *Sketch) {
	t.Helper()
	low, high := s.Bounds95()
	if e := s.Estimate(); !same(e, v.Estimate) || !same(low, v.Low) || !same(high, v.High) {
		t.Errorf("%s: got %v in %v-%v, want %v in %v-%v", v.Name, e, low, high, v.Estimate, v.Low, v.High)
	}
}

// checkPythonBytes compares with the union's bytes. Coupons stand in another order there and the history estimate of registers
// may be kept; all else must be equal.
func checkPythonBytes(t *testing.T, v vector, s *Sketch) {
	t.Helper()
	theirs := slices.Clone(v.Union)
	switch theirs[7] & 3 {
	case modeRegisters:
		clear(theirs[8:16])
	case modeList:
		sortCoupons(theirs[listHeader:])
	case modeSet:
		sortCoupons(theirs[setHeader:])
	}
	if b := s.AppendBinary(nil); !bytes.Equal(b, theirs) {
		t.Errorf("%s: bytes\n got %x\nwant %x", v.Name, b[:min(48, len(b))], theirs[:min(48, len(theirs))])
	}
}

func sortCoupons(b []byte) {
	coupons := make([]uint32, len(b)/4)
	for i := range coupons {
		coupons[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	slices.Sort(coupons)
	for i, c := range coupons {
		binary.LittleEndian.PutUint32(b[4*i:], c)
	}
}

// checkReadBack compares with what Python made of these very bytes (generate.py); SKETCH_OUT names the file to write them to.
func checkReadBack(t *testing.T, ours []ourBytes) {
	t.Helper()
	if path := os.Getenv("SKETCH_OUT"); path != "" {
		data, err := json.Marshal(ours)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	type back struct {
		Name, SHA256        string
		Estimate, Low, High float64
		OneMore             float64 `json:"one_more"`
	}
	read := readJSON[[]back](t, "testdata/readback.json")
	if len(read) != len(ours) {
		t.Fatalf("Python read %d sketches, not %d: run generate.py", len(read), len(ours))
	}
	for i, b := range read {
		if b.Name != ours[i].Name || b.SHA256 != ours[i].SHA256 {
			t.Fatalf("%s: Python read other bytes: run generate.py", b.Name)
		}
		s, err := Parse(ours[i].Bytes)
		if err != nil {
			t.Fatal(err)
		}
		checkNumbers(t, vector{Name: b.Name + " read by Python", Estimate: b.Estimate, Low: b.Low, High: b.High}, s)
		s.Add(Coupon("one more"))
		if !same(s.Estimate(), b.OneMore) {
			t.Errorf("%s: one more: got %v, Python %v", b.Name, s.Estimate(), b.OneMore)
		}
	}
}

// TestOrder adds and merges the same visitors in random ways: bytes and estimate must not change.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{3, 8, 200, 384, 385, 3000} {
		coupons := make([]uint32, n)
		for i := range coupons {
			coupons[i] = Coupon(fmt.Sprint("v", i))
		}
		want := mergeInParts(coupons, 1, rng).AppendBinary(nil)
		for range 20 {
			rng.Shuffle(n, func(i, j int) { coupons[i], coupons[j] = coupons[j], coupons[i] })
			if got := mergeInParts(coupons, 1+rng.IntN(9), rng).AppendBinary(nil); !bytes.Equal(got, want) {
				t.Fatalf("%d visitors: bytes depend on the order", n)
			}
		}
	}
}

func mergeInParts(coupons []uint32, parts int, rng *rand.Rand) *Sketch {
	sketches := make([]*Sketch, parts)
	for i := range sketches {
		sketches[i] = New()
	}
	for _, c := range coupons {
		sketches[rng.IntN(parts)].Add(c)
		sketches[rng.IntN(parts)].Add(c)
	}
	for _, s := range sketches[1:] {
		sketches[0].Merge(s)
	}
	return sketches[0]
}

// TestRegisters makes a sketch as SQL does, by max(value) per slot.
func TestRegisters(t *testing.T) {
	want := users("user-%d", 0, 5000)
	registers := map[uint16]uint8{}
	for i := range 5000 {
		c := Coupon(fmt.Sprintf("user-%d", i))
		slot := uint16(c & 4095)
		registers[slot] = max(registers[slot], uint8(c>>26))
	}
	got := New()
	for slot, value := range registers {
		got.AddRegister(slot, value)
	}
	got.AddRegister(4096, 1)
	got.AddRegister(0, 64)
	if !bytes.Equal(got.AppendBinary(nil), want.AppendBinary(nil)) {
		t.Error("registers and coupons give different sketches")
	}
}

// Packed bytes say the same in half the space: also of registers that are all taken and of values far above the others.
func TestPacked(t *testing.T) {
	f := func(name string, s *Sketch, most int) {
		t.Helper()
		packed := s.AppendPacked([]byte("x"))[1:]
		if len(packed) > most {
			t.Errorf("%s: %d bytes", name, len(packed))
		}
		got, err := Parse(packed)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(got.AppendBinary(nil), s.AppendBinary(nil)) {
			t.Errorf("%s: %v comes back as %v", name, s.Estimate(), got.Estimate())
		}
	}
	f("empty", New(), 8)
	f("few", users("user-%d", 0, 300), 12+4*300)
	f("many", users("user-%d", 0, 5000), 40+2048+4*4)
	f("very many", users("user-%d", 0, 300_000), 40+2048+4*30)
	high := users("user-%d", 0, 5000)
	for i := range 200 {
		high.AddRegister(uint16(i*20), uint8(10+i%54))
	}
	f("high", high, 40+2048+4*204)
	for slot := range registerCount {
		high.AddRegister(uint16(slot), uint8(49+slot%15))
	}
	f("highest", high, 40+2048+4*500)
	for _, v := range readJSON[[]vector](t, "testdata/vectors.json") {
		union, err := Parse(v.Union)
		if err != nil {
			t.Fatal(err)
		}
		f(v.Name, union, len(v.Union)+4*200)
	}
}

// Adding many at once is adding one by one.
func TestAddAll(t *testing.T) {
	for _, n := range []int{0, 1, 5, 300, 384, 385, 386, 1000, 5000} {
		var coupons []uint32
		for i := range n {
			coupons = append(coupons, Coupon(fmt.Sprint(i)), Coupon(fmt.Sprint(i/2)), addressMask)
		}
		for _, first := range []int{0, 1, 200, 500} {
			got, want := users("user-%d", 0, first), users("user-%d", 0, first)
			got.AddAll(coupons)
			for _, coupon := range coupons {
				want.Add(coupon)
			}
			if !bytes.Equal(got.AppendBinary(nil), want.AppendBinary(nil)) || got.Estimate() != want.Estimate() {
				t.Errorf("%d to %d: %v, want %v", n, first, got.Estimate(), want.Estimate())
			}
		}
	}
}

// No estimate comes near what Most says, from the first visitor on.
func TestMost(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 8 {
		s, most := New(), 0.0
		for n := int64(1); n < 60_000; n++ {
			s.Add(rng.Uint32()&addressMask | uint32(min(bits.LeadingZeros64(rng.Uint64()), 62)+1)<<addressBits)
			if s.registers != nil && n%97 != 0 {
				continue
			}
			if most = s.Estimate(); most > Most(n) || n > 400 && most > 1.2*float64(n) {
				t.Fatalf("%d visitors are estimated at %v, over %v", n, most, Most(n))
			}
		}
	}
}

func TestCoupon(t *testing.T) {
	f := func(id string, want uint32) {
		t.Helper()
		if got := Coupon(id); got != want {
			t.Errorf("%q: got %#x, want %#x", id, got, want)
		}
	}
	f("user-0", 0x0a4cbb4b) // as the Python package has it in a list of one
	f("user-1", 0x062c4276)
	if n := testing.AllocsPerRun(100, func() { Coupon("0190b5a0-7c3e-7abc-8def-0123456789ab") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	s := New()
	s.Add(0)
	s.Add(addressMask)
	if s.Estimate() != 0 {
		t.Error("a number without value was taken for a coupon")
	}
}

func TestBadBytes(t *testing.T) {
	set := users("user-%d", 0, 100).AppendBinary(nil)
	dense := users("user-%d", 0, 5000).AppendBinary(nil)
	change := func(b []byte, at int, to byte) []byte {
		b = slices.Clone(b)
		b[at] = to
		return b
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "cut header": set[:7], "cut set": set[:50], "cut count": set[:10], "cut registers": dense[:4135],
		"lgK 11": change(set, 3, 11), "family": change(set, 2, 6), "version": change(set, 1, 2), "mode": change(set, 7, 3),
		"preamble": change(set, 0, 2), "count": change(set, 8, 101), "huge count": change(set, 11, 255), "no value": change(set, 15, 0),
		"register of 64": change(dense, 100, 64), "type": change(dense, 7, 2|3<<2), "exceptions of HLL_4": change(change(dense, 7, 2), 36, 9),
	} {
		s := users("user-%d", 0, 3)
		before := s.AppendBinary(nil)
		if err := s.MergeBytes(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: got error %v", name, err)
		}
		if !bytes.Equal(before, s.AppendBinary(nil)) {
			t.Errorf("%s: the sketch has changed", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range readJSON[[]vector](f, "testdata/vectors.json") {
		for _, p := range v.Parts {
			if p.Count <= 5000 {
				f.Add(p.Bytes)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("%v is no ErrFormat", err)
			}
			return
		}
		low, high := s.Bounds95()
		if e := s.Estimate(); math.IsNaN(e) || e < 0 || low > high {
			t.Fatalf("estimate %v in %v-%v", e, low, high)
		}
		b := s.AppendBinary(nil)
		again, err := Parse(b)
		if err != nil || !bytes.Equal(b, again.AppendBinary(nil)) {
			t.Fatalf("own bytes do not come back: %v", err)
		}
	})
}

func BenchmarkSketch(b *testing.B) {
	small, dense := users("user-%d", 0, 5).AppendBinary(nil), users("user-%d", 0, 5000)
	denseBytes := dense.AppendBinary(nil)
	b.Run("Coupon", func(b *testing.B) {
		for b.Loop() {
			Coupon("qP3xT0aZ81Lw")
		}
	})
	mergeInto := func(data []byte, s *Sketch) func(b *testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.MergeBytes(data); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("MergeBytes/list of 5 into registers", mergeInto(small, users("user-%d", 0, 5000)))
	b.Run("MergeBytes/list of 5 into set", mergeInto(small, users("user-%d", 0, 100)))
	b.Run("MergeBytes/registers", mergeInto(denseBytes, users("user-%d", 0, 5000)))
	b.Run("MergeBytes/list of 5 into empty", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(small); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Estimate", func(b *testing.B) {
		for b.Loop() {
			dense.Estimate()
		}
	})
	b.Run("AppendBinary", func(b *testing.B) {
		var dst []byte
		for b.Loop() {
			dst = dense.AppendBinary(dst[:0])
		}
	})
}

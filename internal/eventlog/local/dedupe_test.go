package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

const t0 = 1_763_856_000_000

func idOf(n int) event.UUID { return event.NamedUUID([]byte(fmt.Sprint(n))) }

func resolve(t testing.TB, x *Index, ids ...DedupeKey) []bool {
	t.Helper()
	dup, err := x.Resolve(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	return dup
}

func TestResolve(t *testing.T) {
	l := openAt(t, Options{Dir: t.TempDir()})
	defer closeLog(t, l)
	x := l.Duplicates()
	offset := int64(-1)
	f := func(name, site string, id int, receivedAt int64, want bool) {
		t.Helper()
		offset++
		if got := resolve(t, x, DedupeKey{WebsiteID: site, EventID: idOf(id), Offset: offset, ReceivedAt: receivedAt}); got[0] != want {
			t.Errorf("%s: duplicate %v", name, got[0])
		}
	}
	const week = event.LateLimitMillis
	f("first", "s", 1, t0, false)
	f("at once again", "s", 1, t0, true)
	f("another site", "t", 1, t0, false)
	f("another id", "s", 2, t0, false)
	f("exactly 7 days before the first", "s", 2, t0-week, true)
	f("exactly 7 days later", "s", 1, t0+week, true)
	f("a millisecond more", "s", 1, t0+week+1, false)
	f("duplicate of the second", "s", 1, t0+2*week+1, true)
	f("an import of the past", "s", 1, t0-week-1, false)
	f("that import again", "s", 1, t0-week-1, true)
	f("between two stored ones", "s", 1, t0-5, true)
	f("another first one", "s", 3, t0, false)
}

func TestResolveWithinACall(t *testing.T) {
	l := openAt(t, Options{Dir: t.TempDir()})
	defer closeLog(t, l)
	const week = event.LateLimitMillis
	got := resolve(t, l.Duplicates(),
		DedupeKey{WebsiteID: "s", EventID: idOf(1), Offset: 0, ReceivedAt: t0}, DedupeKey{WebsiteID: "s", EventID: idOf(1), Offset: 1, ReceivedAt: t0}, DedupeKey{WebsiteID: "s", EventID: idOf(2), Offset: 2, ReceivedAt: t0}, DedupeKey{WebsiteID: "t", EventID: idOf(1), Offset: 3, ReceivedAt: t0},
		DedupeKey{WebsiteID: "s", EventID: idOf(1), Offset: 4, ReceivedAt: t0 + week + 1}, DedupeKey{WebsiteID: "s", EventID: idOf(1), Offset: 5, ReceivedAt: t0 + week}, DedupeKey{WebsiteID: "s", EventID: idOf(2), Offset: 6, ReceivedAt: t0 - week})
	if want := "[false true false false false true true]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestReplay: the same part of the log gives the same answers again, however it is cut, over a restart too.
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	keys := randomKeys(rng, 3000)
	l := openAt(t, Options{Dir: dir})
	want := resolveIn(t, l.Duplicates(), keys, rng)
	for round := range 3 {
		if got := resolveIn(t, l.Duplicates(), keys[round*500:], rng); fmt.Sprint(got) != fmt.Sprint(want[round*500:]) {
			t.Fatalf("round %d: a replay has other answers", round)
		}
		closeLog(t, l)
		l = openAt(t, Options{Dir: dir})
	}
	closeLog(t, l)
}

func randomKeys(rng *rand.Rand, n int) []DedupeKey {
	keys := make([]DedupeKey, n)
	for i := range keys {
		receivedAt := int64(t0 + i*1000)
		if rng.IntN(3) == 0 { // an import
			receivedAt -= rng.Int64N(40) * event.DayMillis
		}
		keys[i] = DedupeKey{WebsiteID: fmt.Sprint("s", rng.IntN(3)), EventID: idOf(rng.IntN(n / 3)), Offset: int64(i), ReceivedAt: receivedAt}
	}
	return keys
}

func resolveIn(t *testing.T, x *Index, keys []DedupeKey, rng *rand.Rand) (out []bool) {
	t.Helper()
	for len(keys) > 0 {
		n := min(1+rng.IntN(400), len(keys))
		out = append(out, resolve(t, x, keys[:n]...)...)
		keys = keys[n:]
	}
	return out
}

// TestResolveAgainstModel compares with the definition, written as plainly as can be.
func TestResolveAgainstModel(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 7))
		keys := randomKeys(rng, 2000)
		type named struct {
			site string
			id   event.UUID
		}
		stored := map[named][]int64{}
		want := make([]bool, len(keys))
		for i, k := range keys {
			name := named{k.WebsiteID, k.EventID}
			for _, at := range stored[name] {
				want[i] = want[i] || max(at-k.ReceivedAt, k.ReceivedAt-at) <= event.LateLimitMillis
			}
			if !want[i] {
				stored[name] = append(stored[name], k.ReceivedAt)
			}
		}
		l := openAt(t, Options{Dir: t.TempDir()})
		if got := resolveIn(t, l.Duplicates(), keys, rng); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("seed %d: not as the definition has it", seed)
		}
		closeLog(t, l)
	}
}

func (x *Index) entries(t *testing.T) (n int) {
	t.Helper()
	it, err := x.db.NewIter(duplicatesBounds(nil))
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestExpiry(t *testing.T) {
	now := int64(t0)
	l := openAt(t, Options{Dir: t.TempDir(), Now: func() time.Time { return time.UnixMilli(now) }})
	defer closeLog(t, l)
	x := l.Duplicates()
	offset := int64(0)
	put := func(id int, receivedAt int64, want bool) {
		t.Helper()
		if got := resolve(t, x, DedupeKey{WebsiteID: "s", EventID: idOf(id), Offset: offset, ReceivedAt: receivedAt}); got[0] != want {
			t.Errorf("id %d at %d: duplicate %v", id, receivedAt, got[0])
		}
		offset++
	}
	for i := range 1000 {
		put(i, t0, false)
	}
	put(5000, t0-90*event.DayMillis, false) // an import
	put(1, t0+event.LateLimitMillis, true)
	for day := int64(8); day < 12; day++ {
		now = t0 + day*event.DayMillis
		put(2000+int(day), now, false)
	}
	if n := x.entries(t); n > 10 {
		t.Errorf("%d entries are left", n)
	}
	put(1, now, false)
	put(2010, now, true)
	put(5000, t0-90*event.DayMillis, true)
	now = t0 + 430*event.DayMillis
	put(6000, now, false)
	put(5000, t0-90*event.DayMillis, false)
}

// TestAnImportOfMonthsIsRemembered: many months of received_at pass in a moment, and the same again are all duplicates, also
// after reopening.
func TestAnImportOfMonthsIsRemembered(t *testing.T) {
	dir := t.TempDir()
	l := openAt(t, Options{Dir: dir})
	const days, perDay = 200, 300
	pass := func(x *Index, from int64, want bool) {
		t.Helper()
		for day := range int64(days) {
			keys := make([]DedupeKey, perDay)
			for i := range keys {
				n := day*perDay + int64(i)
				keys[i] = DedupeKey{WebsiteID: "s", EventID: idOf(int(n)), Offset: from + n, ReceivedAt: t0 - (days-day)*event.DayMillis}
			}
			for i, dup := range resolve(t, x, keys...) {
				if dup != want {
					t.Fatalf("day %d, event %d: duplicate %v", day, i, dup)
				}
			}
		}
	}
	pass(l.Duplicates(), 0, false)
	pass(l.Duplicates(), 1<<30, true)
	closeLog(t, l)
	l = openAt(t, Options{Dir: dir})
	pass(l.Duplicates(), 1<<31, true)
	closeLog(t, l)
}

// TestFilterGrows: the filter stays right while it grows, when it is as large as it may be, and after reopening.
func TestFilterGrows(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Dir: dir, FilterBytes: leastFilter * 4}
	l := openAt(t, opts)
	const call, calls = 20_000, 10
	next := 0
	more := func() []DedupeKey {
		keys := make([]DedupeKey, call)
		for i := range keys {
			var id event.UUID
			binary.BigEndian.PutUint64(id[:], uint64(next)*0x9e3779b97f4a7c15)
			keys[i] = DedupeKey{WebsiteID: "s", EventID: id, Offset: int64(next), ReceivedAt: t0}
			next++
		}
		return keys
	}
	var first []DedupeKey
	for i := range calls {
		keys := more()
		if i == 0 {
			first = keys
		}
		for k, dup := range resolve(t, l.Duplicates(), keys...) {
			if dup {
				t.Fatalf("call %d: %d is a duplicate", i, k)
			}
		}
	}
	again := func(x *Index) {
		t.Helper()
		for i := range first {
			first[i].Offset += 1 << 40
		}
		for k, dup := range resolve(t, x, first...) {
			if !dup {
				t.Fatalf("%d is no duplicate", k)
			}
		}
	}
	again(l.Duplicates())
	if f := l.Duplicates().filter; !f.warm || len(f.blocks)*bytesPerBlock != leastFilter*4 {
		t.Errorf("filter of %d blocks, warm %v", len(f.blocks), f.warm)
	}
	closeLog(t, l)
	l = openAt(t, opts)
	for range 4 {
		again(l.Duplicates())
	}
	if !l.Duplicates().filter.warm {
		t.Error("the filter is not filled after reopening")
	}
	closeLog(t, l)
	if _, err := l.Duplicates().Resolve(t.Context(), first); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}

func TestBrokenOccurrences(t *testing.T) {
	good := appendOccurrences(nil, []occurrence{{-5, 7, 9}, {t0, 1 << 40, 1}})
	if got, err := parseOccurrences(nil, good); err != nil || fmt.Sprint(got) != fmt.Sprint([]occurrence{{-5, 7, 9}, {t0, 1 << 40, 1}}) {
		t.Errorf("got %v, %v", got, err)
	}
	for n := 1; n < 3; n++ {
		if _, err := parseOccurrences(nil, good[:n]); err == nil {
			t.Errorf("%d bytes were taken", n)
		}
	}
}

func FuzzGroup(f *testing.F) {
	var scratch []byte
	frames := appendFrame(appendFrame(nil, []byte("a")), make([]byte, 2000))
	f.Add(appendGroup(nil, header{count: 2, appendedAt: 5, bytesBefore: 7}, frames, &scratch))
	f.Add(appendGroup(nil, header{count: 1}, appendFrame(nil, []byte("x")), &scratch))
	f.Fuzz(func(t *testing.T, value []byte) {
		h, body, err := parseHeader(value)
		if err != nil {
			return
		}
		rest, err := openBody(h.codec, body)
		for err == nil && len(rest) > 0 {
			_, rest, err = nextFrame(rest)
		}
	})
}

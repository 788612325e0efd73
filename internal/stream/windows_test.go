package stream

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

// liveTraffic makes events of a site with timestamps up to 40 minutes before their arrival at now.
func liveTraffic(r *rand.Rand, now int64, n, users int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		late := r.Int64N(20_000)
		if r.IntN(4) == 0 {
			late = r.Int64N(40 * MinuteMillis)
		}
		user := r.IntN(users)
		events[i] = event.Event{
			WebsiteID: "s", Type: event.Type(1 + r.IntN(6)), Timestamp: now - late,
			SampleKey: mix(uint64(user)), BotBand: uint8(user % 4), Page: fmt.Sprint("/", r.IntN(20)),
			Source: fmt.Sprint("src", user%3), Country: fmt.Sprint("C", user%5),
		}
		if user%7 == 0 {
			events[i].BotBand = uint8(r.IntN(4))
		}
	}
	return events
}

func mix(n uint64) uint64 { return (n + 1) * 0x9e3779b97f4a7c15 }

// seen is an event and the clock when it came.
type seen struct {
	event.Event
	now int64
}

func TestWindowsEqualARecount(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := NewWindows(0)
		var all []seen
		now := int64(1_763_856_000_000) + r.Int64N(1e9)
		for round := range 60 {
			now += r.Int64N(90_000)
			for _, e := range liveTraffic(r, now, r.IntN(60), 40) {
				want := e.Type.InSession() && now-(e.Timestamp-e.Timestamp%WindowMillis+WindowMillis) < LateMillis
				if got := w.Add(&e, now); got != want {
					t.Fatalf("Add of an event %d ms late = %v", now-e.Timestamp, got)
				}
				if want {
					all = append(all, seen{e, now})
				}
			}
			if round%6 > 0 {
				continue // a recount is slow
			}
			for threshold := range uint8(5) {
				compareWithRecount(t, w, all, now, threshold)
			}
		}
	}
}

func compareWithRecount(t *testing.T, w *Windows, all []seen, now int64, threshold uint8) {
	t.Helper()
	for start := FirstMinute(now); start <= now; start += MinuteMillis {
		if got, want := w.Minute(start, threshold), recount(all, start, MinuteMillis, threshold); got != want {
			t.Fatalf("minute, threshold %d: got %+v, want %+v", threshold, got, want)
		}
	}
	for start := FirstMinute(now); start <= now; start += WindowMillis {
		if got, want := w.Window(start, threshold), recount(all, start, WindowMillis, threshold); got != want {
			t.Fatalf("window, threshold %d: got %+v, want %+v", threshold, got, want)
		}
	}
	if got, want := w.Totals(now, threshold), recount(all, FirstMinute(now), RealtimeMinutes*MinuteMillis, threshold); got != want {
		t.Fatalf("totals, threshold %d: got %+v, want %+v", threshold, got, want)
	}
	current := map[uint64]bool{}
	for _, e := range all {
		if e.BotBand < threshold && e.Timestamp > now-CurrentMillis {
			current[e.SampleKey] = true
		}
	}
	if got := w.Current(now, threshold); got != int64(len(current)) {
		t.Fatalf("current visitors, threshold %d: got %d, want %d", threshold, got, len(current))
	}
	if got, want := w.Tops(now, threshold, 10), recountTops(all, now, threshold, 10); !reflect.DeepEqual(got, want) {
		t.Fatalf("tops, threshold %d: got %v, want %v", threshold, got, want)
	}
}

func recount(all []seen, start, width int64, threshold uint8) Tally {
	tally := Tally{Start: start}
	visitors := map[uint64]bool{}
	for _, e := range all {
		if !e.Counted(threshold) || e.Timestamp < start || e.Timestamp >= start+width {
			continue
		}
		tally.Events++
		if e.Type == event.Pageview {
			tally.Pageviews++
		}
		visitors[e.SampleKey] = true
	}
	tally.Visitors = int64(len(visitors))
	return tally
}

func recountTops(all []seen, now int64, threshold uint8, n int) (lists [topDimensions][]Top) {
	for d := range lists {
		visitors := map[string]map[uint64]bool{}
		for _, e := range all {
			if e.Counted(threshold) && e.Timestamp >= FirstMinute(now) {
				value := [topDimensions]string{e.Page, e.Source, e.Country}[d]
				if visitors[value] == nil {
					visitors[value] = map[uint64]bool{}
				}
				visitors[value][e.SampleKey] = true
			}
		}
		for value, set := range visitors {
			lists[d] = append(lists[d], Top{value, int64(len(set))})
		}
		slices.SortFunc(lists[d], func(a, b Top) int {
			return cmp.Or(cmp.Compare(b.Visitors, a.Visitors), strings.Compare(a.Value, b.Value))
		})
		lists[d] = lists[d][:min(n, len(lists[d]))]
	}
	return lists
}

func TestChangedNamesEachBucketOnce(t *testing.T) {
	w := NewWindows(0)
	now := int64(1_763_856_000_000)
	at := func(ms int64) {
		w.Add(&event.Event{Type: event.Pageview, Timestamp: now + ms, SampleKey: 1}, now+30_000)
	}
	list := func() (got []int64) {
		w.Changed(func(s int64) { got = append(got, s-now) }, func(s int64) { got = append(got, (s-now)*1000) })
		return got
	}
	at(25_000)
	at(5_000)
	at(-30*MinuteMillis + 1)
	at(5_001)
	if got, want := list(), []int64{-1_800_000, 0, 20_000, -1_800_000_000, 0}; !slices.Equal(got, want) {
		t.Errorf("first: got %v, want %v", got, want)
	}
	at(9_999)
	if got, want := list(), []int64{0, 0}; !slices.Equal(got, want) {
		t.Errorf("second: got %v, want %v", got, want)
	}
	if got := list(); len(got) != 0 {
		t.Errorf("nothing changed, but got %v", got)
	}
}

// TestWindowsSample: more visitors than are tracked are estimated; when the rush is over, counts are exact again.
func TestWindowsSample(t *testing.T) {
	const limit, users = 2000, 50_000
	w := NewWindows(limit)
	now := int64(1_763_856_000_000)
	key := uint64(0)
	add := func() {
		key++
		w.Add(&event.Event{Type: event.Pageview, Timestamp: now, SampleKey: mix(key), Page: "/"}, now)
	}
	for range users {
		add()
	}
	if len(w.visitors.all) > limit || !w.Approximate() {
		t.Fatalf("%d visitors are held, approximate %v", len(w.visitors.all), w.Approximate())
	}
	if got := w.Totals(now, 2); got.Events != users || got.Visitors < users*9/10 || got.Visitors > users*11/10 {
		t.Errorf("totals of the rush: %+v", got)
	}
	if a, b := w.Minute(now, 2).Visitors, w.Totals(now, 2).Visitors; a != b {
		t.Errorf("the minute has %d visitors, the half hour %d", a, b)
	}
	for range 600 {
		now += MinuteMillis
		for range 3 {
			add()
		}
	}
	if got := w.Totals(now, 2).Visitors; w.Approximate() || got != 3*RealtimeMinutes {
		t.Errorf("after the rush: %d visitors, approximate %v", got, w.Approximate())
	}
}

func BenchmarkWindowsAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	w := NewWindows(0)
	now := int64(1_763_856_000_000)
	events := liveTraffic(r, now, 10_000, 3_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.Add(&events[i%len(events)], now)
	}
}

// BenchmarkWindowsRead measures what a push costs with 100,000 visitors in view.
func BenchmarkWindowsRead(b *testing.B) {
	w := NewWindows(0)
	now := int64(1_763_856_000_000)
	for i := range uint64(300_000) {
		key := i % 100_000
		w.Add(&event.Event{Type: event.Pageview, Timestamp: now - int64(key)*15, SampleKey: mix(key), Page: fmt.Sprint("/", i%300), Source: "s", Country: "DE"}, now)
	}
	for b.Loop() {
		w.Totals(now, 2)
		w.Current(now, 2)
		w.Tops(now, 2, 10)
	}
}

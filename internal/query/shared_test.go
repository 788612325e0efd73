package query

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"
)

// randomResult returns a result with every kind of value.
func randomResult(r *rand.Rand) *result {
	number := func() float64 {
		switch r.IntN(6) {
		case 0:
			return 0
		case 1:
			return math.Copysign(0, -1)
		case 2:
			return float64(r.Int64())
		case 3:
			return math.Float64frombits(r.Uint64()&^(0x7ff<<52) | uint64(r.IntN(2047))<<52) // any but NaN and infinities
		}
		return r.NormFloat64() * 1000
	}
	cells := func(n int) []any {
		out := make([]any, n)
		for i := range out {
			switch r.IntN(4) {
			case 0:
				out[i] = r.Int64() - r.Int64()
			case 1:
				out[i] = number()
			case 2:
				out[i] = newMoney(r.NormFloat64()*1e5, []string{"EUR", "JPY", "USD", "???"}[r.IntN(4)])
			}
		}
		return out
	}
	pointer := func() *float64 {
		if r.IntN(3) == 0 {
			return nil
		}
		v := number()
		return &v
	}
	texts := []string{"", "/", "ö\u2028<script>", "a\"b\\", "(not set)", "\U0001f600"}
	metrics := 1 + r.IntN(4)
	out := &result{results: make([]Result, r.IntN(5)), meta: Meta{
		Source: "events", Exact: r.IntN(2) == 0, DailyVisitors: r.IntN(2) == 0, ImportsSkipReason: texts[r.IntN(len(texts))],
	}}
	for i := range out.results {
		row := Result{Dimensions: []string{}, Metrics: cells(metrics)}
		for range r.IntN(3) {
			row.Dimensions = append(row.Dimensions, texts[r.IntN(len(texts))])
		}
		if r.IntN(2) == 0 {
			row.Comparison = &Comparison{Metrics: cells(metrics), Change: make([]*float64, metrics)}
			for m := range row.Comparison.Change {
				row.Comparison.Change[m] = pointer()
			}
		}
		out.results[i] = row
	}
	if r.IntN(2) == 0 {
		total, included := r.IntN(1000), r.IntN(2) == 0
		out.meta.TotalRows, out.meta.ImportsIncluded = &total, &included
		out.meta.Sample = &Sample{Rate: 0.1}
		out.meta.TimeLabels = []string{"2026-01-01", ""}
		out.meta.MetricWarnings = map[Metric]Warning{TotalRevenue: {"no_single_revenue_currency", "Text."}}
		out.meta.Error = map[Metric]Interval{Visitors: {Low: []float64{number()}, High: []float64{number()}}, Pageviews: {Low: []float64{}, High: []float64{}}}
	}
	out.bytes = weigh(out.results)
	return out
}

func TestEncodedResultsAreTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 5000 {
		want := randomResult(r)
		answer, err := want.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeResult(answer)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, got, want)
		}
		a, errA := json.Marshal(Reply{Results: want.results, Meta: want.meta})
		b, errB := json.Marshal(Reply{Results: got.results, Meta: got.meta})
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Fatalf("%v %v\n got %s\nwant %s", errA, errB, b, a)
		}
	}
}

func TestWhatCannotBeReadIsNotThere(t *testing.T) {
	whole, err := (&result{results: []Result{{Metrics: []any{int64(1)}}}}).encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, {}, {1, 2, 3}, whole[:len(whole)-1]} {
		if r, err := decodeResult(bad); err == nil {
			t.Errorf("%q: %+v", bad, r)
		}
	}
	for _, metric := range []any{math.NaN(), math.Inf(1), "text", 1} {
		if _, err := (&result{results: []Result{{Metrics: []any{metric}}}}).encode(); err == nil {
			t.Errorf("%v is written", metric)
		}
	}
}

// memoryShared is a Shared in memory; the functions, where set, come first.
type memoryShared struct {
	mu      sync.Mutex
	answers map[string][]byte
	locked  map[string]bool
	fail    error
	locks   int
}

func newMemoryShared() *memoryShared {
	return &memoryShared{answers: map[string][]byte{}, locked: map[string]bool{}}
}

func (m *memoryShared) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answers[key], m.fail
}

func (m *memoryShared) Set(_ context.Context, key string, answer []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[key] = answer
	return m.fail
}

func (m *memoryShared) Lock(_ context.Context, key string) (func(), bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil || m.locked[key] {
		return nil, false, m.fail
	}
	m.locked[key] = true
	m.locks++
	return func() { m.mu.Lock(); defer m.mu.Unlock(); delete(m.locked, key) }, true, nil
}

func sharingEngine(t *testing.T, f *fakeStore, shared Shared, timeout time.Duration) *Engine {
	t.Helper()
	e := fakeEngine(t, f, timeout)
	e.opts.Shared = shared
	return e
}

func TestSharedAnswers(t *testing.T) {
	f, shared := &fakeStore{run: numbers(4)}, newMemoryShared()
	first := ask(t, sharingEngine(t, f, shared, 0), plainBody)
	second := ask(t, sharingEngine(t, f, shared, 0), plainBody)
	if first.Meta.Cached || !second.Meta.Cached || f.runs.Load() != 1 || !reflect.DeepEqual(first.Results, second.Results) {
		t.Errorf("%d runs\n%+v\n%+v", f.runs.Load(), first, second)
	}
	f.version.Add(1)
	if ask(t, sharingEngine(t, f, shared, 0), plainBody).Meta.Cached {
		t.Error("an answer of an older version was found")
	}
	for key := range shared.answers {
		shared.answers[key] = []byte("of another version")
	}
	if ask(t, sharingEngine(t, f, shared, 0), plainBody).Meta.Cached || len(shared.locked) != 0 {
		t.Errorf("an unreadable answer was found, or locks are left: %v", shared.locked)
	}
	shared.fail = errors.New("away")
	if ask(t, sharingEngine(t, f, shared, 0), plainBody).Meta.Cached || f.runs.Load() != 4 {
		t.Errorf("with a store that fails: %d runs", f.runs.Load())
	}
}

func TestWaitingForAnotherProcessEndsInTime(t *testing.T) {
	f, shared := &fakeStore{run: numbers(4)}, newMemoryShared()
	e := sharingEngine(t, f, shared, 50*time.Millisecond)
	ask(t, e, plainBody)
	for key := range shared.answers {
		delete(shared.answers, key)
		shared.locked[key] = true
	}
	e = sharingEngine(t, f, shared, 50*time.Millisecond)
	if _, err := e.Query(context.Background(), testSite("Europe/Berlin"), []byte(plainBody)); !errors.Is(err, ErrTimeout) {
		t.Errorf("error: %v", err)
	}
}

// TestFailedRunsGiveTheLockUp: the next process tries itself.
func TestFailedRunsGiveTheLockUp(t *testing.T) {
	shared := newMemoryShared()
	f := &fakeStore{run: func(context.Context, []Part, func(int, *Rows) error) error { return errors.New("broken") }}
	e := sharingEngine(t, f, shared, 0)
	if _, err := e.Query(context.Background(), testSite("Europe/Berlin"), []byte(plainBody)); err == nil {
		t.Fatal("no error")
	}
	if len(shared.locked) != 0 || len(shared.answers) != 0 || shared.locks != 1 {
		t.Errorf("locked %v, %d answers, %d locks", shared.locked, len(shared.answers), shared.locks)
	}
}

package query

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeRollups is a Source of rollups by the minute.
type fakeRollups struct {
	mu   sync.Mutex
	run  func(ctx context.Context, parts []Part, yield func(int, *Rows) error) error
	err  error // of ready
	runs atomic.Int64
	asks atomic.Int64
}

func (f *fakeRollups) Run(ctx context.Context, parts []Part, yield func(int, *Rows) error) error {
	f.runs.Add(1)
	f.mu.Lock()
	run := f.run
	f.mu.Unlock()
	return run(ctx, parts, yield)
}
func (f *fakeRollups) Render(part *Part) (string, []any) {
	return "select from " + string(part.View), nil
}
func (f *fakeRollups) Engine(View) string { return "druid" }

func (f *fakeRollups) ready(context.Context) error {
	f.asks.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// set changes what the rollups do from now on.
func (f *fakeRollups) set(run func(context.Context, []Part, func(int, *Rows) error) error, ready error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.run, f.err = run, ready
}

// pairOf is an engine over events and rollups of which every day before testNow's is clean.
func pairOf(t *testing.T, events *fakeStore, rollups *fakeRollups, patience time.Duration) (*Engine, *Pair) {
	t.Helper()
	today := testNow.UnixMilli() / dayMillis * dayMillis
	events.facts.Rollups, events.facts.Clean = ByMinute, []Range{{today - 100*dayMillis, today}}
	pair := NewPair(PairOptions{Events: events, Rollups: rollups, Ready: rollups.ready, Clock: time.Now, Patience: patience, Retry: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	e, err := New(Options{Source: pair, Catalog: pair, Clock: func() time.Time { return testNow }})
	if err != nil {
		t.Fatal(err)
	}
	return e, pair
}

// until waits for a condition that comes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

const longBody = `{"site_id":"a.io","date_range":"month","metrics":["pageviews","visits"]}`

// The parts of both engines run at the same time, and their rows add up.
func TestPairRunsBothAtOnce(t *testing.T) {
	meet := make(chan struct{})
	together := func(rows func(context.Context, []Part, func(int, *Rows) error) error, byMinute bool) func(context.Context, []Part, func(int, *Rows) error) error {
		return func(ctx context.Context, parts []Part, yield func(int, *Rows) error) error {
			if slices.ContainsFunc(parts, func(p Part) bool { return p.View.ByMinute() != byMinute }) {
				t.Error("a part went to the wrong engine")
			}
			select {
			case meet <- struct{}{}:
			case <-meet:
			case <-ctx.Done():
				return ctx.Err()
			}
			return rows(ctx, parts, yield)
		}
	}
	events := &fakeStore{run: together(numbers(4), false)}
	rollups := &fakeRollups{run: together(numbers(30), true)}
	e, _ := pairOf(t, events, rollups, 0)
	reply := ask(t, e, longBody)
	if got := reply.Results[0].Metrics; got[0] != int64(34) || got[1] != int64(34) {
		t.Errorf("metrics %v", got)
	}
	if m := reply.Meta; m.Source != "rollups+events" || m.Degraded != "" || !m.Exact || strings.Join(m.Engines, " ") != "druid" ||
		!slices.Equal(m.Views, []View{ViewPageViews, ViewSources, ViewEvents, ViewSessions}) {
		t.Errorf("meta %+v", m)
	}
	explained, err := e.Explain(context.Background(), testSite("UTC"), []byte(longBody))
	if err != nil || explained.SQL[0].Engine != "druid" || explained.SQL[0].Text != "select from page_views" || explained.SQL[2].Engine != "" {
		t.Errorf("%+v, %v", explained, err)
	}
}

// Rollups that fail are replaced by events: the answer says so, and is not kept for when they are back.
func TestPairFallsBack(t *testing.T) {
	events := &fakeStore{run: numbers(4)}
	refused := func(_ context.Context, parts []Part, yield func(int, *Rows) error) error {
		if err := numbers(30)(context.Background(), parts[:1], yield); err != nil {
			return err
		}
		return errors.New("connection refused") // after some rows: they must not count
	}
	rollups := &fakeRollups{run: refused, err: errors.New("connection refused")}
	e, pair := pairOf(t, events, rollups, 0)
	for i := range 3 {
		reply := ask(t, e, longBody)
		if got := reply.Results[0].Metrics; got[0] != int64(4) || got[1] != int64(4) {
			t.Errorf("metrics %v", got)
		}
		const degraded = "the rollups cannot be asked, events are read instead: druid cannot be asked"
		if m := reply.Meta; m.Source != "events" || m.Degraded != degraded || m.Cached != (i == 2) || !slices.Equal(m.Views, []View{ViewEvents, ViewSessions}) {
			t.Errorf("answer %d: meta %+v", i, m)
		}
	}
	if n := rollups.runs.Load(); n != 1 {
		t.Errorf("the rollups were asked %d times while they were away", n)
	}
	if short := ask(t, e, plainBody); short.Meta.Degraded != "" {
		t.Errorf("a question that needs no rollups: %+v", short.Meta)
	}
	until(t, "the rollups are asked again", func() bool { return pair.Away() != "" && rollups.asks.Load() > 3 })
	rollups.set(numbers(30), nil)
	until(t, "the rollups are used again", func() bool { return pair.Away() == "" })
	if reply := ask(t, e, longBody); reply.Meta.Degraded != "" || reply.Meta.Cached || reply.Results[0].Metrics[0] != int64(34) {
		t.Errorf("after the return: %+v %+v", reply.Results, reply.Meta)
	}
}

// Above the limit the events in the rollups' place are sampled.
func TestPairSamplesInPlaceOfRollups(t *testing.T) {
	events := &fakeStore{run: numbers(4), facts: Facts{Estimate: SampleAbove + 1}}
	rollups := &fakeRollups{run: numbers(30)}
	e, _ := pairOf(t, events, rollups, 0)
	if reply := ask(t, e, longBody); reply.Meta.Sample != nil || reply.Results[0].Metrics[0] != int64(34) {
		t.Errorf("from rollups: %+v %+v", reply.Results, reply.Meta)
	}
	events.version.Add(1)
	rollups.set(func(context.Context, []Part, func(int, *Rows) error) error { return errors.New("gone") }, errors.New("gone"))
	reply := ask(t, e, longBody)
	if reply.Meta.Sample == nil || reply.Meta.Degraded == "" || reply.Meta.Exact || reply.Results[0].Metrics[0] != int64(40) || len(reply.Meta.Error[Pageviews].Low) != 1 {
		t.Errorf("in place of rollups: %+v %+v", reply.Results, reply.Meta)
	}
}

// A broker that hangs costs a query its patience, once.
func TestPairIsNotHeldUp(t *testing.T) {
	hang := func(ctx context.Context, _ []Part, _ func(int, *Rows) error) error {
		<-ctx.Done()
		return ctx.Err()
	}
	events := &fakeStore{run: numbers(4)}
	rollups := &fakeRollups{run: hang, err: errors.New("no answer")}
	e, _ := pairOf(t, events, rollups, 20*time.Millisecond)
	if reply := ask(t, e, longBody); !strings.Contains(reply.Meta.Degraded, "druid did not answer within 20ms") || reply.Results[0].Metrics[0] != int64(4) {
		t.Errorf("%+v %+v", reply.Results, reply.Meta)
	}
	ask(t, e, strings.Replace(longBody, "pageviews", "events", 1))
	if n := rollups.runs.Load(); n != 1 {
		t.Errorf("%d queries waited for it", n)
	}
}

// What is no fault of the rollups does not take them out of use.
func TestPairBlamesNobodyElse(t *testing.T) {
	f := func(name string, events, rows func(context.Context, []Part, func(int, *Rows) error) error, limit time.Duration, want string) {
		t.Helper()
		rollups := &fakeRollups{run: rows}
		e, pair := pairOf(t, &fakeStore{run: events}, rollups, 0)
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		_, err := e.Query(ctx, testSite("UTC"), []byte(longBody))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
		if away := pair.Away(); away != "" || rollups.asks.Load() != 0 {
			t.Errorf("%s: the rollups are out of use: %s", name, away)
		}
	}
	hang := func(ctx context.Context, _ []Part, _ func(int, *Rows) error) error {
		<-ctx.Done()
		return ctx.Err()
	}
	broken := func(context.Context, []Part, func(int, *Rows) error) error { return errors.New("disk") }
	f("the caller leaves", numbers(1), hang, 30*time.Millisecond, "deadline exceeded")
	f("the events fail", broken, hang, time.Minute, "disk")
	f("both fail", broken, func(ctx context.Context, parts []Part, yield func(int, *Rows) error) error {
		<-ctx.Done()
		return errors.New("the connection was closed")
	}, time.Minute, "disk")
}

// Many questions at once, some while the rollups go and come.
func TestPairConcurrency(t *testing.T) {
	events := &fakeStore{run: numbers(1)}
	rollups := &fakeRollups{run: numbers(2)}
	e, pair := pairOf(t, events, rollups, 0)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 50 {
				if worker == 0 && i%10 == 5 {
					rollups.set(func(context.Context, []Part, func(int, *Rows) error) error { return errors.New("gone") }, errors.New("gone"))
				} else if worker == 0 {
					rollups.set(numbers(2), nil)
				}
				events.version.Add(1)
				reply := ask(t, e, longBody)
				if want := map[bool]int64{true: 1, false: 3}[reply.Meta.Degraded != ""]; reply.Results[0].Metrics[0] != want {
					t.Errorf("%v with %+v", reply.Results[0].Metrics, reply.Meta)
				}
			}
		})
	}
	wg.Wait()
	rollups.set(numbers(2), nil)
	until(t, "the rollups are used again", func() bool { return pair.Away() == "" })
}

package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/sketch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeStore is a Source and Catalog of functions.
type fakeStore struct {
	run     func(ctx context.Context, parts []Part, yield func(int, *Rows) error) error
	version atomic.Uint64
	facts   Facts
	runs    atomic.Int64
}

func (f *fakeStore) Run(ctx context.Context, parts []Part, yield func(int, *Rows) error) error {
	f.runs.Add(1)
	return f.run(ctx, parts, yield)
}
func (f *fakeStore) Render(*Part) (string, []any)                      { return "select 1", []any{"s"} }
func (f *fakeStore) FirstEvent(string) (int64, bool)                   { return testNow.UnixMilli() - 20*dayMillis, true }
func (f *fakeStore) Version(string, int64, int64) uint64               { return f.version.Load() }
func (f *fakeStore) Facts(string, int64, int64, []int64) (facts Facts) { return f.facts }
func (f *fakeStore) Ledger(context.Context, string, int64, int64) (*Ledger, error) {
	return &Ledger{Received: 3, Stored: 2, Filtered: map[string]int64{"bot": 1}}, nil
}

func fakeEngine(t *testing.T, f *fakeStore, timeout time.Duration) *Engine {
	t.Helper()
	e, err := New(Options{Source: f, Catalog: f, Clock: func() time.Time { return testNow }, FreshAt: func(string) int64 { return 7 }, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// numbers yields one row of the same number for every measure of every part.
func numbers(n int64) func(context.Context, []Part, func(int, *Rows) error) error {
	return func(_ context.Context, parts []Part, yield func(int, *Rows) error) error {
		for i := range parts {
			rows := &Rows{Len: 1}
			for range parts[i].Measures {
				rows.Ints, rows.Texts = append(rows.Ints, []int64{n}), append(rows.Texts, nil)
			}
			for range parts[i].Products {
				rows.Products = append(rows.Products, []float64{float64(n)})
			}
			if err := yield(i, rows); err != nil {
				return err
			}
		}
		return nil
	}
}

func ask(t *testing.T, e *Engine, body string) *Reply {
	t.Helper()
	reply, err := e.Query(context.Background(), testSite("Europe/Berlin"), []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return reply
}

const plainBody = `{"site_id":"a.io","date_range":"7d","metrics":["visitors","pageviews","bounce_rate"]}`

func TestReplyShape(t *testing.T) {
	f := &fakeStore{run: numbers(4)}
	got, err := json.Marshal(ask(t, fakeEngine(t, f, 0), plainBody))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"results":[{"dimensions":[],"metrics":[4,4,100]}],` +
		`"meta":{"source":"events","views":["events","sessions"],"exact":true,"fresh_at":7,"cached":false,"took_ms":0,"daily_visitors":true},` +
		`"query":{"site_id":"a.io","metrics":["visitors","pageviews","bounce_rate"],"date_range":["2026-07-08T00:00:00+02:00","2026-07-14T23:59:59+02:00"],` +
		`"filters":[],"dimensions":[],"order_by":[],"include":{"imports":false,"time_labels":false,"total_rows":false},"pagination":{"limit":10000,"offset":0}}}`
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestCacheFollowsVersions(t *testing.T) {
	f := &fakeStore{run: numbers(4)}
	e := fakeEngine(t, f, 0)
	if ask(t, e, plainBody).Meta.Cached {
		t.Error("the first answer came from the cache")
	}
	if !ask(t, e, plainBody).Meta.Cached {
		t.Error("the second answer did not come from the cache")
	}
	f.version.Add(1)
	f.run = numbers(5)
	if reply := ask(t, e, plainBody); reply.Meta.Cached || reply.Results[0].Metrics[0] != int64(5) {
		t.Errorf("after a change: %+v", reply)
	}
	if reply := ask(t, e, strings.Replace(plainBody, "visitors", "events", 1)); reply.Meta.Cached {
		t.Error("another question was answered from the cache")
	}
	site := testSite("Europe/Berlin")
	site.Threshold = 3
	if reply, err := e.Query(context.Background(), site, []byte(plainBody)); err != nil || reply.Meta.Cached {
		t.Errorf("another threshold: %+v, %v", reply, err)
	}
}

// Callers that ask the same at once share one run; it ends when the last of them leaves.
func TestOneFlight(t *testing.T) {
	started, release := make(chan struct{}, 9), make(chan struct{})
	f := &fakeStore{}
	f.run = func(ctx context.Context, parts []Part, yield func(int, *Rows) error) error {
		started <- struct{}{}
		select {
		case <-release:
			return numbers(4)(ctx, parts, yield)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	e := fakeEngine(t, f, 0)
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error)
	go func() {
		_, err := e.Query(ctx, testSite("UTC"), []byte(plainBody))
		left <- err
	}()
	<-started
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { ask(t, e, strings.Replace(plainBody, "Europe", "UTC", 1)) })
	}
	<-started // the zone differs: a second flight
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left got %v", err)
	}
	close(release)
	wg.Wait()
	if n := f.runs.Load(); n > 3 {
		t.Errorf("%d runs for two questions", n)
	}
}

func TestTimeout(t *testing.T) {
	f := &fakeStore{run: func(ctx context.Context, _ []Part, _ func(int, *Rows) error) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	_, err := fakeEngine(t, f, time.Millisecond).Query(context.Background(), testSite("UTC"), []byte(plainBody))
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v, want ErrTimeout", err)
	}
}

func TestErrorsOfTheSourceAreNotCached(t *testing.T) {
	f := &fakeStore{run: func(context.Context, []Part, func(int, *Rows) error) error { return errors.New("disk") }}
	e := fakeEngine(t, f, 0)
	if _, err := e.Query(context.Background(), testSite("Europe/Berlin"), []byte(plainBody)); err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("got %v", err)
	}
	f.run = numbers(1)
	if reply := ask(t, e, plainBody); reply.Meta.Cached {
		t.Error("an error was cached")
	}
}

func TestSampleIsScaledWithItsInterval(t *testing.T) {
	f := &fakeStore{run: numbers(100), facts: Facts{Estimate: SampleAbove + 1}}
	reply := ask(t, fakeEngine(t, f, 0), plainBody)
	if reply.Meta.Exact || reply.Meta.Sample == nil || reply.Meta.Sample.Rate != 0.1 {
		t.Fatalf("meta %+v", reply.Meta)
	}
	if got := fmt.Sprint(reply.Results[0].Metrics); got != "[1000 1000 100]" {
		t.Errorf("metrics %s", got)
	}
	// 100 of 1,000 visitors seen: the deviation is about 10 * sqrt(0.9 * 100), the distribution is Poisson's
	interval := reply.Meta.Error[Visitors]
	if math.Abs(interval.Low[0]-(1000-1.96*94.868+8.36)) > 0.1 || math.Abs(interval.High[0]-(1000+1.96*94.868+18.94)) > 0.1 {
		t.Errorf("interval %+v", interval)
	}
	if _, ok := reply.Meta.Error[BounceRate]; !ok {
		t.Error("the rate has no interval")
	}
}

// Sketches of rollups and coupons of events unite; sums add.
func TestMergedAnswer(t *testing.T) {
	f := &fakeStore{facts: Facts{}}
	first := sketch.New()
	for i := range 50 {
		first.Add(sketch.Coupon(fmt.Sprint(i)))
	}
	f.run = func(_ context.Context, parts []Part, yield func(int, *Rows) error) error {
		for i, part := range parts {
			rows := &Rows{Len: 2, Values: [][][]byte{{[]byte("DE"), []byte("US")}}, Ints: make([][]int64, len(part.Measures)), Texts: make([][][]byte, len(part.Measures))}
			for m, measure := range part.Measures {
				switch measure {
				case VisitorSketch:
					rows.Texts[m] = [][]byte{first.AppendBinary(nil), nil}
				case VisitorCoupons:
					rows.Coupons = [][]uint32{{sketch.Coupon("49"), sketch.Coupon("50")}, {sketch.Coupon("1")}}
				default:
					rows.Ints[m] = []int64{10, 1}
				}
			}
			if err := yield(i, rows); err != nil {
				return err
			}
		}
		return nil
	}
	q, facts := planCase(t, "30d | visit:country_name | visitors,pageviews | - | but=2026-07-03", ByDay)
	f.facts = facts
	reply := ask(t, fakeEngine(t, f, 0), `{"site_id":"s","date_range":"30d","dimensions":["visit:country_name"],"metrics":["visitors","pageviews"]}`)
	if got := fmt.Sprint(reply.Results[0], reply.Results[1]); got != "{[Germany] [51 20] <nil>} {[United States] [1 2] <nil>}" {
		t.Errorf("%s of %v", got, q.Dimensions)
	}
	interval := reply.Meta.Error[Visitors]
	if reply.Meta.Source != "rollups+events" || reply.Meta.Exact || interval.Low[0] > 51 || interval.High[0] < 51 {
		t.Errorf("meta %+v", reply.Meta)
	}
}

func TestComparison(t *testing.T) {
	f := &fakeStore{}
	f.run = func(_ context.Context, parts []Part, yield func(int, *Rows) error) error {
		for i, part := range parts {
			before := part.Ranges[0].To < testNow.UnixMilli()-5*dayMillis
			rows := &Rows{Len: 2, Values: [][][]byte{{[]byte("/"), []byte("/new")}}, Ints: [][]int64{{15, 5}}, Texts: [][][]byte{nil}}
			if before {
				rows = &Rows{Len: 1, Values: [][][]byte{{[]byte("/")}}, Ints: [][]int64{{10}}, Texts: [][][]byte{nil}}
			}
			if err := yield(i, rows); err != nil {
				return err
			}
		}
		return nil
	}
	reply := ask(t, fakeEngine(t, f, 0), `{"site_id":"s","date_range":"7d","dimensions":["event:page"],"metrics":["events"],"include":{"compare":"previous_period","total_rows":true},"pagination":{"limit":2}}`)
	got, err := json.Marshal(reply.Results)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"dimensions":["/"],"metrics":[15],"comparison":{"metrics":[10],"change":[50]}},{"dimensions":["/new"],"metrics":[5],"comparison":{"metrics":[0],"change":[null]}}]`
	if string(got) != want || *reply.Meta.TotalRows != 2 {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestExplain(t *testing.T) {
	f := &fakeStore{run: numbers(1)}
	e := fakeEngine(t, f, 0)
	got, err := e.Explain(context.Background(), testSite("UTC"), []byte(plainBody))
	if err != nil {
		t.Fatal(err)
	}
	if got.Source != "events" || len(got.SQL) != 2 || got.SQL[1].Part != 1 || got.Ledger.Received != 3 || len(got.Versions) != 1 || len(got.Plan.Parts) != 2 {
		t.Errorf("%+v", got)
	}
	if f.runs.Load() != 0 {
		t.Error("explain ran the query")
	}
	if _, err := e.Explain(context.Background(), testSite("UTC"), []byte(`{}`)); err == nil {
		t.Error("a bad request was explained")
	}
}

func TestEmptyTotals(t *testing.T) {
	f := &fakeStore{run: func(context.Context, []Part, func(int, *Rows) error) error { return nil }}
	body := `{"site_id":"s","date_range":"7d","metrics":["visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit","time_on_page","scroll_depth","percentage","total_revenue","average_revenue"]}`
	reply := ask(t, fakeEngine(t, f, 0), body)
	if got := fmt.Sprint(reply.Results); got != "[{[] [0 0 0 0 0 0 0 <nil> <nil> 0 <nil> <nil>] <nil>}]" {
		t.Errorf("results %s", got)
	}
	if reply.Meta.MetricWarnings[TotalRevenue].Code != "no_revenue_goals_matching" {
		t.Errorf("warnings %+v", reply.Meta.MetricWarnings)
	}
	if reply := ask(t, fakeEngine(t, f, 0), `{"site_id":"s","date_range":"7d","dimensions":["time:day"],"metrics":["visitors"],"include":{"time_labels":true}}`); len(reply.Results) != 0 || len(reply.Meta.TimeLabels) != 7 {
		t.Errorf("%+v", reply)
	}
}

func TestMoney(t *testing.T) {
	f := func(value float64, code, short, long string) {
		t.Helper()
		if got := newMoney(value, code); got.Short != short || got.Long != long || got.Value != value {
			t.Errorf("%v %s: got %+v", value, code, got)
		}
	}
	f(1234.5, "USD", "$1.2K", "$1,234.50")
	f(12, "EUR", "€12.00", "€12.00")
	f(-1234567.891, "GBP", "-£1.2M", "-£1,234,567.89")
	f(5e9, "JPY", "¥5.0B", "¥5,000,000,000")
	f(3, "XXQ", "XXQ 3.00", "XXQ 3.00")
}

func TestMixedCurrencies(t *testing.T) {
	f := &fakeStore{run: func(_ context.Context, parts []Part, yield func(int, *Rows) error) error {
		rows := &Rows{Len: 1, Ints: make([][]int64, len(parts[0].Measures)), Texts: make([][][]byte, len(parts[0].Measures))}
		for m, measure := range parts[0].Measures {
			switch measure {
			case CurrencyMin:
				rows.Texts[m] = [][]byte{[]byte("EUR")}
			case CurrencyMax:
				rows.Texts[m] = [][]byte{[]byte("USD")}
			default:
				rows.Ints[m] = []int64{2}
			}
		}
		return yield(0, rows)
	}}
	reply := ask(t, fakeEngine(t, f, 0), `{"site_id":"s","date_range":"7d","metrics":["total_revenue"]}`)
	if reply.Results[0].Metrics[0] != nil || reply.Meta.MetricWarnings[TotalRevenue].Code != "no_single_revenue_currency" {
		t.Errorf("%+v", reply)
	}
}

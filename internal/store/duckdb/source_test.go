package duckdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
)

func equal(got, want any) bool {
	switch g := got.(type) {
	case nil:
		return want == nil
	case int64:
		got = float64(g)
	case query.Money:
		got = g.Value
	}
	w, ok := want.(float64)
	g, ok2 := got.(float64)
	return ok && ok2 && math.Abs(g-w) <= 1e-9*max(1, math.Abs(w))
}

// scales are the metrics that a sample multiplies.
var scales = map[query.Metric]bool{query.Visitors: true, query.Visits: true, query.Pageviews: true, query.Events: true, query.TotalRevenue: true}

var (
	pageMetrics = []query.Metric{query.Visitors, query.Visits, query.Pageviews, query.Events, query.BounceRate, query.VisitDuration, query.ViewsPerVisit,
		query.TimeOnPage, query.ScrollDepth, query.Percentage, query.TotalRevenue, query.AverageRevenue}
	eventMetrics  = slices.DeleteFunc(slices.Clone(pageMetrics), func(m query.Metric) bool { return m == query.TimeOnPage || m == query.ScrollDepth })
	rolledMetrics = []query.Metric{query.Visitors, query.Pageviews, query.Events, query.Percentage, query.TotalRevenue}
)

func conditions() []*condition {
	list := []condition{
		on("is", "event:page", "/a", "(not set)"), on("is_not", "event:page", "/"), on("contains", "event:page", "a/", "not"), on("contains_not", "event:page", "/a"),
		on("matches", "event:page", "^/a"), on("is", "event:name", "pageview"), on("is", "event:name", "Buy"), folded("event:name", "bUY"),
		on("is", "event:props:plan", "pro", "it's"), on("is_not", "event:props:plan", "(not set)"), on("is", "event:hostname", "x.io"),
		on("is", "visit:source", "Direct / None", "Bing"), on("is_not", "visit:source", "Google"), on("contains", "visit:source", "o"), on("is", "visit:country_name", "Germany"),
		on("is_not", "visit:country_name", "Germany"), on("contains", "visit:country_name", "not", "States"), on("is", "visit:entry_page", "(not set)"), on("is", "visit:exit_page", "/a"),
		folded("visit:utm_medium", "CPC"),
	}
	list = append(list, combine("and", on("is", "visit:source", "Google"), on("is", "event:page", "/")),
		combine("or", on("is", "visit:source", "Google"), on("is", "event:page", "/")),
		not(combine("and", on("is", "visit:os", "iOS"), on("is", "visit:device", "mobile"))),
		done(on("is", "event:page", "/a")), not(done(on("is", "event:name", "signup"))), done(combine("and", on("is", "event:page", "/"), on("is", "visit:source", "Google"))),
		combine("and", done(on("is", "event:name", "Buy")), on("is", "event:page", "/")), combine("or", done(on("is", "event:name", "Buy")), on("is", "visit:os", "iOS")))
	out := []*condition{nil}
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

func metricsFor(dims []string, where *condition, rolled bool) []query.Metric {
	beyond := func(text string) bool {
		return strings.Contains(text, "event:name") || strings.Contains(text, "event:props")
	}
	text := strings.Join(dims, " ")
	if where != nil && !strings.Contains(where.text, "has_done") {
		text += where.text
	} else if where != nil {
		text += strings.ReplaceAll(where.text, "event:name", "")
	}
	switch {
	case rolled && strings.Contains(text, "event:"):
		return rolledMetrics
	case beyond(text):
		return eventMetrics
	case rolled:
		return slices.DeleteFunc(slices.Clone(pageMetrics), func(m query.Metric) bool { return m == query.ScrollDepth })
	}
	return pageMetrics
}

func (h *history) questions(r *rand.Rand) (out []question) {
	all := slices.Sorted(maps.Keys(lookups))
	start, end := h.events[0].Timestamp, h.events[len(h.events)-1].Timestamp
	week := func() string {
		from := time.UnixMilli(start + r.Int64N(max(end-start, 1)))
		return fmt.Sprintf("[%q,%q]", from.UTC().Format(time.RFC3339), from.Add(time.Duration(1+r.IntN(7*24*60))*time.Minute).UTC().Format(time.RFC3339))
	}
	for _, where := range conditions() {
		dims := [][]string{{}, {pick(r, "time:day", "time:hour", "time")}, {pick(r, all...)}, {pick(r, all...), pick(r, "time:day", "time:week")}}
		if other := pick(r, all...); other != dims[2][0] {
			dims = append(dims, []string{dims[2][0], other})
		}
		for _, d := range dims {
			dates := pick(r, week(), `"7d"`, `"all"`, `"month"`, `"day"`)
			if slices.Contains(d, "time:minute") {
				dates = `"day"`
			}
			rolled := dates == `"all"` || dates == `"month"`
			out = append(out, question{metricsFor(d, where, rolled && r.IntN(2) == 0), d, where, dates})
		}
	}
	for _, d := range all {
		out = append(out, question{metricsFor([]string{d}, nil, true), []string{d}, nil, `"all"`}, question{metricsFor([]string{d}, nil, true), []string{d, "time:week"}, nil, `"all"`})
	}
	for _, interval := range []string{"time:hour", "time:day", "time:week", "time:month", "time"} {
		out = append(out, question{metricsFor(nil, nil, true), []string{interval}, nil, `"all"`})
	}
	return append(out, question{[]query.Metric{query.Visitors}, []string{"time:minute"}, nil, `"24h"`})
}

// check compares the engine's answer with the recomputation; scale is that of a sample's counts.
func (h *history) check(t *testing.T, engine *query.Engine, q *question, scale float64) {
	t.Helper()
	req, err := query.Parse([]byte(q.body()))
	if err != nil {
		t.Fatalf("%s: %v", q.body(), err)
	}
	resolved, err := query.Resolve(req, &h.site, h.now, h.events[0].Timestamp)
	if err != nil {
		t.Fatalf("%s: %v", q.body(), err)
	}
	reply, err := engine.Query(context.Background(), &h.site, []byte(q.body()))
	if err != nil {
		t.Fatalf("%s: %v", q.body(), err)
	}
	want := h.recompute(q, resolved)
	totals := &question{dims: nil, where: q.where}
	total := 0.0
	if all := h.recompute(totals, resolved)[""]; all != nil {
		total = float64(len(all.visitors))
	}
	if len(q.dims) == 0 && want[""] == nil {
		want[""] = &tally{}
	}
	seen := map[string]int{}
	for _, result := range reply.Results {
		key := strings.Join(result.Dimensions, "|")
		seen[key]++
		tally := find(want, result.Dimensions, q.dims, seen[key])
		if tally == nil {
			t.Errorf("%s (%s): row %q should not be there: %v", q.body(), reply.Meta.Source, key, result.Metrics)
			continue
		}
		for i, m := range q.metrics {
			w := tally.metric(m, total)
			if number, ok := w.(float64); ok && scales[m] {
				w = number * scale
			}
			if !equal(result.Metrics[i], w) {
				t.Errorf("%s (%s, threshold %d, %s): row %q: %s is %v, want %v", q.body(), reply.Meta.Source, h.site.Threshold, h.site.Timezone, key, m, result.Metrics[i], w)
			}
		}
		tally.named = nil // found
	}
	for key, tally := range want {
		if tally.named != nil && tally.present(q.metrics) {
			t.Errorf("%s (%s): row %q is missing", q.body(), reply.Meta.Source, key)
		}
	}
}

// find returns the row with these dimensions; of hours that the clock repeats, the nth.
func find(rows map[string]*tally, dims, names []string, nth int) *tally {
	var keys []string
	for key, t := range rows {
		plain := slices.Clone(strings.Split(key, "|"))
		if len(names) == 0 {
			return t
		}
		for i, name := range names {
			if strings.HasPrefix(name, "time") {
				plain[i], _, _ = strings.Cut(plain[i], "#")
			}
		}
		if slices.Equal(plain, dims) && t.named != nil {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	sort.Slice(keys, func(i, j int) bool {
		return len(keys[i]) < len(keys[j]) || len(keys[i]) == len(keys[j]) && keys[i] < keys[j]
	})
	return rows[keys[0]]
}

func newEngine(t testing.TB, s *Store, now time.Time) *query.Engine {
	t.Helper()
	source := s.Source()
	engine, err := query.New(query.Options{Source: source, Catalog: source, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// Every answer equals a recomputation from the events: before rollups are there, with them, and after late events.
func TestAnswersEqualRecomputation(t *testing.T) {
	for seed := range uint64(unlessShort(2, 1)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newHistory(seed)
			r := rand.New(rand.NewPCG(seed, 8))
			s := openTest(t)
			late := len(h.events) - 1 - r.IntN(20)
			cut := h.before(late)
			commit(t, s, cut.batch(cut.events, cut.sessions, 1))
			engine := newEngine(t, s, h.now)
			for i, q := range cut.questions(r) {
				if i%3 == 0 {
					cut.check(t, engine, &q, 1)
				}
			}
			build(t, s, &h.site, h.now)
			for _, q := range cut.questions(r) {
				cut.check(t, engine, &q, 1)
			}
			late1 := h.batch(h.events[late:], h.sessions, 2)
			for _, old := range cut.sessions {
				late1.Withdrawals = append(late1.Withdrawals, old.Ref())
			}
			commit(t, s, late1)
			for i, q := range h.questions(r) {
				if i%2 == 0 {
					h.check(t, engine, &q, 1)
				}
			}
		})
	}
}

// Questions for which there is too little memory are answered in shares.
func TestSharesEqualRecomputation(t *testing.T) {
	h := newHistory(7)
	s := openTest(t)
	commit(t, s, h.batch(h.events, h.sessions, 1))
	engine := newEngine(t, s, h.now)
	for i, q := range h.questions(rand.New(rand.NewPCG(7, 8))) {
		if s.leastShares = shares; i%32 == 0 {
			s.leastShares = shares * shares
		}
		if i%4 == 0 {
			h.check(t, engine, &q, 1)
		}
	}
}

// TestQuestionsInLittleMemory asks what the engine cannot answer in one statement, and asks the same with memory for it.
func TestQuestionsInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes in 300,000 events")
	}
	options := Options{Path: filepath.Join(t.TempDir(), "events.duckdb"), MemoryLimit: 1 << 30}
	now := time.UnixMilli(historyFrom + 2*dayMillis)
	ask := func() (answers []string, cut int) {
		s, err := Open(options)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if s.Empty() {
			traffic := newTraffic(1, historyFrom, 200)
			for range 12 {
				commit(t, s, traffic.batch(25_000))
			}
		}
		engine := newEngine(t, s, now)
		for _, question := range []string{
			`"metrics":["visitors","pageviews"],"dimensions":["event:page","visit:source","visit:browser"]`,
			`"metrics":["visits","bounce_rate"],"dimensions":[],"filters":[["contains","event:page",["section"]]]`,
		} {
			body := fmt.Sprintf(`{"site_id":"site-0001","date_range":["2025-03-26","2025-03-27"],%s,"pagination":{"limit":100000}}`, question)
			site := &event.Site{WebsiteID: "site-0001", Timezone: "UTC", Threshold: 2}
			plan, err := engine.Explain(context.Background(), site, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			for _, sql := range plan.SQL {
				if err := s.Select(context.Background(), sql.Text, sql.Args, func(*Chunk) error { return nil }); errors.Is(err, query.ErrMemory) {
					cut++
				}
			}
			reply, err := engine.Query(context.Background(), site, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, fmt.Sprint(reply.Results))
		}
		return answers, cut
	}
	want, cut := ask()
	if cut != 0 {
		t.Fatalf("%d statements had not enough memory of 1 GiB", cut)
	}
	options.MemoryLimit = 24 << 20
	got, cut := ask()
	if cut == 0 {
		t.Error("all statements had enough memory")
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("question %d: %.200s, want %.200s", i, got[i], want[i])
		}
	}
}

// crowded is a catalog that takes its store for a big one.
type crowded struct{ *Source }

func (c crowded) Facts(websiteID string, from, to int64, days []int64) query.Facts {
	facts := c.Source.Facts(websiteID, from, to, days)
	facts.Estimate = query.SampleAbove + 1
	return facts
}

// A sample answers as if there were the visitors with sample_key % 10 = 0 alone, counts times ten.
func TestSamplesEqualRecomputation(t *testing.T) {
	h := newHistory(3)
	var in, out []string
	for i := 0; len(in) < 6 || len(out) < 6; i++ {
		if name := fmt.Sprint("visitor ", i); xxhash.Sum64String(name)%query.SampleOneIn == 0 {
			in = append(in, name)
		} else {
			out = append(out, name)
		}
	}
	for i := range h.events {
		e := &h.events[i]
		e.UserID = append(in[:6:6], out[:6]...)[xxhash.Sum64String(e.UserID+e.Page)%12]
		e.SessionID, e.SampleKey, e.VisitorCoupon = e.UserID, xxhash.Sum64String(e.UserID), sketch.Coupon(e.UserID)
	}
	h.sessions = nil
	h.makeSessions()
	s := openTest(t)
	commit(t, s, h.batch(h.events, h.sessions, 1))
	few := &history{site: h.site, now: h.now, events: slices.DeleteFunc(slices.Clone(h.events), func(e event.Event) bool { return e.SampleKey%query.SampleOneIn != 0 })}
	few.makeSessions()
	if len(few.sessions) < 3 {
		t.Fatalf("the sample has %d sessions", len(few.sessions))
	}
	source := s.Source()
	engine, err := query.New(query.Options{Source: source, Catalog: crowded{source}, Clock: func() time.Time { return h.now }})
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range few.questions(rand.New(rand.NewPCG(5, 5))) {
		s.leastShares = []int{1, shares}[i%2]
		if q.dates != `"all"` && q.dates != `"month"` { // the longer ones read rollups
			few.check(t, engine, &q, query.SampleOneIn)
		}
	}
}

// Past the retention the rollups still answer; what they cannot is refused.
func TestRawRetention(t *testing.T) {
	h := newHistory(3)
	s := openTest(t)
	commit(t, s, h.batch(h.events, h.sessions, 1))
	build(t, s, &h.site, h.now)
	engine := newEngine(t, s, h.now)
	ask := func(metric string) (any, error) {
		reply, err := engine.Query(context.Background(), &h.site, []byte(`{"site_id":"s","date_range":"all","metrics":["`+metric+`"]}`))
		if err != nil {
			return nil, err
		}
		return reply.Results[0].Metrics[0], nil
	}
	want, err := ask("visitors")
	if err != nil {
		t.Fatal(err)
	}
	middle := h.events[len(h.events)/2].Timestamp
	if err := s.forgetSite(context.Background(), "s", floor(middle, dayMillis)); err != nil {
		t.Fatal(err)
	}
	if got, err := ask("visitors"); err != nil || got != want {
		t.Errorf("%v visitors, want %v: %v", got, want, err)
	}
	_, err = ask("scroll_depth")
	var bad *query.Error
	if !errors.As(err, &bad) || bad.Path != "date_range" || !strings.Contains(bad.Message, "are kept since") {
		t.Errorf("scroll_depth: %v", err)
	}
}

// before is the history without its events from index n on.
func (h *history) before(n int) *history {
	out := &history{site: h.site, now: h.now, events: slices.Clone(h.events[:n])}
	out.makeSessions()
	return out
}

func build(t testing.TB, s *Store, site *event.Site, now time.Time) {
	t.Helper()
	if err := s.BuildRollups(context.Background(), site, now.UnixMilli()); err != nil {
		t.Fatal(err)
	}
}

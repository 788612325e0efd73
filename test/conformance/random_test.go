package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random histories; 0 takes the time")

// TestRandomHistories sends shuffled, late and duplicated traffic and compares every answer with a recomputation from the
// list of events, while rollups are missing, in place, dirty, and made anew.
func TestRandomHistories(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d: run it again with -args -seed %d", seed, seed)
	d := open(t)
	zones := []string{"UTC", "Asia/Kolkata", "America/Santiago", "Europe/Berlin"}
	visits, questions := 150, 90
	if testing.Short() {
		zones, visits, questions = zones[1:3], 60, 25
	}
	var sites []*trial
	for i, zone := range zones {
		sites = append(sites, newTrial(t, d, zone, seed+uint64(i), visits))
	}
	for _, s := range sites {
		s.deliver(0.6)
	}
	for _, s := range sites {
		s.settle(step{})
		s.ask(questions / 3)
	}
	for _, s := range sites {
		s.awaitAll()
		s.ask(questions)
	}
	for _, s := range sites {
		s.deliver(1)
		s.settle(step{})
		s.ask(questions / 2)
	}
	for _, s := range sites {
		s.awaitAll()
		for _, threshold := range []int{2, 4, 0, 3, 1} {
			s.move(threshold)
			s.ask(questions / 4)
		}
		s.reports(questions / 6)
	}
	for i, s := range sites {
		s.rezone(zones[(i+1)%len(zones)])
		s.ask(questions / 6)
	}
	for _, s := range sites {
		s.awaitAll()
		s.ask(questions / 6)
		t.Logf("%s: %d events, rows compared %v, estimates within their interval %d", s.path, len(s.all), s.rows, s.widened)
		if hasRollups() && (s.rows["rollups"] == 0 || s.rows["rollups+events"] == 0 || s.rows["events"] == 0) {
			t.Errorf("not every source was put to the test: %v", s.rows)
		}
	}
	if d.server != nil {
		d.server.Run("audit")
	}
}

// trial is one site whose answers are compared.
type trial struct {
	*runner
	*naive
	rnd     *rand.Rand
	makes   *questioner
	all     []*happening // in the order in which they are sent
	sent    int
	from    time.Time
	widened int            // answers that were no exact number, but within their interval
	rows    map[string]int // rows compared, by the source of the answer
}

// historyStart is chosen so that clocks change within the history: in Berlin on 29 March, in Santiago on 5 April.
func historyStart() time.Time { return time.Date(2026, 3, 17, 0, 0, 0, 0, time.UTC) }

func newTrial(t *testing.T, d *deployment, zone string, seed uint64, visits int) *trial {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	s := &trial{runner: &runner{t: t, d: d, path: zone}, naive: &naive{zone: loc, limit: 2, starts: map[string]int64{}}, from: historyStart(), rows: map[string]int{}}
	s.rnd = rand.New(rand.NewPCG(seed, 3))
	s.makes = &questioner{s.rnd, s.from, loc}
	s.all = newHistory(seed, s.from, visits).events
	s.setSite(step{rest: "timezone=" + zone})
	return s
}

// deliver sends batches up to a part of the history, and tells the recomputation.
func (s *trial) deliver(part float64) {
	until := int(part * float64(len(s.all)))
	for s.sent < until {
		n := min(1+s.rnd.IntN(120), until-s.sent)
		bodies := []any{}
		for _, e := range s.all[s.sent : s.sent+n] {
			bodies = append(bodies, e.body(s.site.TrackingID))
		}
		reply := s.call(step{}, "POST", "/v1/import", bodies, s.key)
		if want := fmt.Sprintf(`"received":%d`, n); !strings.Contains(string(reply), want) || strings.Contains(string(reply), "rejected") {
			s.t.Fatalf("the import of %d events: %s", n, reply)
		}
		s.sent, s.expected = s.sent+n, s.expected+int64(n)
	}
	s.events = stored(s.all[:s.sent])
	s.visits = visitsOf(s.events)
}

// awaitAll waits until the rollups of all days with events are in place.
func (s *trial) awaitAll() {
	day := func(n int) string { return s.from.AddDate(0, 0, n).Format(time.DateOnly) }
	s.awaitRollups(step{rest: day(-12) + " " + day(historyDays+12)})
}

func (s *trial) move(threshold int) {
	s.setSite(step{rest: fmt.Sprintf("threshold=%d", threshold)})
	s.limit = threshold
}

// rezone gives the site another time zone, which holds for all that was before too.
func (s *trial) rezone(zone string) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		s.t.Fatal(err)
	}
	s.setSite(step{rest: "timezone=" + zone})
	s.zone, s.makes.zone, s.starts = loc, loc, map[string]int64{}
}

func (s *trial) ask(n int) {
	s.t.Helper()
	for _, dim := range []string{"visit:device", "event:page", "time:day"} { // what a difference is easily read in
		s.check(&question{metrics: []string{"visitors", "visits", "pageviews"}, dimensions: []string{dim}, order: [][2]string{{dim, "asc"}}, dates: [2]string{"2026-03-01", "2026-05-30"}})
	}
	for range n {
		q := s.makes.next()
		s.check(q)
		if s.t.Failed() {
			s.t.FailNow()
		}
	}
}

type wideReply struct {
	Results []struct {
		Dimensions []string
		Metrics    []any
		Comparison *struct{ Metrics []any }
	}
	Meta struct {
		Source    string
		Exact     bool
		TotalRows int `json:"total_rows"`
		Error     map[string]struct{ Low, High []float64 }
	}
}

// check compares one answer.
func (s *trial) check(q *question) {
	s.t.Helper()
	body, _ := json.Marshal(q.body(s.site.WebsiteID, s.zone))
	status, raw := s.d.patiently(s.t, func() (int, []byte) { return harness.Do(s.t, "POST", s.d.url+"/api/v2/query", s.key, body) })
	var got wideReply
	if err := json.Unmarshal(raw, &got); err != nil || status != 200 {
		s.t.Fatalf("%s: status %d: %s", body, status, raw)
	}
	from, to, before := q.span(s.naive)
	want := s.solve(q, from, to)
	if got.Meta.TotalRows != len(want) {
		s.t.Errorf("threshold %d, %s\n%d rows, want %d: %s", s.limit, body, got.Meta.TotalRows, len(want), raw)
	}
	s.rows[got.Meta.Source] += len(got.Results)
	page := want[min(q.offset, len(want)):]
	if q.limit > 0 {
		page = page[:min(q.limit, len(page))]
	}
	if len(page) != len(got.Results) {
		s.t.Errorf("threshold %d, %s\n%d results, want %d: %s", s.limit, body, len(got.Results), len(page), raw)
		return
	}
	var earlier map[string]answerRow
	if q.compare {
		earlier = s.earlier(q, before, from)
	}
	for i, row := range page {
		if same := s.sameRow(q, &got, i, row); !same {
			s.t.Errorf("threshold %d, %s\nrow %d of %s: %v %v, want %v %v", s.limit, body, i, got.Meta.Source, got.Results[i].Dimensions, got.Results[i].Metrics, row.values, row.metrics)
			return
		}
		if q.compare && !s.sameNumbers(got.Results[i].Comparison.Metrics, earlier[strings.Join(row.values, "\x00")].or(q)) {
			s.t.Errorf("threshold %d, %s\nrow %d of %s, before: %v, want %v", s.limit, body, i, got.Meta.Source, got.Results[i].Comparison.Metrics, earlier[strings.Join(row.values, "\x00")].or(q))
		}
	}
}

func (s *trial) earlier(q *question, from, to int64) map[string]answerRow {
	rows := map[string]answerRow{}
	for _, row := range s.solve(q, from, to) {
		rows[strings.Join(row.values, "\x00")] = row
	}
	return rows
}

// or is the row's metrics, or those of nothing.
func (r answerRow) or(q *question) []any {
	if r.tally != nil {
		return r.metrics
	}
	out := []any{}
	for _, m := range q.metrics {
		out = append(out, (&tally{}).metric(m, 0))
	}
	return out
}

func (s *trial) sameRow(q *question, got *wideReply, i int, want answerRow) bool {
	row := got.Results[i]
	if !slices.Equal(row.Dimensions, want.values) && len(q.dimensions) > 0 {
		return false
	}
	for j, m := range q.metrics {
		if sameNumber(row.Metrics[j], want.metrics[j]) {
			continue
		}
		bounds, estimated := got.Meta.Error[m]
		number, isNumber := want.metrics[j].(float64)
		if !estimated || got.Meta.Exact || !isNumber || number < bounds.Low[i] || number > bounds.High[i] {
			return false
		}
		s.widened++
	}
	return true
}

func (s *trial) sameNumbers(got, want []any) bool {
	return slices.EqualFunc(got, want, sameNumber)
}

// sameNumber compares a metric of a reply with one of the recomputation, but for what the last digits of a sum of floats
// may differ in.
func sameNumber(got, want any) bool {
	if money, ok := got.(map[string]any); ok {
		got = money["value"]
	}
	x, isX := got.(float64)
	y, isY := want.(float64)
	if !isX || !isY {
		return got == want
	}
	return math.Abs(x-y) <= 1e-12*max(math.Abs(x), math.Abs(y))
}

// reports compares the report with the recomputation.
func (s *trial) reports(n int) {
	dimensions := [][2]string{{"date", "time:day"}, {"source", "visit:source"}, {"device", "visit:device"}}
	metrics := [][2]string{{"users", "visitors"}, {"sessions", "visits"}, {"pageviews", "pageviews"}, {"bounce_rate", "bounce_rate"}}
	for range n {
		q := &question{metrics: []string{"visitors"}}
		s.makes.span(q)
		if q.dates[0] == "" {
			continue
		}
		var names, shown []string
		for _, d := range dimensions {
			if s.rnd.IntN(2) == 0 {
				names, q.dimensions = append(names, d[0]), append(q.dimensions, d[1])
			}
		}
		for _, m := range metrics {
			if len(shown) == 0 || s.rnd.IntN(2) == 0 {
				shown = append(shown, m[0])
				if m[1] != "visitors" {
					q.metrics = append(q.metrics, m[1])
				}
			}
		}
		if len(names) == 0 {
			names, q.dimensions = []string{"device"}, []string{"visit:device"}
		}
		q.order = [][2]string{{"visitors", "desc"}}
		if names[0] == "date" {
			q.order = [][2]string{{"time:day", "asc"}, {"visitors", "desc"}}
		}
		s.report(q, names, shown)
	}
}

func (s *trial) report(q *question, names, shown []string) {
	s.t.Helper()
	path := fmt.Sprintf("/api/v1/sites/%s/report?from=%s&to=%s&dimensions=%s&metrics=%s", s.site.WebsiteID, q.dates[0], q.dates[1],
		url.QueryEscape(strings.Join(names, ",")), url.QueryEscape(strings.Join(shown, ",")))
	var got struct {
		Rows      []map[string]any
		TotalRows int `json:"total_rows"`
	}
	s.decode(step{}, s.call(step{}, "GET", path, nil, s.key), &got)
	from, to, _ := q.span(s.naive)
	want := s.solve(q, from, to)
	if len(got.Rows) != len(want) || got.TotalRows != len(want) {
		s.t.Fatalf("%s: %d rows of %d, want %d", path, len(got.Rows), got.TotalRows, len(want))
	}
	byQuery := map[string]string{"users": "visitors", "sessions": "visits", "pageviews": "pageviews", "bounce_rate": "bounce_rate"}
	for i, row := range want {
		for j, name := range names {
			if got.Rows[i][name] != row.values[j] {
				s.t.Fatalf("%s: row %d: %v, want %v", path, i, got.Rows[i], row.values)
			}
		}
		for _, name := range shown {
			if !sameNumber(got.Rows[i][name], row.metrics[slices.Index(q.metrics, byQuery[name])]) {
				s.t.Fatalf("%s: row %d: %v, want %v %v", path, i, got.Rows[i], q.metrics, row.metrics)
			}
		}
	}
}

package query

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/sketch"
)

// pageDays is a Source and Catalog of the pages of some days: what a page had on a day.
type pageDays struct {
	start    int64
	days     []map[string]*pageDay
	dirty    int // the index of a day that is read from events
	setsRead int
}

type pageDay struct {
	events  int64
	coupons []uint32
}

// newPageDays makes days of pages from a pool of visitors, some of them often and some, the ties, alike.
func newPageDays(seed uint64, days int) *pageDays {
	r := rand.New(rand.NewPCG(seed, 7))
	p := &pageDays{start: time.Date(2026, 7, 14-days+1, 0, 0, 0, 0, time.UTC).UnixMilli(), dirty: days - 3}
	for range days {
		day := map[string]*pageDay{}
		for page := range 600 {
			visits := 3000 / (page + 2) / (1 + r.IntN(4))
			if page > 200 {
				visits = 1 + page%3
			}
			one := &pageDay{}
			for range visits {
				one.coupons = append(one.coupons, sketch.Coupon(fmt.Sprint(page%7, " ", r.IntN(6000))))
			}
			one.events = int64(visits) + r.Int64N(int64(visits)+1)
			slices.Sort(one.coupons)
			one.coupons = slices.Compact(one.coupons)
			if visits > 0 && page%40 != r.IntN(40) {
				day[fmt.Sprint("/page/", page)] = one
			}
		}
		p.days = append(p.days, day)
	}
	return p
}

func (p *pageDays) Run(_ context.Context, parts []Part, yield func(int, *Rows) error) error {
	for i := range parts {
		for at, day := range p.days {
			ms := p.start + int64(at)*dayMillis
			if !slices.ContainsFunc(parts[i].Ranges, func(r Range) bool { return r.From <= ms && ms < r.To }) {
				continue
			}
			if err := yield(i, p.rows(&parts[i], day)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pageDays) rows(part *Part, day map[string]*pageDay) *Rows {
	if part.Rollup != nil && *part.Rollup == "" || len(part.Dimensions) == 0 {
		total := &pageDay{}
		for _, one := range day {
			total.events += one.events
			total.coupons = append(total.coupons, one.coupons...)
		}
		day = map[string]*pageDay{"": total}
	}
	rows := &Rows{Values: make([][][]byte, len(part.Dimensions)), Ints: make([][]int64, len(part.Measures)), Texts: make([][][]byte, len(part.Measures))}
	for value, one := range day {
		if part.Where != nil && !part.Where.holds(value) {
			continue
		}
		rows.Len++
		for d := range part.Dimensions {
			rows.Values[d] = append(rows.Values[d], []byte(value))
		}
		for m, measure := range part.Measures {
			if measure == VisitorSketch || measure == VisitorCoupons {
				p.setsRead++
				rows.Coupons, rows.Texts[m] = append(rows.Coupons, one.coupons), append(rows.Texts[m], nil)
				continue
			}
			rows.Ints[m] = append(rows.Ints[m], one.events)
		}
	}
	return rows
}

func (p *Predicate) holds(value string) bool {
	switch p.Op {
	case "and":
		return !slices.ContainsFunc(p.Args, func(arg *Predicate) bool { return !arg.holds(value) })
	case "not":
		return !p.Args[0].holds(value)
	case "contains":
		return slices.ContainsFunc(p.Values, func(part string) bool { return strings.Contains(value, part) })
	}
	return slices.Contains(p.Values, value)
}

func (p *pageDays) Render(*Part) (string, []any)        { return "select 1", nil }
func (p *pageDays) FirstEvent(string) (int64, bool)     { return p.start, true }
func (p *pageDays) Version(string, int64, int64) uint64 { return 1 }
func (p *pageDays) Ledger(context.Context, string, int64, int64) (*Ledger, error) {
	return &Ledger{}, nil
}
func (p *pageDays) Facts(_ string, _, _ int64, days []int64) (facts Facts) {
	for i := range len(days) - 1 {
		if days[i] != p.start+int64(p.dirty)*dayMillis {
			facts.Clean = append(facts.Clean, Range{days[i], days[i+1]})
		}
	}
	return facts
}

// stepping is a Source that reads on.
type stepping struct{ *pageDays }

func (s stepping) Steps(ctx context.Context, next func() []Part, yield func(int, *Rows) error) error {
	for parts := next(); len(parts) > 0; parts = next() {
		if err := s.Run(ctx, parts, yield); err != nil {
			return err
		}
	}
	return nil
}

// An answer in steps is the answer at once, to the last byte, and reads less.
func TestNarrowedEqualsWhole(t *testing.T) {
	pages := newPageDays(3, 62)
	for _, body := range []string{
		`"metrics":["visitors","pageviews"],"pagination":{"limit":10}`,
		`"metrics":["visitors"],"pagination":{"limit":5,"offset":95},"include":{"total_rows":true}`,
		`"metrics":["visitors","events","percentage"],"pagination":{"limit":50,"offset":210}`,
		`"metrics":["events","visitors"],"pagination":{"limit":9}`,
		`"metrics":["visitors","events"],"order_by":[["events","desc"],["event:page","asc"]],"pagination":{"limit":9,"offset":300}`,
		`"metrics":["visitors","events"],"order_by":[["visitors","desc"],["event:page","desc"]],"pagination":{"limit":200}`,
		`"metrics":["visitors","events"],"order_by":[["visitors","asc"]],"pagination":{"limit":20}`,
		`"metrics":["visitors","events"],"order_by":[["events","desc"],["visitors","desc"]],"pagination":{"limit":20}`,
		`"metrics":["visitors","percentage"],"order_by":[["percentage","desc"]],"pagination":{"limit":20}`,
		`"metrics":["visitors","events"],"pagination":{"limit":12},"include":{"compare":"previous_period","total_rows":true}`,
		`"metrics":["visitors"],"filters":[["contains","event:page",["/page/1"]]],"pagination":{"limit":10},"include":{"total_rows":true}`,
		`"metrics":["visitors"],"filters":[["is_not","event:page",["/page/1","/page/2"]]],"pagination":{"limit":3}`,
		`"metrics":["visitors","events"]`,
	} {
		body = `{"site_id":"s","date_range":"30d","dimensions":["event:page"],` + body + `}`
		whole, again := *pages, *pages
		narrow := stepping{&again}
		want, got := askPages(t, &whole, &whole, body), askPages(t, narrow, narrow, body)
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
		if narrow.setsRead > whole.setsRead {
			t.Errorf("%s: %d sets read in steps, %d at once", body, narrow.setsRead, whole.setsRead)
		}
		if strings.Contains(body, `"pageviews"],"pagination":{"limit":10}`) && narrow.setsRead*2 > whole.setsRead {
			t.Errorf("%s: %d sets read in steps, %d at once", body, narrow.setsRead, whole.setsRead)
		}
	}
}

func askPages(t *testing.T, source Source, catalog Catalog, body string) string {
	t.Helper()
	e, err := New(Options{Source: source, Catalog: catalog, Clock: func() time.Time { return testNow }})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := e.Query(context.Background(), testSite("UTC"), []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if reply.Meta.Source != "rollups+events" || len(reply.Results) == 0 {
		t.Fatalf("%s: %d rows from %s", body, len(reply.Results), reply.Meta.Source)
	}
	text, err := json.Marshal(reply)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

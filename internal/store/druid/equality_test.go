package druid

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
)

// plain is a row of either datasource as the comparison reads it: by the names of columns.
type plain struct {
	site      string
	at        int64
	band      int64
	inSession bool
	texts     map[string]string
	sums      map[query.Measure]int64
	currency  string
	users     []uint32
}

func plainView(v *pageView) plain {
	return plain{v.WebsiteID, v.Timestamp, v.BotBand, v.InSession == 1,
		map[string]string{"page": v.Page, "country": v.Country, "device_type": v.DeviceType, "browser": v.Browser, "source": v.Source, "medium": v.Medium},
		map[query.Measure]int64{query.PageviewCount: v.Views, query.EventCount: v.Events, query.EngagedMs: v.TotalTime, query.RevenueSum: v.Revenue,
			query.RevenueEvents: v.RevenueEvents}, v.Currency, v.users}
}

func plainVisit(v *visit) plain {
	return plain{v.WebsiteID, v.Timestamp, v.BotBand, true,
		map[string]string{"source": v.Source, "medium": v.Medium, "campaign": v.Campaign, "channel": v.Channel, "entry_page": v.EntryPage, "country": v.Country,
			"device_type": v.DeviceType, "browser": v.Browser},
		map[query.Measure]int64{query.VisitCount: v.Sessions, query.BounceCount: v.Bounces, query.DurationMs: v.Duration, query.SessionPageviews: v.Pageviews}, "", v.users}
}

// total is a group's answer.
type total struct {
	sums     map[query.Measure]int64
	currency [2]string
	visitors *sketch.Sketch
}

func (t *total) String() string {
	return fmt.Sprintf("%v %q %x", t.sums, t.currency, t.visitors.AppendBinary(nil))
}

func (t *total) addCurrency(c string) {
	if c == "" {
		return
	}
	if t.currency[0] == "" || c < t.currency[0] {
		t.currency[0] = c
	}
	t.currency[1] = max(t.currency[1], c)
}

func groupOf(groups map[string]*total, key string) *total {
	if groups[key] == nil {
		groups[key] = &total{map[query.Measure]int64{}, [2]string{}, sketch.New()}
	}
	return groups[key]
}

// added answers a part by adding up rows.
func added(part *query.Part, rows []plain) map[string]*total {
	visits := func(c query.Column) bool { return c.Name != "page" }
	whole := part.View == query.ViewSources || !slices.ContainsFunc(part.Dimensions, visits) && !slices.ContainsFunc(columnsOf(part.Where), visits)
	groups := map[string]*total{}
	if len(part.Dimensions) == 0 && part.Edges == nil && !slices.Contains(part.Measures, query.CurrencyMin) {
		for _, m := range part.Measures {
			if alone := groupOf(groups, ""); m != query.VisitorSketch {
				alone.sums[m] = 0
			}
		}
	}
	for _, row := range rows {
		inside := slices.ContainsFunc(part.Ranges, func(r query.Range) bool { return row.at >= r.From && row.at < r.To })
		if row.site != part.WebsiteID || row.band >= int64(part.Threshold) || !inside || !whole && !row.inSession || !fulfils(part.Where, row.texts) {
			continue
		}
		key := ""
		for _, d := range part.Dimensions {
			key += fmt.Sprintf("%q ", row.texts[d.Name])
		}
		if part.Edges != nil {
			key += fmt.Sprint(slices.IndexFunc(part.Edges, func(edge int64) bool { return edge > row.at }) - 1)
		}
		group := groupOf(groups, key)
		for _, m := range part.Measures {
			switch {
			case m.IsText():
				group.addCurrency(row.currency)
			case m == query.VisitorSketch:
				group.visitors.AddAll(row.users)
			default:
				group.sums[m] += row.sums[m]
			}
		}
	}
	return groups
}

func columnsOf(p *query.Predicate) (columns []query.Column) {
	if p != nil && p.Column != nil {
		columns = append(columns, *p.Column)
	}
	if p != nil {
		for _, arg := range p.Args {
			columns = append(columns, columnsOf(arg)...)
		}
	}
	return columns
}

// fulfils says what a condition means.
func fulfils(p *query.Predicate, texts map[string]string) bool {
	is := func(arg *query.Predicate) bool { return fulfils(arg, texts) }
	switch {
	case p == nil:
		return true
	case p.Op == "and":
		return !slices.ContainsFunc(p.Args, func(arg *query.Predicate) bool { return !is(arg) })
	case p.Op == "or":
		return slices.ContainsFunc(p.Args, is)
	case p.Op == "not":
		return !is(p.Args[0])
	}
	text := texts[p.Column.Name]
	if text == "" && (p.Op == "contains" || p.Op == "matches") {
		return p.Empty
	}
	lower := func(s string) string {
		if p.Fold {
			return strings.Map(unicode.ToLower, s)
		}
		return s
	}
	return slices.ContainsFunc(p.Values, func(value string) bool {
		switch p.Op {
		case "contains":
			return strings.Contains(lower(text), lower(value))
		case "matches":
			if p.Fold {
				value = "(?i)" + value
			}
			return regexp.MustCompile(value).MatchString(text)
		}
		return lower(text) == lower(value)
	})
}

// answered answers a part by Druid, and checks that no group of one currency comes twice.
func answered(t *testing.T, s *Store, part query.Part) map[string]*total {
	t.Helper()
	groups := map[string]*total{}
	err := s.Source().Run(context.Background(), []query.Part{part}, func(_ int, rows *query.Rows) error {
		for i := range rows.Len {
			key := ""
			for _, values := range rows.Values {
				key += fmt.Sprintf("%q ", values[i])
			}
			if part.Edges != nil {
				key += fmt.Sprint(rows.Buckets[i])
			}
			group := groupOf(groups, key)
			for m, measure := range part.Measures {
				switch {
				case measure.IsText():
					group.addCurrency(string(rows.Texts[m][i]))
				case measure == query.VisitorSketch:
					if len(rows.Texts[m][i]) > 0 {
						if err := group.visitors.MergeBytes(rows.Texts[m][i]); err != nil {
							return err
						}
					}
				default:
					group.sums[measure] += rows.Ints[m][i]
				}
			}
		}
		return nil
	})
	if err != nil {
		text, args := s.Source().Render(&part)
		t.Fatalf("%v\n%s\n%v", err, text, args)
	}
	return groups
}

func compare(t *testing.T, s *Store, part query.Part, rows []plain) (groups int) {
	t.Helper()
	want, got := added(&part, rows), answered(t, s, part)
	for key := range want {
		if got[key] == nil || got[key].String() != want[key].String() {
			text, args := s.Source().Render(&part)
			t.Errorf("%s: got\n%v\nwant\n%v\n%s\n%v", key, got[key], want[key], text, args)
		}
	}
	if len(got) != len(want) {
		text, args := s.Source().Render(&part)
		t.Errorf("%d groups, not %d\n%s\n%v", len(got), len(want), text, args)
	}
	return len(want)
}

// history is the same rows in Druid and as they are.
type history struct{ views, visits []plain }

func newHistory(t *testing.T, s *Store, days int) (h history) {
	t.Helper()
	o, r := newObjects(t), rand.New(rand.NewPCG(11, 12))
	uris := map[string][]string{}
	for n := range days {
		for _, site := range []string{"s", "s2"} {
			views, visits := dayOfViews(r, site, day(n), 400), dayOfVisits(r, site, day(n), 200)
			for _, v := range views {
				h.views = append(h.views, plainView(v))
			}
			for _, v := range visits {
				h.visits = append(h.visits, plainVisit(v))
			}
			uris[PageViews] = append(uris[PageViews], o.put(t, fmt.Sprint("views", n, site), anyRows(views)))
			uris[Sources] = append(uris[Sources], o.put(t, fmt.Sprint("visits", n, site), anyRows(visits)))
		}
	}
	for datasource, list := range uris {
		if err := s.Replace(context.Background(), Replacement{datasource, day(0), day(days), list}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// Random parts over random rows: sums to the digit, visitors to the register.
func TestAnswersAreThoseOfTheRows(t *testing.T) {
	s := openTest(t, nil)
	h := newHistory(t, s, 3)
	r := rand.New(rand.NewPCG(13, 14))
	groups := 0
	for range 60 {
		groups += compare(t, s, randomPart(r, query.ViewPageViews), h.views)
		groups += compare(t, s, randomPart(r, query.ViewSources), h.visits)
	}
	if groups < 1000 {
		t.Errorf("only %d groups were compared", groups)
	}
	t.Logf("%d groups", groups)
}

var minuteDimensions = map[query.View][]string{
	query.ViewPageViews: {"page", "country", "device_type", "browser", "source", "medium"},
	query.ViewSources:   {"source", "medium", "campaign", "channel", "entry_page", "country", "device_type", "browser"},
}

func randomPart(r *rand.Rand, view query.View) query.Part {
	part := query.Part{View: view, WebsiteID: pick(r, []string{"s", "s2", "nobody"}), Threshold: uint8(1 + r.IntN(4))}
	minute := func() int64 { return day(0).UnixMilli() + int64(r.IntN(3*1440))*60_000 }
	for range 1 + r.IntN(3) {
		from, to := minute(), minute()
		part.Ranges = append(part.Ranges, query.Range{From: min(from, to), To: max(from, to) + 60_000})
	}
	column := func() query.Column {
		return query.Column{Table: query.RollupTable, Name: pick(r, minuteDimensions[view])}
	}
	for range r.IntN(3) {
		if c := column(); !slices.Contains(part.Dimensions, c) {
			part.Dimensions = append(part.Dimensions, c)
		}
	}
	if r.IntN(2) == 0 {
		part.Edges = randomEdges(r)
	}
	if r.IntN(3) > 0 {
		part.Where = randomCondition(r, column, 2)
	}
	all := []query.Measure{query.VisitorSketch, query.VisitCount, query.BounceCount, query.DurationMs, query.SessionPageviews}
	if view == query.ViewPageViews {
		all = []query.Measure{query.VisitorSketch, query.PageviewCount, query.EventCount, query.EngagedMs, query.RevenueEvents, query.RevenueSum}
	}
	for _, m := range all {
		if r.IntN(2) == 0 {
			part.Measures = append(part.Measures, m)
		}
	}
	if view == query.ViewPageViews && (len(part.Measures) == 0 || r.IntN(3) == 0) {
		part.Measures = append(part.Measures, query.CurrencyMin, query.CurrencyMax)
	}
	if len(part.Measures) == 0 {
		part.Measures = []query.Measure{query.VisitCount}
	}
	return part
}

// randomEdges are buckets of all three days, of one width or of some, as where the clock changes.
func randomEdges(r *rand.Rand) []int64 {
	at, end := day(0).UnixMilli(), day(3).UnixMilli()
	edges := []int64{at}
	width := pick(r, []int64{1, 60, 360, 1440})
	for at < end {
		step := width
		if r.IntN(6) == 0 && width > 1 {
			step = width/2 + 30
		}
		at = min(at+step*60_000, end)
		edges = append(edges, at)
	}
	return edges
}

func randomCondition(r *rand.Rand, column func() query.Column, depth int) *query.Predicate {
	if depth > 0 {
		arg := func() *query.Predicate { return randomCondition(r, column, depth-1) }
		switch r.IntN(5) {
		case 0:
			return &query.Predicate{Op: "and", Args: []*query.Predicate{arg(), arg()}}
		case 1:
			return &query.Predicate{Op: "or", Args: []*query.Predicate{arg(), arg(), arg()}}
		case 2:
			return &query.Predicate{Op: "not", Args: []*query.Predicate{arg()}}
		}
	}
	c := column()
	p := &query.Predicate{Op: pick(r, []string{"in", "contains", "matches", "among"}), Column: &c, Fold: r.IntN(2) == 0, Empty: r.IntN(2) == 0}
	values := slices.Concat(pagesOf, sourcesOf, mediumsOf, countriesOf, devicesOf, browsersOf)
	switch p.Op {
	case "contains":
		values = []string{"a", "/", "O", "e", "SS", "ß", "i", "%_x", "'", `\`, "日", "🎉"}
	case "matches":
		values = []string{"^/a", "o{1,2}", "[^a-m]$", "(?:b|e)", "^$", `\\`, "ÖSSE", "^.....$", "🎉", `[[:upper:]]`}
	case "among":
		p.Fold, p.Empty = false, false
	}
	for range r.IntN(4) {
		p.Values = append(p.Values, pick(r, values))
	}
	if len(p.Values) == 0 && p.Op != "in" {
		p.Values = []string{"a"}
	}
	return p
}

package query

import (
	"fmt"
	"slices"
	"time"
)

// Facts are what a plan depends on besides the query.
type Facts struct {
	// Estimate is the number of events stored in the query's range, as the ledger knows it.
	Estimate int64 `json:"estimate"`
	// Clean are the days in the range whose rollups are in place, as Ranges of one day each.
	Clean []Range `json:"-"`
	// RawFrom is the time before which events are no longer kept; 0 when all are.
	RawFrom int64 `json:"raw_from"`
}

// Plan says how a query is answered. It is made without an engine in mind, from the query and the facts alone.
type Plan struct {
	Source string `json:"source"`           // events, rollups or rollups+events
	Why    string `json:"why,omitempty"`    // why the rollups do not answer
	Exact  bool   `json:"exact"`            // no sketch and no sample stands behind a number
	Sample int    `json:"sample,omitempty"` // n when one visitor in n is read
	Facts  Facts  `json:"facts"`
	Parts  []Part `json:"parts"`
}

// SampleAbove is the estimate of rows above which events are sampled, one visitor in SampleOneIn.
const (
	SampleAbove   = 10_000_000
	SampleOneIn   = 10
	quarterMillis = 15 * 60 * 1000
	hotDays       = 7
)

// What a part is of.
const (
	ofRows  = "rows"
	ofTotal = "total"
)

// Plan chooses the views that answer the query.
func (q *Query) Plan(facts Facts) (*Plan, error) {
	p := &Plan{Facts: facts, Why: q.unrolled()}
	if p.Why != "" && q.From < facts.RawFrom {
		return nil, invalid("date_range", "single events are kept since %s only, and the rollups behind them cannot answer: %s",
			time.UnixMilli(facts.RawFrom).UTC().Format(dateForm), p.Why)
	}
	if p.Why != "" && facts.Estimate > SampleAbove {
		p.Sample = SampleOneIn
	}
	p.add(q, ofRows)
	if q.asks(Percentage) {
		total := *q
		total.Dimensions, total.Edges, total.Metrics = nil, nil, []Metric{Visitors}
		p.add(&total, ofTotal)
	}
	p.conclude()
	return p, nil
}

func (p *Plan) add(q *Query, of string) {
	from := len(p.Parts)
	if p.Why != "" {
		p.addHot(q, []Range{{q.From, q.To}}, measures(q.Metrics))
	} else {
		p.addRolled(q)
	}
	for i := from; i < len(p.Parts); i++ {
		part := &p.Parts[i]
		part.Of, part.WebsiteID, part.Threshold, part.Edges = of, q.WebsiteID, q.Threshold, q.Edges
		if part.Sample = p.Sample; p.Sample > 0 {
			part.Products = products(q.Metrics, part.Measures)
		}
	}
}

func (p *Plan) conclude() {
	rolled, events := false, false
	p.Exact = p.Sample == 0
	for i := range p.Parts {
		part := &p.Parts[i]
		isRollup := part.View == ViewDays || part.View == ViewQuarters
		rolled, events = rolled || isRollup, events || !isRollup
		if slices.Contains(part.Measures, VisitorSketch) || slices.Contains(part.Measures, VisitorCoupons) {
			p.Exact = false
		}
	}
	switch {
	case rolled && events:
		p.Source = "rollups+events"
	case rolled:
		p.Source = "rollups"
	default:
		p.Source = "events"
	}
}

// unrolled returns why the rollups cannot answer the query, "" when they can.
func (q *Query) unrolled() string {
	groups := q.groups()
	columns := q.Where.columns(nil)
	switch {
	case q.To-q.From <= weekMillis || len(q.Days)-1 <= hotDays:
		return "the range has at most 7 days"
	case len(groups) > 1:
		return "two dimensions are not rolled up together"
	case q.Where.HasDone():
		return "has_done reads single events"
	case len(columns) > 1:
		return "filters on two dimensions are not rolled up together"
	case len(columns) == 1 && len(groups) == 1 && columns[0] != groups[0].column():
		return "a dimension is not rolled up by another that is filtered"
	case q.asks(ScrollDepth):
		return "scroll_depth is not rolled up"
	}
	if len(groups) == 1 {
		columns = []Column{groups[0].column()}
	}
	if len(columns) == 1 {
		if why := q.columnUnrolled(columns[0]); why != "" {
			return why
		}
	}
	return q.intervalUnrolled(len(columns) == 0)
}

func (q *Query) columnUnrolled(column Column) string {
	if rollupOf(column) == "" {
		return fmt.Sprintf("%s is not rolled up", column.Name)
	}
	if column.Table == EventsTable && slices.ContainsFunc(q.Metrics, Metric.ofSessions) {
		return "sessions are not rolled up by dimensions of events"
	}
	return ""
}

func (q *Query) intervalUnrolled(total bool) string {
	fine := slices.Contains(q.Dimensions, timeHour) || slices.Contains(q.Dimensions, timeMinute)
	switch {
	case fine && !total:
		return "hours are not rolled up by a dimension"
	case slices.Contains(q.Dimensions, timeMinute):
		return "minutes are not rolled up"
	case fine && slices.ContainsFunc(q.Edges, func(edge int64) bool { return edge%quarterMillis != 0 }):
		return "the hours do not start on a quarter of an hour, UTC"
	}
	return ""
}

// rollupOf returns the name under which the column's values are rolled up, "" when they are not.
func rollupOf(column Column) string {
	for _, d := range RollupDimensions {
		if d.column() == column {
			return d.Name
		}
	}
	return ""
}

// addRolled splits the range into clean whole days, clean quarters and what is left to the events.
func (p *Plan) addRolled(q *Query) {
	days, quarters, rest := q.split(p.Facts.Clean)
	want := measures(q.Metrics)
	p.addRollup(q, ViewDays, days, replaced(want, VisitorSketch))
	p.addRollup(q, ViewQuarters, quarters, replaced(want, VisitorSketch))
	if len(rest) > 0 {
		p.addHot(q, rest, replaced(want, VisitorCoupons))
	}
}

// replaced returns the measures with another form of the visitors.
func replaced(of []Measure, visitors Measure) []Measure {
	out := slices.Clone(of)
	for i := range out {
		if out[i] == VisitorCount {
			out[i] = visitors
		}
	}
	return out
}

func (p *Plan) addRollup(q *Query, view View, ranges []Range, measures []Measure) {
	if len(ranges) == 0 {
		return
	}
	part := Part{View: view, Ranges: ranges, Measures: measures}
	if view == ViewDays {
		name := ""
		if columns := q.Where.columns(nil); len(columns) == 1 {
			name = rollupOf(columns[0])
		}
		if groups := q.groups(); len(groups) == 1 {
			name = groups[0].rollup()
			part.Dimensions = []Column{{Table: RollupTable, Name: "value"}}
		}
		part.Rollup, part.Where = &name, q.Where.rolled()
	}
	p.Parts = append(p.Parts, part)
}

// rolled returns the condition over the value of a rollup.
func (p *Predicate) rolled() *Predicate {
	if p == nil {
		return nil
	}
	out := *p
	if p.Column != nil {
		out.Column = &Column{Table: RollupTable, Name: "value"}
	}
	out.Args = nil
	for _, arg := range p.Args {
		out.Args = append(out.Args, arg.rolled())
	}
	return &out
}

// split gives each site day of the range to the rollups where it is clean, and joins what lies side by side.
func (q *Query) split(clean []Range) (days, quarters, rest []Range) {
	isClean := make(map[Range]bool, len(clean))
	for _, day := range clean {
		isClean[day] = true
	}
	total := len(q.groups()) == 0 && q.Where == nil
	byHour := slices.Contains(q.Dimensions, timeHour)
	for i := range len(q.Days) - 1 {
		day := Range{q.Days[i], q.Days[i+1]}
		in := Range{max(day.From, q.From), min(day.To, q.To)}
		switch {
		case in.From >= in.To:
		case !isClean[day]:
			rest = extend(rest, in)
		case in == day && !byHour:
			days = extend(days, in)
		case total && in.From%quarterMillis == 0 && in.To%quarterMillis == 0:
			quarters = extend(quarters, in)
		default:
			rest = extend(rest, in)
		}
	}
	return days, quarters, rest
}

func extend(ranges []Range, next Range) []Range {
	if n := len(ranges); n > 0 && ranges[n-1].To == next.From {
		ranges[n-1].To = next.To
		return ranges
	}
	return append(ranges, next)
}

// addHot adds the parts that read events and sessions.
func (p *Plan) addHot(q *Query, ranges []Range, want []Measure) {
	shape := shapeOf(q)
	add := func(view View, keep func(Measure) bool) {
		part := Part{View: view, Ranges: ranges, Where: q.Where, Dimensions: shape.dimensions}
		for _, m := range want {
			if keep(m) {
				part.Measures = append(part.Measures, m)
			}
		}
		if len(part.Measures) > 0 {
			p.Parts = append(p.Parts, part)
		}
	}
	add(shape.eventView(p.Sample > 0), func(m Measure) bool { return !m.OfSessions() && !m.ofScroll() })
	add(shape.sessionView(), Measure.OfSessions)
	add(ViewScroll, Measure.ofScroll)
}

// shape is which tables a query's dimensions and filters stand in.
type shape struct {
	dimensions       []Column
	events, sessions bool
}

func shapeOf(q *Query) shape {
	s := shape{events: q.Where.Uses(EventsTable), sessions: q.Where.Uses(SessionsTable) || q.Where.HasDone()}
	for _, d := range q.groups() {
		s.dimensions = append(s.dimensions, d.column())
		s.events = s.events || d.Table == EventsTable
		s.sessions = s.sessions || d.Table == SessionsTable
	}
	return s
}

// eventView avoids the join where it can. The spans hold sums over visitors, so a sample has to join.
func (s shape) eventView(sampled bool) View {
	switch {
	case !s.sessions:
		return ViewEvents
	case s.events || sampled:
		return ViewJoined
	}
	return ViewSpans
}

func (s shape) sessionView() View {
	if s.events {
		return ViewMatched
	}
	return ViewSessions
}

// productsOf lists the numerators and denominators whose products the interval of a metric needs.
var productsOf = map[Metric][2]Measure{
	Pageviews: {PageviewCount, ""}, Events: {EventCount, ""}, Visits: {VisitCount, ""},
	BounceRate: {BounceCount, VisitCount}, VisitDuration: {DurationMs, VisitCount}, ViewsPerVisit: {SessionPageviews, VisitCount},
	TimeOnPage: {EngagedMs, PageviewCount}, TotalRevenue: {RevenueSum, ""}, AverageRevenue: {RevenueSum, RevenueEvents},
	ScrollDepth: {ScrollSum, ScrollCount},
}

// products returns the pairs of the part's measures that the metrics' intervals need.
func products(of []Metric, have []Measure) (out [][2]Measure) {
	add := func(a, b Measure) {
		if a != "" && b != "" && slices.Contains(have, a) && slices.Contains(have, b) && !slices.Contains(out, [2]Measure{a, b}) {
			out = append(out, [2]Measure{a, b})
		}
	}
	for _, m := range of {
		pair := productsOf[m]
		add(pair[0], pair[0])
		add(pair[0], pair[1])
		add(pair[1], pair[1])
	}
	return out
}

package query

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Rollups is the kind of rollups that an installation has.
type Rollups string

// The kinds of rollups. Whether the visitors of a query are counted or estimated is the same with both: see estimated.
const (
	ByDay    Rollups = ""       // by one dimension and the site's day, and totals by quarter hours
	ByMinute Rollups = "minute" // by the minute and several dimensions; their days are UTC's
)

// Facts are what a plan depends on besides the query.
type Facts struct {
	Rollups Rollups `json:"rollups,omitempty"`
	// Estimate is the number of events stored in the query's range, as the ledger knows it.
	Estimate int64 `json:"estimate"`
	// Clean are the days whose rollups are in place, ascending: of ByDay the site's days in the range, as Ranges of one day
	// each; of ByMinute UTC days that meet it, those side by side as one Range.
	Clean []Range `json:"-"`
	// RawFrom is the time before which events are no longer kept; 0 when all are.
	RawFrom int64 `json:"raw_from"`
	// Away is why the rollups cannot be asked now, "" when they can.
	Away string `json:"away,omitempty"`
}

// Plan says how a query is answered. It is made without an engine in mind, from the query and the facts alone.
type Plan struct {
	Source   string `json:"source"`             // events, rollups or rollups+events
	Why      string `json:"why,omitempty"`      // why events are read in all of the range
	Exact    bool   `json:"exact"`              // no sketch and no sample stands behind a number
	Sample   int    `json:"sample,omitempty"`   // n when one visitor in n is read
	Degraded string `json:"degraded,omitempty"` // why events are read although the rollups have the answer
	Facts    Facts  `json:"facts"`
	Parts    []Part `json:"parts"`

	estimated bool // visitors are estimated where they are not sampled
	fit       fit
}

// fit is which measures of a query the rollups hold.
type fit struct {
	events, sessions bool   // those of events, and those of sessions; true too where there are none
	why              string // why not all of them
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
	p := &Plan{Facts: facts, estimated: q.estimated()}
	p.choose(q)
	if q.From < facts.RawFrom && p.readsBefore(q, facts.RawFrom) {
		return nil, p.tooOld()
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

// choose decides which measures the rollups answer, and whether a sample is read instead.
func (p *Plan) choose(q *Query) {
	if p.fit = (fit{true, true, q.unrolled()}); p.fit.why != "" {
		p.fit.events, p.fit.sessions = false, false
	}
	if p.Facts.Rollups == ByMinute {
		p.fit = q.byMinute()
	}
	if p.Facts.Rollups == ByMinute && p.fit.any() {
		switch {
		case len(p.Facts.Clean) == 0:
			p.fit = fit{why: "no day of the range is rolled up"}
		case p.Facts.Away != "":
			p.Degraded = "the rollups cannot be asked, events are read instead: " + p.Facts.Away
			p.fit = fit{why: p.Degraded}
		}
	}
	if p.Why = p.fit.why; p.Why != "" && p.Facts.Estimate > SampleAbove {
		p.Sample, p.fit.events, p.fit.sessions = SampleOneIn, false, false
	}
}

func (f fit) any() bool { return f.events || f.sessions }

// readsBefore reports whether events before the time are read. Of ByDay, days whose events are gone have rollups for good.
func (p *Plan) readsBefore(q *Query, at int64) bool {
	if p.Why != "" || p.Facts.Rollups == ByDay {
		return p.Why != ""
	}
	_, rest := q.minutes(p.Facts.Clean)
	return rest != nil && rest[0].From < at
}

// tooOld is the error of a query whose answer stands in events that are no longer kept.
func (p *Plan) tooOld() error {
	since := time.UnixMilli(p.Facts.RawFrom).UTC().Format(dateForm)
	if p.Degraded != "" {
		return fmt.Errorf("%w: single events are kept since %s only, and %s", ErrUnavailable, since, p.Degraded)
	}
	why := cmp.Or(p.Why, "not all of its days are rolled up")
	return invalid("date_range", "single events are kept since %s only, and the rollups behind them cannot answer: %s", since, why)
}

func (p *Plan) add(q *Query, of string) {
	from := len(p.Parts)
	switch {
	case !p.fit.any():
		p.addHot(q, []Range{{q.From, q.To}}, p.visitors(measures(q.Metrics)))
	case p.Facts.Rollups == ByMinute:
		p.addByMinute(q)
	default:
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

// visitors returns the measures as the events are asked for them: visitors are counted, or come as what sketches are made of, so that
// a number does not move when the rollups are built, or go away, or are of another kind.
func (p *Plan) visitors(of []Measure) []Measure {
	if p.estimated && p.Sample == 0 {
		return replaced(of, VisitorCoupons)
	}
	return of
}

// variant tells plans of one query and one version apart whose answers may differ. A day that becomes clean is not told: its rollups
// say what its events say, to the last register. A sample does not, and what was read in place of rollups says so.
func (p *Plan) variant() string {
	text := ""
	if p.Sample > 0 {
		text += fmt.Sprintf(" sample=1/%d", p.Sample)
	}
	if p.Degraded != "" {
		text += " degraded"
	}
	return text
}

func (p *Plan) conclude() {
	rolled, events := false, false
	p.Exact = p.Sample == 0
	for i := range p.Parts {
		part := &p.Parts[i]
		isRollup := part.View.OfRollups()
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

const shortRange = "the range has at most 7 days"

// isShort reports whether the range is one that is read from the events.
func (q *Query) isShort() bool { return q.To-q.From <= weekMillis || len(q.Days)-1 <= hotDays }

// unrolled returns why the rollups by day cannot answer the query, "" when they can.
func (q *Query) unrolled() string {
	groups := q.groups()
	columns := q.Where.columns(nil)
	switch {
	case q.isShort():
		return shortRange
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
	p.addHot(q, rest, p.visitors(want))
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
		part.Rollup, part.Where = &name, q.Where.over(func(Column) Column { return Column{Table: RollupTable, Name: "value"} })
	}
	p.Parts = append(p.Parts, part)
}

// over returns the condition with its columns replaced.
func (p *Predicate) over(column func(Column) Column) *Predicate {
	if p == nil {
		return nil
	}
	out := *p
	if p.Column != nil {
		other := column(*p.Column)
		out.Column = &other
	}
	out.Args = nil
	for _, arg := range p.Args {
		out.Args = append(out.Args, arg.over(column))
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
	if len(ranges) == 0 {
		return
	}
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

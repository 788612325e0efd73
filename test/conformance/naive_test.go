package conformance

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// visit is a session as the text defines it.
type visit struct {
	key        string // session id and band
	band       int
	start, end int64
	first      *happening // the first counted event
	entry      *happening // the first pageview, nil without one
	exit       *happening
	pageviews  int
	bounce     bool
}

func counted(e *happening) bool { return e.kind == "pageview" || e.kind == "event" }

const halfHour, wholeDay = 30 * 60_000, 24 * 3_600_000

// visitsOf cuts the stored events of a site into sessions and notes at each event to which it belongs.
func visitsOf(events []*happening) (visits []*visit) {
	chains := map[string][]*happening{}
	for _, e := range events {
		e.visit = nil
		if counted(e) || e.kind == "engagement" {
			key := fmt.Sprintf("%s\x00%d", e.session, e.agent.band)
			chains[key] = append(chains[key], e)
		}
	}
	for key, all := range chains {
		inTime(all)
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && all[to].at-all[to-1].at <= halfHour {
				to++
			}
			for _, chain := range atMidnights(all[from:to]) {
				if v := visitOf(key, chain); v != nil {
					visits = append(visits, v)
				}
			}
			from = to
		}
	}
	return visits
}

// atMidnights cuts a chain that is longer than a day at each midnight, UTC.
func atMidnights(chain []*happening) (cut [][]*happening) {
	if chain[len(chain)-1].at-chain[0].at <= wholeDay {
		return [][]*happening{chain}
	}
	for from := 0; from < len(chain); {
		to := from + 1
		for to < len(chain) && chain[to].at/wholeDay == chain[from].at/wholeDay {
			to++
		}
		cut = append(cut, chain[from:to])
		from = to
	}
	return cut
}

func visitOf(key string, chain []*happening) *visit {
	v := &visit{key: key, band: chain[0].agent.band, end: chain[len(chain)-1].at}
	acted := false
	for _, e := range chain {
		if !counted(e) {
			continue
		}
		if v.first == nil {
			v.first, v.start = e, e.at
		}
		if e.kind == "pageview" {
			if v.entry == nil {
				v.entry = e
			}
			v.exit = e
			v.pageviews++
		}
		acted = acted || e.kind == "event" && !e.made
	}
	if v.first == nil {
		return nil
	}
	v.bounce = v.pageviews <= 1 && !acted
	for _, e := range chain {
		e.visit = v
	}
	return v
}

// naive answers questions about one site by going through all of its events.
type naive struct {
	events []*happening
	visits []*visit
	zone   *time.Location
	limit  int // the site's threshold
	starts map[string]int64
}

func or2(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// ofEvent is the value of a dimension of events.
func ofEvent(dimension string, e *happening) string {
	switch dimension {
	case "event:page":
		return e.page
	case "event:hostname":
		return e.host
	case "event:name":
		if e.kind == "pageview" {
			return "pageview"
		}
		return or2(e.name, "(not set)")
	case "event:props:plan":
		return or2(e.plan, "(not set)")
	}
	panic("BUG: " + dimension)
}

// ofVisit is the value of a dimension of sessions.
func ofVisit(dimension string, v *visit) string {
	f := v.first
	page := func(e *happening, of func(*happening) string) string {
		if e == nil {
			return "(not set)"
		}
		return of(e)
	}
	switch dimension {
	case "visit:entry_page":
		return page(v.entry, func(e *happening) string { return e.page })
	case "visit:exit_page":
		return page(v.exit, func(e *happening) string { return e.page })
	case "visit:entry_page_hostname":
		return page(v.entry, func(e *happening) string { return e.host })
	case "visit:exit_page_hostname":
		return page(v.exit, func(e *happening) string { return e.host })
	case "visit:source":
		return or2(f.origin.source, "Direct / None")
	case "visit:channel":
		return f.origin.chann
	}
	value, ok := map[string]string{"visit:utm_source": f.origin.source, "visit:utm_medium": f.origin.medium, "visit:utm_campaign": f.origin.campaign,
		"visit:utm_term": f.origin.term, "visit:utm_content": f.origin.content, "visit:referrer": f.origin.ref, "visit:device": f.agent.device,
		"visit:browser": f.agent.browser, "visit:os": f.agent.os, "visit:country": f.address.country}[dimension]
	if !ok {
		panic("BUG: " + dimension)
	}
	return or2(value, "(not set)")
}

// condition is a filter: a leaf over values, or a join of others.
type condition struct {
	op        string
	dimension string
	values    []string
	fold      bool
	inner     []condition
}

func (c condition) json() any {
	switch c.op {
	case "and", "or":
		all := []any{}
		for _, one := range c.inner {
			all = append(all, one.json())
		}
		return []any{c.op, all}
	case "not", "has_done", "has_not_done":
		return []any{c.op, c.inner[0].json()}
	}
	if c.fold {
		return []any{c.op, c.dimension, c.values, map[string]any{"case_sensitive": false}}
	}
	return []any{c.op, c.dimension, c.values}
}

// needsVisit tells whether the condition is about the session, so that events without one do not fulfil it, nor its
// opposite.
func (c condition) needsVisit() bool {
	return strings.HasPrefix(c.dimension, "visit:") || strings.HasPrefix(c.op, "has_") || slices.ContainsFunc(c.inner, condition.needsVisit)
}

// needsEvent tells whether the condition is about an event, outside of has_done.
func (c condition) needsEvent() bool {
	return !strings.HasPrefix(c.op, "has_") && (strings.HasPrefix(c.dimension, "event:") || slices.ContainsFunc(c.inner, condition.needsEvent))
}

// holds tells whether the condition holds for an event (nil: for a session alone) of a session; done answers has_done.
func (c condition) holds(e *happening, v *visit, done func(condition, *visit) bool) bool {
	switch c.op {
	case "and":
		return !slices.ContainsFunc(c.inner, func(one condition) bool { return !one.holds(e, v, done) })
	case "or":
		return slices.ContainsFunc(c.inner, func(one condition) bool { return one.holds(e, v, done) })
	case "not":
		return !c.inner[0].holds(e, v, done)
	case "has_done", "has_not_done":
		return done(c.inner[0], v) == (c.op == "has_done")
	}
	value := ""
	if strings.HasPrefix(c.dimension, "event:") {
		value = ofEvent(c.dimension, e)
	} else {
		value = ofVisit(c.dimension, v)
	}
	op, not := strings.CutSuffix(c.op, "_not")
	return slices.ContainsFunc(c.values, func(want string) bool { return leaf(op, value, want, c.fold) }) != not
}

func leaf(op, value, want string, fold bool) bool {
	if op == "matches" {
		if fold {
			want = "(?i)" + want
		}
		return regexp.MustCompile(want).MatchString(value)
	}
	if fold {
		value, want = strings.ToLower(value), strings.ToLower(want)
	}
	if op == "contains" {
		return strings.Contains(value, want)
	}
	return value == want
}

// dayStart is the first instant of a date, found by walking.
func (n *naive) dayStart(date string) int64 {
	if at, ok := n.starts[date]; ok {
		return at
	}
	noon, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	at := noon.Add(-24 * time.Hour)
	for at.In(n.zone).Format(time.DateOnly) < date {
		at = at.Add(15 * time.Minute)
	}
	n.starts[date] = at.UnixMilli()
	return at.UnixMilli()
}

func plusDays(date string, days int) string {
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return at.AddDate(0, 0, days).Format(time.DateOnly)
}

// slot is a bucket of time. key orders the slots of one range.
type slot struct {
	key   int64
	label string
}

// slotOf returns the bucket that an instant lies in.
func (n *naive) slotOf(interval string, at, from int64) slot {
	local := time.UnixMilli(at).In(n.zone)
	date := local.Format(time.DateOnly)
	switch interval {
	case "time:day":
		return slot{n.dayStart(date), date}
	case "time:week":
		monday := plusDays(date, -(int(local.Weekday())+6)%7)
		first := max(monday, time.UnixMilli(from).In(n.zone).Format(time.DateOnly))
		return slot{n.dayStart(monday), first}
	case "time:month":
		first := date[:8] + "01"
		return slot{n.dayStart(first), first}
	}
	into := time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	form := "2006-01-02 15:04:00"
	if interval == "time:hour" {
		into += time.Duration(local.Minute()) * time.Minute
		form = "2006-01-02 15:00:00"
	}
	return slot{local.Add(-into).UnixMilli(), local.Format(form)}
}

// tally is what one row of an answer is computed from.
type tally struct {
	slot      slot
	values    []string // as they are shown, in the order of the dimensions
	visitors  map[string]bool
	pageviews int64
	events    int64
	engaged   int64
	paid      int64 // events with revenue
	revenue   int64
	money     map[string]bool
	visits    map[*visit]bool
	depths    map[string]int
}

// asking is a question about one range.
type asking struct {
	*naive
	q        *question
	from, to int64
	rows     map[string]*tally
}

func (n *naive) tallies(q *question, from, to int64) []*tally {
	a := &asking{n, q, from, to, map[string]*tally{}}
	all := condition{op: "and", inner: q.filters}
	for _, e := range n.events {
		if e.agent.band >= n.limit || e.at < from || e.at >= to || !counted(e) && e.kind != "engagement" {
			continue
		}
		if (all.needsVisit() || q.has("visit:")) && e.visit == nil || !all.holds(e, e.visit, a.done) {
			continue
		}
		a.addEvent(e)
	}
	if !q.has("event:") && !all.needsEvent() {
		for _, v := range n.visits {
			if v.band < n.limit && v.start >= from && v.start < to && all.holds(nil, v, a.done) {
				a.row(nil, v, v.start).visits[v] = true
			}
		}
	}
	var out []*tally
	for _, row := range a.rows {
		if len(q.dimensions) == 0 || row.present(q) {
			out = append(out, row)
		}
	}
	if len(q.dimensions) == 0 && len(out) == 0 {
		out = []*tally{{}}
	}
	return out
}

// done tells whether the session has a counted event in the range that fulfils the condition.
func (a *asking) done(c condition, v *visit) bool {
	return slices.ContainsFunc(a.events, func(e *happening) bool {
		return e.visit == v && counted(e) && e.at >= a.from && e.at < a.to && c.holds(e, v, nil)
	})
}

func (a *asking) addEvent(e *happening) {
	row := a.row(e, e.visit, e.at)
	if e.kind == "engagement" {
		row.engaged += e.engaged
		if e.scroll >= 0 && e.visit != nil {
			key := fmt.Sprintf("%p %s", e.visit, e.page)
			row.depths[key] = max(row.depths[key], e.scroll)
		}
		return
	}
	row.visitors[e.visitor] = true
	row.events++
	if e.kind == "pageview" {
		row.pageviews++
	}
	if e.currency != "" {
		row.paid++
		row.revenue += e.revenue
		row.money[e.currency] = true
	}
	if all := (condition{op: "and", inner: a.q.filters}); a.q.has("event:") || all.needsEvent() {
		row.visits[e.visit] = true
	}
}

func (a *asking) row(e *happening, v *visit, at int64) *tally {
	s := slot{}
	var values []string
	for _, d := range a.q.dimensions {
		switch {
		case strings.HasPrefix(d, "time"):
			s = a.slotOf(d, at, a.from)
			values = append(values, s.label)
		case strings.HasPrefix(d, "event:"):
			values = append(values, ofEvent(d, e))
		default:
			values = append(values, ofVisit(d, v))
		}
	}
	key := fmt.Sprint(s.key) + "\x00" + strings.Join(values, "\x00")
	if a.rows[key] == nil {
		a.rows[key] = &tally{slot: s, values: values, visitors: map[string]bool{}, money: map[string]bool{}, visits: map[*visit]bool{}, depths: map[string]int{}}
	}
	return a.rows[key]
}

// present tells whether there is a row: a counted event for metrics of events, a visit for those of sessions.
func (t *tally) present(q *question) bool {
	ofVisits := func(m string) bool { return slices.Contains(visitMetrics, m) }
	return t.events > 0 && slices.ContainsFunc(q.metrics, func(m string) bool { return !ofVisits(m) }) ||
		len(t.visits) > 0 && slices.ContainsFunc(q.metrics, ofVisits)
}

var visitMetrics = []string{"visits", "bounce_rate", "visit_duration", "views_per_visit"}

// metric is the value of a metric, nil for null. total is the visitors that percentages are of.
func (t *tally) metric(name string, total int) any {
	visits := float64(len(t.visits))
	over := func(of func(*visit) float64) (sum float64) {
		for v := range t.visits {
			sum += of(v)
		}
		return sum
	}
	mean := func(of, by float64, none any) any {
		if by == 0 {
			return none
		}
		return of / by
	}
	switch name {
	case "visitors":
		return float64(len(t.visitors))
	case "visits":
		return visits
	case "pageviews":
		return float64(t.pageviews)
	case "events":
		return float64(t.events)
	case "percentage":
		return mean(100*float64(len(t.visitors)), float64(total), 0.0)
	case "bounce_rate":
		return mean(100*over(func(v *visit) float64 {
			if v.bounce {
				return 1
			}
			return 0
		}), visits, 0.0)
	case "visit_duration":
		return mean(over(func(v *visit) float64 { return float64(v.end - v.start) }), visits*1000, 0.0)
	case "views_per_visit":
		return mean(over(func(v *visit) float64 { return float64(v.pageviews) }), visits, 0.0)
	case "time_on_page":
		return mean(float64(t.engaged), float64(t.pageviews)*1000, nil)
	case "scroll_depth":
		sum := 0
		for _, depth := range t.depths {
			sum += depth
		}
		return mean(float64(sum), float64(len(t.depths)), nil)
	}
	if len(t.money) != 1 {
		return nil
	}
	if name == "total_revenue" {
		return float64(t.revenue) / 10_000
	}
	return float64(t.revenue) / (float64(t.paid) * 10_000)
}

// answerRow is a row as it must come.
type answerRow struct {
	tally   *tally
	values  []string
	metrics []any
}

// solve returns all rows in the order of the question.
func (n *naive) solve(q *question, from, to int64) []answerRow {
	total := 0
	if slices.Contains(q.metrics, "percentage") {
		whole := &question{metrics: []string{"visitors"}, filters: q.filters}
		total = len(n.tallies(whole, from, to)[0].visitors)
	}
	var rows []answerRow
	for _, t := range n.tallies(q, from, to) {
		row := answerRow{tally: t, values: t.values}
		for _, m := range q.metrics {
			row.metrics = append(row.metrics, t.metric(m, total))
		}
		rows = append(rows, row)
	}
	order := q.order
	if len(order) == 0 && len(q.dimensions) > 0 {
		for _, d := range q.dimensions {
			if strings.HasPrefix(d, "time") {
				order = append(order, [2]string{d, "asc"})
			}
		}
		order = append(order, [2]string{q.metrics[0], "desc"})
	}
	slices.SortFunc(rows, func(a, b answerRow) int {
		for _, o := range order {
			c := q.compareBy(o[0], a, b)
			if o[1] == "desc" {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(a.tally.slot.key, b.tally.slot.key), slices.Compare(q.withoutTime(a.values), q.withoutTime(b.values)))
	})
	return rows
}

func (q *question) compareBy(name string, a, b answerRow) int {
	if i := slices.Index(q.metrics, name); i >= 0 {
		x, isX := a.metrics[i].(float64)
		y, isY := b.metrics[i].(float64)
		switch { // null is below all numbers
		case isX && isY:
			return cmp.Compare(x, y)
		case isX:
			return 1
		case isY:
			return -1
		}
		return 0
	}
	if strings.HasPrefix(name, "time") {
		return cmp.Compare(a.tally.slot.key, b.tally.slot.key)
	}
	i := slices.Index(q.dimensions, name)
	return cmp.Compare(a.values[i], b.values[i])
}

func (q *question) withoutTime(values []string) (out []string) {
	for i, d := range q.dimensions {
		if !strings.HasPrefix(d, "time") {
			out = append(out, values[i])
		}
	}
	return out
}

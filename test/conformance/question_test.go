package conformance

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// question is a query in the test's own terms.
type question struct {
	metrics    []string
	dimensions []string
	filters    []condition
	order      [][2]string
	dates      [2]string // both included; or
	instants   [2]int64  // half open, where dates is empty
	limit      int       // 0: none given
	offset     int
	compare    bool // with the period before
}

func (q *question) has(prefix string) bool {
	return slices.ContainsFunc(q.dimensions, func(d string) bool { return strings.HasPrefix(d, prefix) })
}

// span returns the instants of the range and of the one before it.
func (q *question) span(n *naive) (from, to, before int64) {
	if q.dates[0] == "" {
		return q.instants[0], q.instants[1], 2*q.instants[0] - q.instants[1]
	}
	from, to = n.dayStart(q.dates[0]), n.dayStart(plusDays(q.dates[1], 1))
	days := 0
	for plusDays(q.dates[0], days) <= q.dates[1] {
		days++
	}
	return from, to, n.dayStart(plusDays(q.dates[0], -days))
}

// body is the question as it is sent.
func (q *question) body(site string, zone *time.Location) map[string]any {
	span := []string{q.dates[0], q.dates[1]}
	if q.dates[0] == "" {
		for i, at := range q.instants {
			span[i] = time.UnixMilli(at).In(zone).Format("2006-01-02T15:04:05Z07:00")
		}
	}
	body := map[string]any{"site_id": site, "date_range": span, "metrics": q.metrics}
	include := map[string]any{"total_rows": true}
	if q.compare {
		include["compare"] = "previous_period"
	}
	body["include"] = include
	if len(q.dimensions) > 0 {
		body["dimensions"] = q.dimensions
	}
	if len(q.filters) > 0 {
		filters := []any{}
		for _, c := range q.filters {
			filters = append(filters, c.json())
		}
		body["filters"] = filters
	}
	if len(q.order) > 0 {
		body["order_by"] = q.order
	}
	if q.limit > 0 {
		body["pagination"] = map[string]int{"limit": q.limit, "offset": q.offset}
	}
	return body
}

// questioner makes up questions about traffic of historyDays from a day.
type questioner struct {
	rnd  *rand.Rand
	from time.Time
	zone *time.Location
}

var (
	allMetrics = []string{"visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate", "visit_duration", "percentage",
		"time_on_page", "scroll_depth", "total_revenue", "average_revenue"}
	eventDimensions = []string{"event:page", "event:hostname", "event:name", "event:props:plan"}
	visitDimensions = []string{"visit:source", "visit:channel", "visit:entry_page", "visit:exit_page", "visit:entry_page_hostname", "visit:exit_page_hostname",
		"visit:utm_source", "visit:utm_medium", "visit:utm_campaign", "visit:utm_term", "visit:utm_content", "visit:referrer", "visit:device", "visit:browser",
		"visit:os", "visit:country"}
	filterValues = map[string][]string{
		"event:page": {"/", "/pricing", "/blog/one", "/Blog/Two", "/again"}, "event:hostname": {"example.com", "shop.example.com"},
		"event:name": {"pageview", "signup", "purchase", "outbound"}, "event:props:plan": {"pro", "free", "Pro trial", "(not set)"},
		"visit:source": {"Google", "Direct / None", "ChatGPT", "letter"}, "visit:channel": {"Direct", "Email", "Referral"},
		"visit:entry_page": {"/", "/docs/", "(not set)"}, "visit:exit_page": {"/pricing", "(not set)"}, "visit:device": {"desktop", "mobile", "other"},
		"visit:utm_campaign": {"Spring sale", "(not set)"}, "visit:browser": {"Chrome", "Safari", "(not set)"}, "visit:os": {"iOS", "Linux"},
		"visit:country": {"(not set)", "US"}, "visit:utm_medium": {"cpc", "email", "organic"},
	}
	filterParts = []string{"/", "blog", "o", "set", "e", "a", "Pro", "r", "t /"}
	patterns    = []string{"^/b", "[A-Z]", "e$", "^$", "o.*e", "(not|pro)", "/[a-z]+/"}
)

// next makes a question that has an answer.
func (g *questioner) next() *question {
	for {
		q := &question{}
		g.metrics(q)
		g.dimensions(q)
		g.filters(q)
		g.span(q)
		g.rest(q)
		if q.allowed() {
			return q
		}
	}
}

func (g *questioner) metrics(q *question) {
	for _, i := range g.rnd.Perm(len(allMetrics))[:1+g.rnd.IntN(5)] {
		q.metrics = append(q.metrics, allMetrics[i])
	}
	if g.rnd.IntN(3) == 0 && !slices.Contains(q.metrics, "visitors") {
		q.metrics = append([]string{"visitors"}, q.metrics...)
	}
}

func (g *questioner) dimensions(q *question) {
	if n := g.rnd.IntN(10); n < 4 {
		q.dimensions = append(q.dimensions, pick(g.rnd, visitDimensions))
	} else if n < 7 {
		q.dimensions = append(q.dimensions, pick(g.rnd, eventDimensions))
	}
	if g.rnd.IntN(5) == 0 {
		if more := pick(g.rnd, slices.Concat(visitDimensions, eventDimensions)); !slices.Contains(q.dimensions, more) {
			q.dimensions = append(q.dimensions, more)
		}
	}
	if g.rnd.IntN(3) == 0 {
		at := g.rnd.IntN(len(q.dimensions) + 1)
		q.dimensions = slices.Insert(q.dimensions, at, pick(g.rnd, []string{"time:hour", "time:day", "time:day", "time:week", "time:month"}))
	}
}

func (g *questioner) filters(q *question) {
	for n := g.rnd.IntN(5); n >= 3; n-- {
		if len(q.dimensions) > 0 && filterValues[q.dimensions[0]] != nil && g.rnd.IntN(2) == 0 {
			q.filters = append(q.filters, g.leaf(q.dimensions[0])) // what rollups can answer
			continue
		}
		q.filters = append(q.filters, g.condition(2, true))
	}
}

func (g *questioner) condition(depth int, done bool) condition {
	n := g.rnd.IntN(10)
	switch {
	case depth == 0 || n < 6:
		names := []string{}
		for name := range filterValues {
			names = append(names, name)
		}
		slices.Sort(names)
		return g.leaf(pick(g.rnd, names))
	case n == 6:
		return condition{op: "not", inner: []condition{g.condition(depth-1, done)}}
	case n == 7 && done:
		return condition{op: pick(g.rnd, []string{"has_done", "has_not_done"}), inner: []condition{g.condition(depth-1, false)}}
	}
	return condition{op: pick(g.rnd, []string{"and", "or"}), inner: []condition{g.condition(depth-1, done), g.condition(depth-1, done)}}
}

func (g *questioner) leaf(dimension string) condition {
	c := condition{op: pick(g.rnd, []string{"is", "is", "is_not", "contains", "contains_not", "matches", "matches_not"}), dimension: dimension}
	values := filterValues[dimension]
	switch {
	case strings.HasPrefix(c.op, "contains"):
		values = filterParts
	case strings.HasPrefix(c.op, "matches"):
		values = patterns
	}
	for range 1 + g.rnd.IntN(2) {
		c.values = append(c.values, pick(g.rnd, values))
	}
	if c.fold = g.rnd.IntN(4) == 0; c.fold && g.rnd.IntN(2) == 0 && !strings.HasPrefix(c.op, "matches") {
		c.values[0] = strings.ToUpper(c.values[0])
	}
	return c
}

// span chooses days, few or many, or two instants.
func (g *questioner) span(q *question) {
	day := func(n int) string { return g.from.AddDate(0, 0, n).Format(time.DateOnly) }
	switch first := g.rnd.IntN(historyDays); g.rnd.IntN(5) {
	case 0, 1:
		q.dates = [2]string{day(first), day(first + g.rnd.IntN(7))}
	case 2, 3:
		first = g.rnd.IntN(6) - 3
		q.dates = [2]string{day(first), day(first + 8 + g.rnd.IntN(historyDays))}
	default:
		from := g.from.Add(time.Duration(g.rnd.Int64N(historyDays*24*3600)) * time.Second)
		length := time.Duration(1+g.rnd.Int64N(15*24*3600)) * time.Second
		if g.rnd.IntN(2) == 0 { // edges on which quarters of an hour of the rollups may stand
			from, length = from.Truncate(15*time.Minute), length.Truncate(15*time.Minute)+15*time.Minute
		}
		q.instants = [2]int64{from.UnixMilli(), from.Add(length).UnixMilli()}
	}
	if q.dates[0] != "" && q.dates[0] == q.dates[1] && g.rnd.IntN(2) == 0 {
		for i, d := range q.dimensions {
			if strings.HasPrefix(d, "time:") {
				q.dimensions[i] = "time:minute"
			}
		}
	}
}

func (g *questioner) rest(q *question) {
	if g.rnd.IntN(2) == 0 {
		names := slices.Concat(q.metrics, q.dimensions)
		for _, i := range g.rnd.Perm(len(names))[:1+g.rnd.IntN(min(2, len(names)))] {
			q.order = append(q.order, [2]string{names[i], pick(g.rnd, []string{"asc", "desc"})})
		}
	}
	if g.rnd.IntN(3) == 0 {
		q.limit, q.offset = 1+g.rnd.IntN(5), g.rnd.IntN(4)
	}
	q.compare = g.rnd.IntN(6) == 0 && !q.has("time:")
}

// allowed tells whether the text allows the question: engagement knows its page and hostname, and nothing else of an event.
func (q *question) allowed() bool {
	if !slices.Contains(q.metrics, "time_on_page") && !slices.Contains(q.metrics, "scroll_depth") {
		return true
	}
	beyond := func(d string) bool { return d == "event:name" || d == "event:props:plan" }
	var in func(c condition) bool
	in = func(c condition) bool {
		return !strings.HasPrefix(c.op, "has_") && (beyond(c.dimension) || slices.ContainsFunc(c.inner, in))
	}
	return !slices.ContainsFunc(q.dimensions, beyond) && !slices.ContainsFunc(q.filters, in)
}

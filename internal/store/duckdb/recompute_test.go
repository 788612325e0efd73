package duckdb

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// row is an event and its session, nil for an event of no session.
type row struct {
	e *event.Event
	s *event.Session
}

// lookup is how the recomputation reads a dimension; ofEvent tells whether it is the event's.
var lookups = map[string]func(row) string{
	"event:page":     func(r row) string { return r.e.Page },
	"event:hostname": func(r row) string { return r.e.Hostname },
	"event:name": func(r row) string {
		if r.e.Type == event.Pageview && r.e.Name == "" {
			return "pageview"
		}
		return r.e.Name
	},
	"event:props:plan": func(r row) string {
		if len(r.e.Properties) > 0 {
			return r.e.Properties[0].Value
		}
		return ""
	},
	"visit:source":              func(r row) string { return r.s.Source },
	"visit:channel":             func(r row) string { return r.s.Channel },
	"visit:referrer":            func(r row) string { return r.s.Referrer },
	"visit:utm_source":          func(r row) string { return r.s.Source },
	"visit:utm_medium":          func(r row) string { return r.s.Medium },
	"visit:utm_campaign":        func(r row) string { return r.s.Campaign },
	"visit:utm_content":         func(r row) string { return r.s.Content },
	"visit:utm_term":            func(r row) string { return r.s.Term },
	"visit:entry_page":          func(r row) string { return r.s.EntryPage },
	"visit:exit_page":           func(r row) string { return r.s.ExitPage },
	"visit:entry_page_hostname": func(r row) string { return r.s.EntryHostname },
	"visit:exit_page_hostname":  func(r row) string { return r.s.ExitHostname },
	"visit:device":              func(r row) string { return r.s.DeviceType },
	"visit:browser":             func(r row) string { return r.s.Browser },
	"visit:browser_version":     func(r row) string { return r.s.BrowserVersion },
	"visit:os":                  func(r row) string { return r.s.OS },
	"visit:os_version":          func(r row) string { return r.s.OSVersion },
	"visit:screen":              func(r row) string { return r.s.Screen },
	"visit:country":             func(r row) string { return r.s.Country },
	"visit:region":              func(r row) string { return r.s.Region },
	"visit:city":                func(r row) string { return r.s.City },
	"visit:country_name": func(r row) string {
		return map[string]string{"DE": "Germany", "US": "United States"}[r.s.Country]
	},
	"visit:region_name": func(r row) string { return r.s.Region },
	"visit:city_name":   func(r row) string { return r.s.City },
}

func shown(dim string, r row) string {
	value := lookups[dim](r)
	switch {
	case value == "" && dim == "visit:source":
		return "Direct / None"
	case value == "":
		return "(not set)"
	}
	return value
}

// condition is a filter of the language and the same in Go.
type condition struct {
	text           string
	holds          func(h *history, r row, from, to int64) bool
	events, visits bool
}

func on(op, dim string, values ...string) condition {
	text, err := json.Marshal([]any{op, dim, values})
	if err != nil {
		panic(err)
	}
	base, not := strings.CutSuffix(op, "_not")
	c := condition{text: string(text), events: strings.HasPrefix(dim, "event:"), visits: strings.HasPrefix(dim, "visit:")}
	c.holds = func(_ *history, r row, _, _ int64) bool {
		return slices.ContainsFunc(values, func(v string) bool {
			if base == "is" {
				return shown(dim, r) == v
			}
			return strings.Contains(shown(dim, r), strings.Trim(v, "^$")) // the patterns used here are plain
		}) != not
	}
	return c
}

func folded(dim, value string) condition {
	return condition{text: fmt.Sprintf(`["is",%q,[%q],{"case_sensitive":false}]`, dim, value), events: strings.HasPrefix(dim, "event:"), visits: strings.HasPrefix(dim, "visit:"),
		holds: func(_ *history, r row, _, _ int64) bool { return strings.EqualFold(shown(dim, r), value) }}
}

func combine(op string, list ...condition) condition {
	out := condition{}
	var texts []string
	for _, c := range list {
		texts = append(texts, c.text)
		out.events, out.visits = out.events || c.events, out.visits || c.visits
	}
	out.text = fmt.Sprintf("[%q,[%s]]", op, strings.Join(texts, ","))
	out.holds = func(h *history, r row, from, to int64) bool {
		for _, c := range list {
			if c.holds(h, r, from, to) == (op == "or") {
				return op == "or"
			}
		}
		return op == "and"
	}
	return out
}

func not(c condition) condition {
	inner := c.holds
	c.text = `["not",` + c.text + "]"
	c.holds = func(h *history, r row, from, to int64) bool { return !inner(h, r, from, to) }
	return c
}

func done(c condition) condition {
	inner := c.holds
	return condition{text: `["has_done",` + c.text + "]", visits: true, holds: func(h *history, r row, from, to int64) bool {
		for i := range h.events {
			e := &h.events[i]
			if h.visit[e.ID] == r.s && e.Type.Counted() && e.Timestamp >= from && e.Timestamp < to && inner(h, row{e, r.s}, from, to) {
				return true
			}
		}
		return false
	}}
}

// question is a query and what the recomputation needs to know of it.
type question struct {
	metrics []query.Metric
	dims    []string
	where   *condition
	dates   string
}

func (q *question) body() string {
	filters := ""
	if q.where != nil {
		filters = q.where.text
	}
	text, err := json.Marshal(map[string]any{"site_id": "s", "metrics": q.metrics, "dimensions": q.dims, "date_range": json.RawMessage(q.dates),
		"filters": json.RawMessage("[" + filters + "]")})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// tally is one row of the recomputation.
type tally struct {
	visitors         map[string]bool
	sessions         map[*event.Session]bool
	pageviews, count int64
	engaged          int64
	revenue, paid    int64
	currencies       map[string]bool
	depths           map[string]int16
	named            []string
}

// recompute answers the question from the events alone.
func (h *history) recompute(q *question, r *query.Query) map[string]*tally {
	out := map[string]*tally{}
	byEvent, byVisit := false, false
	for _, dim := range q.dims {
		byEvent, byVisit = byEvent || strings.HasPrefix(dim, "event:"), byVisit || strings.HasPrefix(dim, "visit:")
	}
	if q.where != nil {
		byEvent, byVisit = byEvent || q.where.events, byVisit || q.where.visits
	}
	group := func(at row, when int64) *tally {
		if when < r.From || when >= r.To || q.where != nil && !q.where.holds(h, at, r.From, r.To) {
			return nil
		}
		var key []string
		for _, dim := range q.dims {
			if strings.HasPrefix(dim, "time") {
				i := sort.Search(len(r.Edges), func(i int) bool { return r.Edges[i] > when }) - 1
				key = append(key, fmt.Sprintf("%s#%d", r.Labels[i], i))
			} else {
				key = append(key, shown(dim, at))
			}
		}
		name := strings.Join(key, "|")
		if out[name] == nil {
			out[name] = &tally{visitors: map[string]bool{}, sessions: map[*event.Session]bool{}, currencies: map[string]bool{}, depths: map[string]int16{}, named: key}
		}
		return out[name]
	}
	for i := range h.events {
		at := row{&h.events[i], h.visit[h.events[i].ID]}
		if !at.e.Type.InSession() || at.e.BotBand >= h.site.Threshold {
			continue
		}
		if at.s != nil || !byVisit {
			if t := group(at, at.e.Timestamp); t != nil {
				t.add(at, byEvent)
			}
		}
	}
	if !byEvent {
		for _, s := range h.sessions {
			if s.Band < h.site.Threshold {
				at := row{nil, h.visitOf(&s)}
				if t := group(at, s.Start); t != nil {
					t.sessions[at.s] = true
				}
			}
		}
	}
	return out
}

// visitOf returns the identity that has_done compares.
func (h *history) visitOf(s *event.Session) *event.Session {
	for _, v := range h.visit {
		if v.Ref() == s.Ref() {
			return v
		}
	}
	return nil
}

func (t *tally) add(r row, byEvent bool) {
	t.engaged += r.e.TimeOnPage
	if r.e.ScrollDepth >= 0 && r.s != nil {
		key := fmt.Sprint(r.s.Ref(), r.e.Page)
		t.depths[key] = max(t.depths[key], r.e.ScrollDepth)
	}
	if !r.e.Type.Counted() {
		return
	}
	t.visitors[r.e.UserID] = true
	t.count++
	if r.e.Type == event.Pageview {
		t.pageviews++
	}
	if r.e.Currency != "" {
		t.paid, t.revenue = t.paid+1, t.revenue+r.e.Revenue
		t.currencies[r.e.Currency] = true
	}
	if byEvent {
		t.sessions[r.s] = true
	}
}

func (t *tally) metric(m query.Metric, total float64) any {
	visits, bounces, duration, views := 0.0, 0.0, 0.0, 0.0
	for s := range t.sessions {
		visits++
		duration += float64(s.End - s.Start)
		views += float64(s.Pageviews)
		if s.Bounce() {
			bounces++
		}
	}
	rate := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	switch m {
	case query.Visitors:
		return float64(len(t.visitors))
	case query.Percentage:
		return 100 * rate(float64(len(t.visitors)), total)
	case query.Pageviews:
		return float64(t.pageviews)
	case query.Events:
		return float64(t.count)
	case query.Visits:
		return visits
	case query.BounceRate:
		return 100 * rate(bounces, visits)
	case query.VisitDuration:
		return rate(duration, visits*1000)
	case query.ViewsPerVisit:
		return rate(views, visits)
	case query.TimeOnPage:
		if t.pageviews > 0 {
			return float64(t.engaged) / float64(t.pageviews*1000)
		}
	case query.ScrollDepth:
		sum := 0.0
		for _, d := range t.depths {
			sum += float64(d)
		}
		if len(t.depths) > 0 {
			return sum / float64(len(t.depths))
		}
	case query.TotalRevenue:
		if len(t.currencies) == 1 {
			return float64(t.revenue) / 10_000
		}
	case query.AverageRevenue:
		if len(t.currencies) == 1 {
			return float64(t.revenue) / float64(t.paid*10_000)
		}
	}
	return nil
}

func (t *tally) present(of []query.Metric) bool {
	for _, m := range of {
		switch m {
		case query.Visits, query.BounceRate, query.VisitDuration, query.ViewsPerVisit:
			if len(t.sessions) > 0 {
				return true
			}
		default:
			if t.count > 0 {
				return true
			}
		}
	}
	return false
}

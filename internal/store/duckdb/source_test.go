package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
)

// history is a small random past of one site, with the sessions that the semantics make of it.
type history struct {
	site     event.Site
	now      time.Time
	events   []event.Event
	sessions []event.Session
	visit    map[event.UUID]*event.Session // by event id; absent for events of no session
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// zones have midnights that do not exist, half-hour offsets, and changes of the clock in the months of the histories.
var zones = [...]string{"Africa/Cairo", "Australia/Lord_Howe", "America/New_York", "Asia/Kolkata"}

func newHistory(seed uint64) *history {
	r := rand.New(rand.NewPCG(seed, 7))
	h := &history{site: event.Site{WebsiteID: "s", Threshold: uint8(1 + r.IntN(3)), Timezone: zones[seed%uint64(len(zones))]}}
	loc, err := time.LoadLocation(h.site.Timezone)
	if err != nil {
		panic(err)
	}
	at := time.Date(2025, time.Month(4-seed%2), 20+r.IntN(8), r.IntN(24), 0, 0, 0, loc)
	for range 120 + r.IntN(200) {
		at = at.Add(time.Duration(pick(r, 0, 1, 1000, 60_000, 600_000, 1_800_000, 1_800_001, 5_000_000, 30_000_000)) * time.Millisecond)
		h.events = append(h.events, randomEvent(r, at.UnixMilli()))
	}
	h.now = at.Add(time.Hour)
	h.makeSessions()
	return h
}

func randomEvent(r *rand.Rand, at int64) event.Event {
	user := pick(r, "ann", "bob", "cy", "dé", "eve", "flo", "gus")
	e := event.Event{WebsiteID: "s", Timestamp: at, ReceivedAt: at + 5, UserID: user, SampleKey: xxhash.Sum64String(user), VisitorCoupon: sketch.Coupon(user),
		Type:      pick(r, event.Pageview, event.Pageview, event.Pageview, event.Custom, event.Engagement, event.Engagement, event.Identify, event.Vitals),
		SessionID: pick(r, user, user, user, "shared"), Page: pick(r, "/", "/a", "/a/B", "/(not set)", ""), Hostname: pick(r, "x.io", "y.io"),
		Source: pick(r, "", "Google", "Bing"), Channel: pick(r, "Direct", "Organic Search"), Medium: pick(r, "", "cpc"), Campaign: pick(r, "", "spring"),
		Country: pick(r, "DE", "US", ""), Region: pick(r, "", "DE-BE"), City: pick(r, "", "Berlin"), DeviceType: pick(r, "desktop", "mobile"), Browser: pick(r, "Chrome", "Firefox"),
		OS: pick(r, "Linux", "iOS"), Screen: pick(r, "", "1x1"), Referrer: pick(r, "", "https://g.co/"), BotScore: pick[uint8](r, 0, 0, 0, 30, 60), ScrollDepth: event.NoScroll}
	for i := range e.ID {
		e.ID[i] = byte(r.UintN(256))
	}
	e.BotBand = event.Band(e.BotScore)
	switch e.Type {
	case event.Custom:
		e.Name, e.Interactive = pick(r, "signup", "Buy", ""), r.IntN(3) > 0
		if r.IntN(2) == 0 {
			e.Revenue, e.Currency = int64(r.IntN(1_000_000)), pick(r, "EUR", "EUR", "EUR", "USD")
		}
	case event.Engagement:
		e.TimeOnPage = int64(r.IntN(60_000))
		if r.IntN(3) > 0 {
			e.ScrollDepth = int16(r.IntN(101))
		}
	case event.Pageview:
		e.Interactive = true
	}
	if r.IntN(2) == 0 {
		e.Properties = []event.Property{{Key: "plan", Value: pick(r, "pro", "free", "it's")}}
	}
	return e
}

// makeSessions is the paragraph "Session" of the semantics, word by word.
func (h *history) makeSessions() {
	h.visit = map[event.UUID]*event.Session{}
	byKey := map[event.SessionKey][]*event.Event{}
	for i := range h.events {
		if e := &h.events[i]; e.Type.InSession() {
			key := event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}
			byKey[key] = append(byKey[key], e)
		}
	}
	var all []*event.Session
	for key, list := range byKey {
		sort.Slice(list, func(i, j int) bool {
			return list[i].Timestamp < list[j].Timestamp || list[i].Timestamp == list[j].Timestamp && list[i].ID.String() < list[j].ID.String()
		})
		for _, chain := range chains(list) {
			if s := sessionOf(key, chain); s != nil {
				all = append(all, s)
				for _, e := range chain {
					h.visit[e.ID] = s
				}
			}
		}
	}
	for _, s := range all {
		h.sessions = append(h.sessions, *s)
	}
}

func chains(list []*event.Event) (out [][]*event.Event) {
	var chain []*event.Event
	for _, e := range list {
		if n := len(chain); n > 0 && e.Timestamp-chain[n-1].Timestamp > event.SessionGapMillis {
			out, chain = append(out, splitDays(chain)...), nil
		}
		chain = append(chain, e)
	}
	return append(out, splitDays(chain)...)
}

func splitDays(chain []*event.Event) (out [][]*event.Event) {
	if chain[len(chain)-1].Timestamp-chain[0].Timestamp <= event.SessionSplitMillis {
		return [][]*event.Event{chain}
	}
	for i, e := range chain {
		if i == 0 || e.Timestamp/event.DayMillis != chain[i-1].Timestamp/event.DayMillis {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], e)
	}
	return out
}

func sessionOf(key event.SessionKey, chain []*event.Event) *event.Session {
	var s *event.Session
	visitors := map[uint64]uint32{}
	engaged := int64(0)
	for _, e := range chain {
		engaged += e.TimeOnPage
		if !e.Type.Counted() {
			continue
		}
		if s == nil {
			s = &event.Session{SessionKey: key, ChainStart: chain[0].Timestamp, Start: e.Timestamp, End: chain[len(chain)-1].Timestamp,
				UserID: e.UserID, SampleKey: e.SampleKey, VisitorCoupon: e.VisitorCoupon, Source: e.Source, Channel: e.Channel, Medium: e.Medium, Campaign: e.Campaign,
				Country: e.Country, Region: e.Region, City: e.City, DeviceType: e.DeviceType, Browser: e.Browser, OS: e.OS, Screen: e.Screen, Referrer: e.Referrer}
		}
		visitors[e.SampleKey] = e.VisitorCoupon
		countInto(s, e)
	}
	if s == nil {
		return nil
	}
	s.EngagedMs = engaged
	if len(visitors) > 1 {
		for _, k := range slices.Sorted(maps.Keys(visitors)) {
			s.Visitors = append(s.Visitors, event.Visitor{SampleKey: k, Coupon: visitors[k]})
		}
	}
	return s
}

func countInto(s *event.Session, e *event.Event) {
	s.Events++
	if e.Type == event.Pageview {
		if s.Pageviews == 0 {
			s.EntryPage, s.EntryHostname = e.Page, e.Hostname
		}
		s.ExitPage, s.ExitHostname = e.Page, e.Hostname
		s.Pageviews++
	} else if e.Interactive {
		s.Interactive++
	}
	if e.Currency == "" {
		return
	}
	s.RevenueEvents++
	switch {
	case s.Currency == "" || s.Currency == e.Currency:
		s.Currency, s.Revenue = e.Currency, s.Revenue+e.Revenue
	default:
		s.Currency, s.Revenue = event.MixedCurrency, 0
	}
}

func (h *history) batch(events []event.Event, sessions []event.Session, next int64) *store.Batch {
	return &store.Batch{Events: events, Sessions: sessions, Next: next}
}

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
	for seed := range uint64(2) {
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
	for _, q := range few.questions(rand.New(rand.NewPCG(5, 5))) {
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

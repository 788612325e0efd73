package conformance

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// happening is an event as the naive recomputation sees it: what was sent, with what must come of it.
type happening struct {
	id           string
	kind         string // pageview, event, engagement, ...
	at, received int64
	user         string // sent; "" for a visitor without an id of his own
	visitor      string // user, or what names a visitor without one: address, agent and day of receipt
	session      string // sent; "" for none
	page, host   string
	name         string
	made         bool // the SDK made it: not interactive
	origin       origin
	agent        agent
	address      address
	revenue      int64 // 1/10,000
	currency     string
	engaged      int64
	scroll       int // -1: none
	plan         string

	visit *visit // found by the recomputation; nil outside of sessions
}

// origin is where a visit comes from, and what the door must make of it by the table of channels.
type origin struct {
	referrer, query                                     string
	source, medium, campaign, term, content, ref, chann string
}

// agent is a user agent and what the door must make of it.
type agent struct {
	text, device, browser, os string
	band                      int
}

type address struct{ ip, country string }

func origins() []origin {
	return []origin{
		{chann: "Direct"},
		{chann: "Direct"},
		{referrer: "https://www.google.com/", source: "Google", medium: "organic", ref: "google.com", chann: "Organic Search"},
		{referrer: "https://blog.example.net/a?x=1", source: "blog.example.net", medium: "referral", ref: "blog.example.net/a", chann: "Referral"},
		{query: "utm_source=letter&utm_medium=email&utm_campaign=Spring%20sale&utm_term=t1&utm_content=c1",
			source: "letter", medium: "email", campaign: "Spring sale", term: "t1", content: "c1", chann: "Email"},
		{query: "gclid=x", source: "Google", medium: "cpc", chann: "Paid Search"},
		{referrer: "https://chatgpt.com/", source: "ChatGPT", medium: "referral", ref: "chatgpt.com", chann: "AI Assistants"},
	}
}

func visitorAgents() []agent {
	return []agent{
		{agents["chrome"], "desktop", "Chrome", "Windows", 0},
		{agents["iphone"], "mobile", "Safari", "iOS", 0},
		{agents["android"], "mobile", "Chrome", "Android", 0},
		{agents["firefox"], "desktop", "Firefox", "Linux", 0},
		{agents["mystery"], "other", "", "", 1}, // an unknown agent alone is a hint of 25
		{agents["curl"], "bot", "", "", 2},
		{agents["googlebot"], "bot", "", "", 3},
	}
}

// history makes the traffic of one site.
type history struct {
	rnd    *rand.Rand
	from   time.Time
	events []*happening
}

const historyDays = 22

// newHistory makes n visits of a few visitors within three weeks, and some long ones.
func newHistory(seed uint64, from time.Time, n int) *history {
	h := &history{rnd: rand.New(rand.NewPCG(seed, 17)), from: from}
	for range n {
		h.visit(1 + h.rnd.IntN(8))
	}
	for range max(n/60, 1) {
		h.visit(60 + h.rnd.IntN(60)) // gaps are up to half an hour: longer than a day, now and then
	}
	h.duplicates(n / 4)
	h.rnd.Shuffle(len(h.events), func(i, j int) { h.events[i], h.events[j] = h.events[j], h.events[i] })
	return h
}

func pick[T any](rnd *rand.Rand, from []T) T { return from[rnd.IntN(len(from))] }

// visit adds one stay of a visitor. It may continue an earlier one by chance.
func (h *history) visit(n int) {
	person := h.rnd.IntN(14)
	model := happening{agent: visitorAgents()[person%7], address: pick(h.rnd, []address{{"198.51.100.7", ""}, {"203.0.113.9", ""}, {"198.51.100.7", ""}})}
	switch {
	case person < 9:
		model.user = fmt.Sprintf("visitor-%d", person)
	case person < 11: // two ids on one device, whose SDK keeps one session for both
		model.user, model.session = fmt.Sprintf("visitor-%d", person), fmt.Sprintf("shared-%d", h.rnd.IntN(5))
	}
	if person == 2 {
		model.session = fmt.Sprintf("s-%d", h.rnd.IntN(40))
	}
	if h.rnd.IntN(12) == 0 {
		model.agent = pick(h.rnd, visitorAgents())
	}
	at := h.from.UnixMilli() + h.rnd.Int64N(historyDays*24*3600*1000)
	if h.rnd.IntN(4) == 0 { // many visits near the edges of days, in any zone
		at = at/(1800*1000)*(1800*1000) - 2 + h.rnd.Int64N(4)
	}
	model.origin = pick(h.rnd, origins())
	for range n {
		e := model
		e.at = at
		h.fill(&e)
		h.events = append(h.events, &e)
		at += h.gap(n > 10)
		if h.rnd.IntN(3) == 0 {
			model.origin = origins()[0]
		}
	}
}

func (h *history) gap(long bool) int64 {
	if long {
		return pick(h.rnd, []int64{30 * 60_000, 29 * 60_000, 30*60_000 - 1})
	}
	return pick(h.rnd, []int64{0, 0, 1, 1500, 40_000, 5 * 60_000, 29 * 60_000, 30*60_000 - 1, 30 * 60_000, 30*60_000 + 1, 45 * 60_000})
}

// fill chooses what the event is, and when it arrives.
func (h *history) fill(e *happening) {
	e.id = h.uuid()
	e.page, e.host = pick(h.rnd, []string{"/", "/pricing", "/blog/one", "/Blog/Two", "/docs/"}), pick(h.rnd, []string{"example.com", "example.com", "shop.example.com"})
	e.scroll, e.plan = -1, pick(h.rnd, []string{"", "", "pro", "free", "Pro trial"})
	switch n := h.rnd.IntN(20); {
	case n < 9:
		e.kind = "pageview"
	case n < 14:
		e.kind, e.name, e.made = "event", pick(h.rnd, []string{"signup", "purchase", "outbound"}), h.rnd.IntN(3) == 0
	case n < 18:
		e.kind, e.engaged = "engagement", int64(h.rnd.IntN(90_000)+1)
		if h.rnd.IntN(3) > 0 {
			e.scroll = h.rnd.IntN(101)
		}
	default:
		e.kind = pick(h.rnd, []string{"vitals", "error"})
	}
	if e.kind == "pageview" && h.rnd.IntN(10) == 0 || e.kind == "event" && h.rnd.IntN(2) == 0 {
		e.revenue, e.currency = int64(h.rnd.IntN(2_000_000)-100_000), "EUR"
		if h.rnd.IntN(6) == 0 {
			e.currency = "USD"
		}
	}
	h.receive(e)
}

// receive lets the event arrive at once, late, or with a clock that was ahead. A visitor without an id is known by the day of
// receipt; half an hour around its midnight is left out, since there the order of arrival has a say.
func (h *history) receive(e *happening) {
	e.received = e.at + pick(h.rnd, []int64{0, 0, 0, 5_000, 3_600_000, 2 * 24 * 3_600_000, 6 * 24 * 3_600_000})
	const day, edge = 24 * 3_600_000, 31 * 60_000
	if into := e.received % day; e.user == "" && (into < edge || into > day-edge) {
		e.received += 2 * edge
	} else if h.rnd.IntN(40) == 0 && e.user != "" {
		e.at += 3_600_000 // behind the receipt: set to it
	}
	e.at = min(e.at, e.received)
	if e.visitor = e.user; e.user == "" {
		e.visitor = fmt.Sprintf("%s|%s|%d", e.address.ip, e.agent.text, e.received/day)
	}
	if e.session == "" {
		e.session = e.visitor
	}
}

func (h *history) uuid() string {
	a, b := h.rnd.Uint64(), h.rnd.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff)
}

// duplicates adds events with an id that was there before, received up to ten days around it: those within seven are
// duplicates, whatever else they say.
func (h *history) duplicates(n int) {
	const day = 24 * 3_600_000
	for range n {
		e := *pick(h.rnd, h.events)
		e.page, e.kind, e.name, e.scroll, e.engaged = "/again", "pageview", "", -1, 0
		shift := pick(h.rnd, []int64{0, 0, 0, 60_000, 7 * day, 7*day + 1, -7 * day, -7*day - 1, 9 * day})
		if e.user == "" {
			shift = shift / day * day
		}
		if e.user == "" && e.session == e.visitor && !has("order") {
			shift = 0 // another day is another visitor, and so another session
		}
		e.received, e.at = e.received+shift, e.at+shift
		if e.user == "" {
			e.visitor = fmt.Sprintf("%s|%s|%d", e.address.ip, e.agent.text, e.received/day)
			e.session = e.visitor
		}
		h.events = append(h.events, &e)
	}
}

// body is the event as it is sent to the door of imports.
func (e *happening) body(trackingID string) map[string]any {
	data := map[string]any{"timestamp": e.at, "page": e.page}
	context := map[string]any{"user_agent": e.agent.text, "ip": e.address.ip, "hostname": e.host}
	out := map[string]any{"id": e.id, "type": e.kind, "tracking_id": trackingID, "data": data, "context": context, "received_at": e.received}
	if e.user != "" {
		out["user_id"] = e.user
	}
	if e.session != e.visitor {
		out["session_id"] = e.session
	}
	if e.origin.query != "" {
		context["url"] = "https://" + e.host + e.page + "?" + e.origin.query
	}
	set := func(is bool, key string, value any) {
		if is {
			data[key] = value
		}
	}
	set(e.origin.referrer != "", "referrer", e.origin.referrer)
	set(e.name != "", "name", e.name)
	set(e.made, "interactive", false)
	set(e.currency != "", "revenue", fmt.Sprintf("%.4f", float64(e.revenue)/10_000))
	set(e.currency != "", "currency", e.currency)
	set(e.engaged > 0, "time_on_page", e.engaged)
	set(e.scroll >= 0, "scroll_depth", e.scroll)
	set(e.plan != "", "properties", map[string]any{"plan": e.plan})
	return out
}

// stored returns the events that are no duplicates, in the order of arrival: an id counts once within seven days around
// the receipt of an event that was stored with it.
func stored(arrived []*happening) (kept []*happening) {
	const window = 7 * 24 * 3_600_000
	seen := map[string][]int64{}
	for _, e := range arrived {
		if !slices.ContainsFunc(seen[e.id], func(at int64) bool { return max(at-e.received, e.received-at) <= window }) {
			seen[e.id] = append(seen[e.id], e.received)
			kept = append(kept, e)
		}
	}
	return kept
}

// inTime sorts by time, equal times by id.
func inTime(events []*happening) {
	slices.SortFunc(events, func(a, b *happening) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
}

package stream

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
)

// segment is the summary of a maximal run of one key's events within one UTC day with gaps of at most 30 minutes.
// Adding events only makes, prolongs or merges segments: never does one split, since days and gaps only fill up.
type segment struct {
	first, last int64 // time of the first and last event of any of the three types

	counted    mark // first counted event; set when events > 0
	entry      mark // first pageview; set when pageviews > 0
	exit       mark // last pageview
	entryPlace string
	exitPlace  string

	pageviews, events, interactive, revenueEvents int32
	engagedMs, revenue                            int64
	currency                                      string // MixedCurrency absorbs

	user       event.Visitor // of the first counted event, as userID and attributes
	userID     string
	attributes string
	visitors   *visitorSet // nil while user is the only one

	changed uint32 // the batch that changed it last
}

// mark is the place of an event in its key's order: time, then id as text.
type mark struct {
	time int64
	id   event.UUID
}

func markOf(e *event.Event) mark { return mark{e.Timestamp, e.ID} }

func (m mark) before(o mark) bool {
	if m.time != o.time {
		return m.time < o.time
	}
	return bytes.Compare(m.id[:], o.id[:]) < 0
}

// add takes the event of the session id into the segment's summary; an empty segment has first > last.
func (g *segment) add(e *event.Event, sessionID string, names *names) {
	g.first, g.last = min(g.first, e.Timestamp), max(g.last, e.Timestamp)
	switch e.Type {
	case event.Engagement:
		g.engagedMs += e.TimeOnPage
		return
	case event.Pageview:
		g.view(e, names)
	case event.Custom:
		if e.Interactive {
			g.interactive++
		}
	}
	if e.HasRevenue() {
		g.revenueEvents++
		g.earn(names.text(e.Currency), e.Revenue)
	}
	visitor := event.Visitor{SampleKey: e.SampleKey, Coupon: e.VisitorCoupon}
	if g.events > 0 {
		g.meet(visitor)
	}
	if m := markOf(e); g.events == 0 || m.before(g.counted) {
		g.counted, g.user, g.userID, g.attributes = m, visitor, userOf(e, sessionID), names.attributes(e)
	}
	g.events++
}

func (g *segment) view(e *event.Event, names *names) {
	m := markOf(e)
	place := names.place(e)
	if g.pageviews == 0 || m.before(g.entry) {
		g.entry, g.entryPlace = m, place
	}
	if g.pageviews == 0 || g.exit.before(m) {
		g.exit, g.exitPlace = m, place
	}
	g.pageviews++
}

// earn adds revenue in a currency; once there are two, the sum means nothing.
func (g *segment) earn(currency string, revenue int64) {
	switch g.currency {
	case "", currency:
		g.currency = currency
		g.revenue += revenue
	default:
		g.currency = event.MixedCurrency
	}
	if g.currency == event.MixedCurrency {
		g.revenue = 0
	}
}

// meet adds a visitor to those of the segment, which has one at least.
func (g *segment) meet(v event.Visitor) {
	if g.visitors == nil {
		if v == g.user {
			return
		}
		g.visitors = &visitorSet{list: []event.Visitor{g.user}}
	}
	g.visitors.add(v)
}

// merge takes the later or earlier segment o in. o stays as it is.
func (g *segment) merge(o *segment) {
	g.first, g.last = min(g.first, o.first), max(g.last, o.last)
	g.changed = max(g.changed, o.changed)
	g.engagedMs += o.engagedMs
	g.interactive += o.interactive
	g.revenueEvents += o.revenueEvents
	if o.currency != "" {
		g.earn(o.currency, o.revenue)
	}
	if o.pageviews > 0 {
		g.mergeViews(o)
	}
	if o.events > 0 {
		g.mergeCounted(o)
	}
}

func (g *segment) mergeViews(o *segment) {
	if g.pageviews == 0 || o.entry.before(g.entry) {
		g.entry, g.entryPlace = o.entry, o.entryPlace
	}
	if g.pageviews == 0 || g.exit.before(o.exit) {
		g.exit, g.exitPlace = o.exit, o.exitPlace
	}
	g.pageviews += o.pageviews
}

func (g *segment) mergeCounted(o *segment) {
	if g.events == 0 {
		g.counted, g.user, g.userID, g.attributes, g.visitors = o.counted, o.user, o.userID, o.attributes, o.visitors.clone()
		g.events = o.events
		return
	}
	g.visitors = g.visitors.clone() // g may be a copy of a segment that goes on living
	if o.visitors == nil {
		g.meet(o.user)
	} else {
		for _, v := range o.visitors.list {
			g.meet(v)
		}
	}
	if o.counted.before(g.counted) {
		g.counted, g.user, g.userID, g.attributes = o.counted, o.user, o.userID, o.attributes
	}
	g.events += o.events
}

// session writes the segment, or the merge of several, as a session of the key.
func (g *segment) session(key event.SessionKey, s *event.Session) {
	*s = event.Session{
		SessionKey: key, ChainStart: g.first, Start: g.counted.time, End: g.last,
		UserID: g.userID, SampleKey: g.user.SampleKey, VisitorCoupon: g.user.Coupon, Visitors: g.visitors.sorted(),
		Pageviews: int64(g.pageviews), Events: int64(g.events), Interactive: int64(g.interactive), EngagedMs: g.engagedMs,
		RevenueEvents: int64(g.revenueEvents), Revenue: g.revenue, Currency: g.currency,
	}
	s.EntryPage, s.EntryHostname = splitPlace(g.entryPlace)
	s.ExitPage, s.ExitHostname = splitPlace(g.exitPlace)
	unpackAttributes(g.attributes, s)
}

// visitorSet holds distinct visitors, two at least.
type visitorSet struct {
	list  []event.Visitor
	known map[event.Visitor]struct{} // nil while the list is short
}

const shortVisitors = 16

func (s *visitorSet) add(v event.Visitor) {
	if s.known == nil && len(s.list) < shortVisitors {
		if !slices.Contains(s.list, v) {
			s.list = append(s.list, v)
		}
		return
	}
	if s.known == nil {
		s.known = make(map[event.Visitor]struct{}, 2*shortVisitors)
		for _, have := range s.list {
			s.known[have] = struct{}{}
		}
	}
	if _, ok := s.known[v]; !ok {
		s.known[v] = struct{}{}
		s.list = append(s.list, v)
	}
}

func (s *visitorSet) clone() *visitorSet {
	if s == nil {
		return nil
	}
	return &visitorSet{list: slices.Clone(s.list)}
}

// sorted returns the visitors ordered by sample key, nil for none.
func (s *visitorSet) sorted() []event.Visitor {
	if s == nil {
		return nil
	}
	list := slices.Clone(s.list)
	slices.SortFunc(list, func(a, b event.Visitor) int {
		return cmp.Or(cmp.Compare(a.SampleKey, b.SampleKey), cmp.Compare(a.Coupon, b.Coupon))
	})
	return list
}

package duckdb

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"reflect"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store/audit"
)

//go:embed sql/audit_events.sql
var auditEventsSQL string

//go:embed sql/audit_sessions.sql
var auditSessionsSQL string

const auditHoursSQL = "select timestamp // 3600000 * 3600000 as hour, count(*) from events group by 1 order by 1"

// sessions recomputes all sessions as the semantics say it in words. It goes from window to window of time; where the events
// of an hour are too many for one window, it does so for a part of the keys, then for the next.
func (a *auditor) sessions(ctx context.Context) error {
	var hours []hourOfEvents
	err := a.each(ctx, auditHoursSQL, nil, func(c *Chunk, i int) { hours = append(hours, hourOfEvents{c.Int64s(0)[i], c.Int64s(1)[i]}) })
	if err != nil {
		return err
	}
	parts := int64(1)
	for _, hour := range hours {
		parts = max(parts, (hour.rows+a.most-1)/a.most)
	}
	edges := windowEdges(hours, parts*a.most)
	for part := range parts {
		chains := openChains{auditor: a, parts: parts, part: part, events: map[event.SessionKey][]event.Event{}, stored: map[event.SessionRef]event.Session{}}
		for i := range len(edges) - 1 {
			if err := chains.window(ctx, edges[i], edges[i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

type hourOfEvents struct{ hour, rows int64 }

// windowEdges cuts all of time so that the hours between two edges have no more rows than most, unless it is one hour.
func windowEdges(hours []hourOfEvents, most int64) []int64 {
	edges, rows := []int64{math.MinInt64}, int64(0)
	for _, hour := range hours {
		if rows > 0 && rows+hour.rows > most {
			edges, rows = append(edges, hour.hour), 0
		}
		rows += hour.rows
	}
	return append(edges, math.MaxInt64)
}

// openChains holds what may go on in the windows to come: chains of events, and the stored sessions of their keys.
type openChains struct {
	*auditor
	parts, part int64 // of the keys
	events      map[event.SessionKey][]event.Event
	stored      map[event.SessionRef]event.Session
}

// window takes in the events and the sessions of [from, to), and checks the chains that end there.
func (o *openChains) window(ctx context.Context, from, to int64) error {
	if err := o.readStored(ctx, from, to); err != nil {
		return err
	}
	err := o.each(ctx, fmt.Sprintf(auditEventsSQL, o.parts, o.part), []any{from, to}, func(c *Chunk, i int) {
		e := readSessionEvent(c, i)
		key := event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}
		chain := o.events[key]
		if len(chain) > 0 && !audit.Follows(&chain[len(chain)-1], &e) {
			audit.Sessions(chain, o.checkSession)
			chain = chain[:0]
		}
		o.events[key] = append(chain, e)
	})
	if err != nil {
		return err
	}
	for key, chain := range o.events {
		if to == math.MaxInt64 || chain[len(chain)-1].Timestamp < to-event.SessionGapMillis {
			audit.Sessions(chain, o.checkSession)
			delete(o.events, key)
		}
	}
	for ref, s := range o.stored {
		if len(o.events[ref.SessionKey]) > 0 {
			continue
		}
		delete(o.stored, ref)
		if !o.cut(&s) {
			o.report.Add(ref.WebsiteID, audit.Describe(ref), "no session", fmt.Sprintf("%d events", s.Events))
		}
	}
	return nil
}

// cut reports whether retention may have deleted events of the session.
func (a *auditor) cut(s *event.Session) bool {
	from, ok := a.rawFrom[s.WebsiteID]
	return ok && s.ChainStart < from+2*dayMillis
}

// checkSession compares a recomputed session with the stored one, which it forgets.
func (o *openChains) checkSession(want *event.Session) {
	ref := want.Ref()
	got, ok := o.stored[ref]
	delete(o.stored, ref)
	o.report.Sessions++
	switch {
	case o.cut(want):
	case !ok:
		o.report.Add(ref.WebsiteID, audit.Describe(ref), fmt.Sprintf("%d events", want.Events), "no session")
	case !reflect.DeepEqual(*want, got):
		expected, found := audit.FieldDifference(want, &got)
		o.report.Add(ref.WebsiteID, audit.Describe(ref), expected, found)
	}
}

// readStored reads the sessions whose chains begin in [from, to). Rows that are there twice, or whose bounce is not what
// their counts say, are differences at once.
func (o *openChains) readStored(ctx context.Context, from, to int64) error {
	return o.each(ctx, fmt.Sprintf(auditSessionsSQL, o.parts, o.part), []any{from, to}, func(c *Chunk, i int) {
		s := readSession(c, i)
		if _, twice := o.stored[s.Ref()]; twice {
			o.report.Add(s.WebsiteID, audit.Describe(s.Ref()), "one row", "a second one")
		}
		if c.Bools(18)[i] != s.Bounce() {
			o.report.Add(s.WebsiteID, audit.Describe(s.Ref()), fmt.Sprintf("bounce %t", s.Bounce()), fmt.Sprintf("bounce %t", c.Bools(18)[i]))
		}
		o.stored[s.Ref()] = s
	})
}

// readSession reads the columns of sql/audit_sessions.sql.
func readSession(c *Chunk, i int) event.Session {
	id := c.Text(1, i)
	s := event.Session{SessionKey: event.SessionKey{WebsiteID: c.Text(0, i), SessionID: id, Band: c.Uint8s(2)[i]},
		ChainStart: c.Int64s(3)[i], Start: c.Int64s(4)[i], End: c.Int64s(5)[i],
		UserID: userOf(c.Text(6, i), id), SampleKey: c.Uint64s(7)[i], VisitorCoupon: c.Uint32s(8)[i],
		Pageviews: c.Int64s(11)[i], Events: c.Int64s(12)[i], Interactive: c.Int64s(13)[i], EngagedMs: c.Int64s(14)[i],
		RevenueEvents: c.Int64s(15)[i], Revenue: c.Int64s(16)[i], Currency: c.Text(17, i)}
	if !c.Null(9, i) {
		coupons := c.Uint32List(10, i)
		for n, key := range c.Uint64List(9, i) {
			s.Visitors = append(s.Visitors, event.Visitor{SampleKey: key, Coupon: coupons[n]})
		}
	}
	for n, to := range [...]*string{&s.EntryPage, &s.EntryHostname, &s.ExitPage, &s.ExitHostname,
		&s.Source, &s.Medium, &s.Campaign, &s.Term, &s.Content, &s.Channel, &s.Referrer, &s.Country, &s.Region, &s.City,
		&s.DeviceType, &s.Browser, &s.BrowserVersion, &s.OS, &s.OSVersion, &s.Screen, &s.Language} {
		*to = c.Text(19+n, i)
	}
	return s
}

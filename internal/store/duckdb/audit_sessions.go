package duckdb

import (
	"context"
	_ "embed"
	"fmt"
	"reflect"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store/audit"
)

//go:embed sql/audit_events.sql
var auditEventsSQL string

//go:embed sql/audit_sessions.sql
var auditSessionsSQL string

// auditPartRows bounds the events of one part of the sessions' audit: they are sorted by the engine.
const auditPartRows = 400_000

// sessions recomputes all sessions as the semantics say it in words, part of the keys by part.
func (a *auditor) sessions(ctx context.Context) error {
	parts := a.rows/auditPartRows + 1
	for part := range parts {
		stored, err := a.storedSessions(ctx, fmt.Sprintf(auditSessionsSQL, parts, part))
		if err != nil {
			return err
		}
		check := func(s *event.Session) { a.checkSession(stored, s) }
		var chain []event.Event
		err = a.each(ctx, fmt.Sprintf(auditEventsSQL, parts, part), nil, func(c *Chunk, i int) {
			e := readSessionEvent(c, i)
			if len(chain) > 0 && !audit.Follows(&chain[len(chain)-1], &e) {
				audit.Sessions(chain, check)
				chain = chain[:0]
			}
			chain = append(chain, e)
		})
		if err != nil {
			return err
		}
		if len(chain) > 0 {
			audit.Sessions(chain, check)
		}
		for ref, s := range stored {
			if !a.cut(&s) {
				a.report.Add(ref.WebsiteID, audit.Describe(ref), "no session", fmt.Sprintf("%d events", s.Events))
			}
		}
	}
	return nil
}

// cut reports whether retention may have deleted events of the session.
func (a *auditor) cut(s *event.Session) bool {
	from, ok := a.rawFrom[s.WebsiteID]
	return ok && s.ChainStart < from+2*dayMillis
}

// checkSession compares a recomputed session with the stored one and takes that out of the map.
func (a *auditor) checkSession(stored map[event.SessionRef]event.Session, want *event.Session) {
	ref := want.Ref()
	got, ok := stored[ref]
	delete(stored, ref)
	a.report.Sessions++
	switch {
	case a.cut(want):
	case !ok:
		a.report.Add(ref.WebsiteID, audit.Describe(ref), fmt.Sprintf("%d events", want.Events), "no session")
	case !reflect.DeepEqual(*want, got):
		expected, found := audit.FieldDifference(want, &got)
		a.report.Add(ref.WebsiteID, audit.Describe(ref), expected, found)
	}
}

// storedSessions reads the sessions of one part. Rows that are there twice, or whose bounce is not what their counts say,
// are differences at once.
func (a *auditor) storedSessions(ctx context.Context, sql string) (map[event.SessionRef]event.Session, error) {
	stored := map[event.SessionRef]event.Session{}
	err := a.each(ctx, sql, nil, func(c *Chunk, i int) {
		s := readSession(c, i)
		if _, twice := stored[s.Ref()]; twice {
			a.report.Add(s.WebsiteID, audit.Describe(s.Ref()), "one row", "a second one")
		}
		if c.Bools(18)[i] != s.Bounce() {
			a.report.Add(s.WebsiteID, audit.Describe(s.Ref()), fmt.Sprintf("bounce %t", s.Bounce()), fmt.Sprintf("bounce %t", c.Bools(18)[i]))
		}
		stored[s.Ref()] = s
	})
	return stored, err
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

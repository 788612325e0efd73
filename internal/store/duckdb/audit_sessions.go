package duckdb

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
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
			if len(chain) > 0 && !follows(&chain[len(chain)-1], &e) {
				naiveSessions(chain, check)
				chain = chain[:0]
			}
			chain = append(chain, e)
		})
		if err != nil {
			return err
		}
		if len(chain) > 0 {
			naiveSessions(chain, check)
		}
		for ref, s := range stored {
			if !a.cut(&s) {
				a.report.add(ref.WebsiteID, describe(ref), "no session", fmt.Sprintf("%d events", s.Events))
			}
		}
	}
	return nil
}

// follows reports whether b belongs to the chain that a ends.
func follows(a, b *event.Event) bool {
	return a.WebsiteID == b.WebsiteID && a.SessionID == b.SessionID && a.BotBand == b.BotBand && b.Timestamp-a.Timestamp <= event.SessionGapMillis
}

// naiveSessions calls yield for each session of a chain.
func naiveSessions(chain []event.Event, yield func(*event.Session)) {
	long := chain[len(chain)-1].Timestamp-chain[0].Timestamp > event.SessionSplitMillis
	from := 0
	for i := range chain {
		if long && i > from && floor(chain[i].Timestamp, dayMillis) != floor(chain[i-1].Timestamp, dayMillis) {
			naiveSession(chain[from:i], yield)
			from = i
		}
	}
	naiveSession(chain[from:], yield)
}

// naiveSession makes the session of a piece of a chain, which is in order, if it has a counted event.
func naiveSession(piece []event.Event, yield func(*event.Session)) {
	counted := slices.IndexFunc(piece, func(e event.Event) bool { return e.Type.Counted() })
	if counted < 0 {
		return
	}
	f := &piece[counted]
	s := &event.Session{SessionKey: event.SessionKey{WebsiteID: f.WebsiteID, SessionID: f.SessionID, Band: f.BotBand},
		ChainStart: piece[0].Timestamp, Start: f.Timestamp, End: piece[len(piece)-1].Timestamp,
		UserID: f.UserID, SampleKey: f.SampleKey, VisitorCoupon: f.VisitorCoupon,
		Source: f.Source, Medium: f.Medium, Campaign: f.Campaign, Term: f.Term, Content: f.Content, Channel: f.Channel, Referrer: f.Referrer,
		Country: f.Country, Region: f.Region, City: f.City, DeviceType: f.DeviceType, Browser: f.Browser, BrowserVersion: f.BrowserVersion,
		OS: f.OS, OSVersion: f.OSVersion, Screen: f.Screen, Language: f.Language}
	users, money := map[event.Visitor]bool{}, map[string]int64{}
	for i := range piece {
		naiveAdd(s, &piece[i], users, money)
	}
	if len(users) > 1 {
		s.Visitors = slices.SortedFunc(maps.Keys(users), func(a, b event.Visitor) int {
			if a.SampleKey < b.SampleKey {
				return -1
			}
			return 1
		})
	}
	for currency, sum := range money {
		s.Currency, s.Revenue = currency, sum
	}
	if len(money) > 1 {
		s.Currency, s.Revenue = event.MixedCurrency, 0
	}
	yield(s)
}

func naiveAdd(s *event.Session, e *event.Event, users map[event.Visitor]bool, money map[string]int64) {
	if e.Type == event.Engagement {
		s.EngagedMs += e.TimeOnPage
		return
	}
	s.Events++
	users[event.Visitor{SampleKey: e.SampleKey, Coupon: e.VisitorCoupon}] = true
	if e.HasRevenue() {
		s.RevenueEvents++
		money[e.Currency] += e.Revenue
	}
	if e.Type == event.Custom && e.Interactive {
		s.Interactive++
	}
	if e.Type == event.Pageview {
		if s.Pageviews == 0 {
			s.EntryPage, s.EntryHostname = e.Page, e.Hostname
		}
		s.ExitPage, s.ExitHostname = e.Page, e.Hostname
		s.Pageviews++
	}
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
		a.report.add(ref.WebsiteID, describe(ref), fmt.Sprintf("%d events", want.Events), "no session")
	case !reflect.DeepEqual(*want, got):
		expected, found := fieldDifference(want, &got)
		a.report.add(ref.WebsiteID, describe(ref), expected, found)
	}
}

func describe(ref event.SessionRef) string {
	return fmt.Sprintf("session %q, band %d, start %d", ref.SessionID, ref.Band, ref.Start)
}

// fieldDifference names the fields in which two sessions differ.
func fieldDifference(want, got *event.Session) (expected, found string) {
	w, g := reflect.ValueOf(*want), reflect.ValueOf(*got)
	var ws, gs []string
	for i := range w.NumField() {
		if !reflect.DeepEqual(w.Field(i).Interface(), g.Field(i).Interface()) {
			name := w.Type().Field(i).Name
			ws = append(ws, fmt.Sprintf("%s %v", name, w.Field(i).Interface()))
			gs = append(gs, fmt.Sprintf("%s %v", name, g.Field(i).Interface()))
		}
	}
	return strings.Join(ws, ", "), strings.Join(gs, ", ")
}

// storedSessions reads the sessions of one part. Rows that are there twice, or whose bounce is not what their counts say,
// are differences at once.
func (a *auditor) storedSessions(ctx context.Context, sql string) (map[event.SessionRef]event.Session, error) {
	stored := map[event.SessionRef]event.Session{}
	err := a.each(ctx, sql, nil, func(c *Chunk, i int) {
		s := readSession(c, i)
		if _, twice := stored[s.Ref()]; twice {
			a.report.add(s.WebsiteID, describe(s.Ref()), "one row", "a second one")
		}
		if c.Bools(18)[i] != s.Bounce() {
			a.report.add(s.WebsiteID, describe(s.Ref()), fmt.Sprintf("bounce %t", s.Bounce()), fmt.Sprintf("bounce %t", c.Bools(18)[i]))
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

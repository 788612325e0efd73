package clickhouse

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

//go:embed sql/audit_fresh.sql
var auditFreshSQL string

// auditPartRows bounds the events of one part of the sessions' audit: they are sorted by the engine, and the part's
// sessions are held in memory.
const auditPartRows = 400_000

// sessions recomputes all sessions as the semantics say it in words, part of the keys by part.
func (a *auditor) sessions(ctx context.Context) error {
	parts := uint64(a.rows/auditPartRows + 1)
	for part := range parts {
		compared := int64(0)
		err := a.confirm(ctx, func(ctx context.Context, add func(string, string, string, string)) error {
			c := &comparison{auditor: a, stored: map[event.SessionRef]stored{}}
			if err := c.run(ctx, []any{a.cut, parts, part}); err != nil {
				return err
			}
			compared = c.compared
			for _, d := range c.differences {
				if !c.fresh[d.key] {
					add(d.key.WebsiteID, d.what, d.expected, d.found)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		a.report.Sessions += compared
	}
	return nil
}

// comparison is one look at the sessions of a part.
type comparison struct {
	*auditor
	stored      map[event.SessionRef]stored
	fresh       map[event.SessionKey]bool // keys with events behind the cut: their sessions may be ahead
	compared    int64
	differences []sessionDifference
}

type stored struct {
	session event.Session
	bounce  bool
}

type sessionDifference struct {
	key                   event.SessionKey
	what, expected, found string
}

func (c *comparison) add(ref event.SessionRef, expected, found string) {
	c.differences = append(c.differences, sessionDifference{ref.SessionKey, audit.Describe(ref), expected, found})
}

// run reads the stored sessions, then the events, then which keys have later ones.
func (c *comparison) run(ctx context.Context, args []any) error {
	err := eachSession(ctx, c.each, "where cityHash64(website_id, session_id) % {p2:UInt64} = {p3:UInt64}", args, func(s *event.Session, bounce bool) {
		c.stored[s.Ref()] = stored{*s, bounce}
	})
	if err != nil {
		return err
	}
	var chain []event.Event
	err = c.each(ctx, auditEventsSQL, args, func(scan scanner) error {
		e := event.Event{ScrollDepth: event.NoScroll}
		if err := scanEvent(scan, &e); err != nil {
			return err
		}
		if len(chain) > 0 && !audit.Follows(&chain[len(chain)-1], &e) {
			audit.Sessions(chain, c.check)
			chain = chain[:0]
		}
		chain = append(chain, e)
		return nil
	})
	if err != nil {
		return err
	}
	if len(chain) > 0 {
		audit.Sessions(chain, c.check)
	}
	for ref, s := range c.stored {
		if !c.gone(&s.session) {
			c.add(ref, "no session", fmt.Sprintf("%d events", s.session.Events))
		}
	}
	c.fresh = map[event.SessionKey]bool{}
	return c.each(ctx, auditFreshSQL, args, func(scan scanner) error {
		var key event.SessionKey
		err := scan(&key.WebsiteID, &key.SessionID, &key.Band)
		c.fresh[key] = true
		return err
	})
}

// gone reports whether events of the session may be past their retention.
func (c *comparison) gone(s *event.Session) bool {
	from := c.kept.Of(s.WebsiteID).UnixMilli()
	return from > 0 && s.ChainStart < from+2*event.DayMillis
}

// check compares a recomputed session with the stored one and takes that out of the map.
func (c *comparison) check(want *event.Session) {
	ref := want.Ref()
	got, ok := c.stored[ref]
	delete(c.stored, ref)
	c.compared++
	switch {
	case c.gone(want):
	case !ok:
		c.add(ref, fmt.Sprintf("%d events", want.Events), "no session")
	case !reflect.DeepEqual(*want, got.session):
		expected, found := audit.FieldDifference(want, &got.session)
		c.add(ref, expected, found)
	case got.bounce != want.Bounce():
		c.add(ref, fmt.Sprintf("bounce %t", want.Bounce()), fmt.Sprintf("bounce %t", got.bounce))
	}
}

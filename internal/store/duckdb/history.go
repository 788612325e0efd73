package duckdb

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

//go:embed sql/session_events.sql
var sessionEventsSQL string

// SessionEvents implements store.History. It sets the fields that sessions are made of; BotScore is the band's least.
func (s *Store) SessionEvents(ctx context.Context, spans []store.Span, yield func(*event.Event)) error {
	if len(spans) == 0 {
		return nil
	}
	spans = apart(spans)
	websites, sessions := make([]string, len(spans)), make([]string, len(spans))
	bands, froms, tos := make([]int64, len(spans)), make([]int64, len(spans)), make([]int64, len(spans))
	first, last := spans[0].From, spans[0].To
	for i, span := range spans {
		websites[i], sessions[i], bands[i], froms[i], tos[i] = span.WebsiteID, span.SessionID, int64(span.Band), span.From, span.To
		first, last = min(first, span.From), max(last, span.To)
	}
	sql := fmt.Sprintf(sessionEventsSQL, first, last)
	err := s.Select(ctx, sql, []any{websites, sessions, bands, froms, tos}, func(chunk *Chunk) error {
		for row := range chunk.Rows() {
			e := readSessionEvent(chunk, row)
			yield(&e)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the events of %d sessions: %w", len(spans), err)
	}
	return nil
}

// apart returns the spans with those of one key united that overlap: the statement gives an event for each span that it is in.
func apart(spans []store.Span) (united []store.Span) {
	sorted := slices.SortedFunc(slices.Values(spans), func(a, b store.Span) int {
		return cmp.Or(strings.Compare(a.SessionID, b.SessionID), strings.Compare(a.WebsiteID, b.WebsiteID), cmp.Compare(a.Band, b.Band), cmp.Compare(a.From, b.From))
	})
	for _, span := range sorted {
		if n := len(united); n > 0 && united[n-1].SessionKey == span.SessionKey && span.From <= united[n-1].To {
			united[n-1].To = max(united[n-1].To, span.To)
			continue
		}
		united = append(united, span)
	}
	return united
}

// readSessionEvent reads the columns of sql/session_events.sql.
func readSessionEvent(c *Chunk, row int) event.Event {
	typ, _ := event.ParseType(string(c.Bytes(4, row)))
	session := c.Text(2, row)
	e := event.Event{ID: idOf(c.Uint64s(0)[row], c.Uint64s(32)[row], c.Int64s(6)[row]), WebsiteID: c.Text(1, row), SessionID: session, UserID: userOf(c.Text(3, row), session), Type: typ,
		Interactive: c.Bools(5)[row], Timestamp: c.Int64s(6)[row], SampleKey: c.Uint64s(7)[row], VisitorCoupon: c.Uint32s(8)[row],
		BotScore: c.Uint8s(9)[row] * 25, BotBand: c.Uint8s(9)[row],
		Revenue: c.Int64s(10)[row], Currency: c.Text(11, row), TimeOnPage: c.Int64s(12)[row], ScrollDepth: event.NoScroll}
	for i, to := range [...]*string{&e.Page, &e.Hostname, &e.Referrer, &e.Source, &e.Medium, &e.Campaign, &e.Term, &e.Content, &e.Channel,
		&e.Country, &e.Region, &e.City, &e.DeviceType, &e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Screen, &e.Language} {
		*to = c.Text(13+i, row)
	}
	return e
}

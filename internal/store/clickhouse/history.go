package clickhouse

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

//go:embed sql/session_events.sql
var sessionEventsSQL string

//go:embed sql/session_keys.sql
var sessionKeysSQL string

//go:embed sql/recent.sql
var recentSQL string

// latest is the last time that a comparison may name: dates behind it are not told apart by the engine.
const latest = 4_102_444_800_000 // 2100-01-01

// SessionEvents implements store.History.
func (w *Writer) SessionEvents(ctx context.Context, spans []store.Span, yield func(*event.Event)) error {
	return w.store.SessionEvents(ctx, spans, yield)
}

// SessionEvents implements store.History. It sets the fields that sessions are made of; BotScore is the band's least.
func (s *Store) SessionEvents(ctx context.Context, spans []store.Span, yield func(*event.Event)) error {
	if len(spans) == 0 {
		return nil
	}
	wanted := make(map[event.SessionKey][]store.Span, len(spans))
	first, last := spans[0].From, spans[0].To
	for _, span := range spans {
		wanted[span.SessionKey] = append(wanted[span.SessionKey], span)
		first, last = min(first, span.From), max(last, span.To)
	}
	keys, err := spanTable(wanted)
	if err == nil {
		ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(keys))
		err = s.eachEvent(ctx, sessionEventsSQL, []any{clampTime(first), clampTime(last)}, func(e *event.Event) {
			for _, span := range wanted[event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}] {
				if span.From <= e.Timestamp && e.Timestamp <= span.To {
					e.BotScore = e.BotBand * 25
					yield(e)
					return
				}
			}
		})
	}
	if err != nil {
		return fmt.Errorf("cannot read the events of %d sessions: %w", len(spans), err)
	}
	return nil
}

func clampTime(ms int64) int64 { return min(max(ms, 0), latest) }

// spanTable is the keys as a table that goes with the query.
func spanTable(keys map[event.SessionKey][]store.Span) (*ext.Table, error) {
	t, err := ext.NewTable("spans", ext.Column("website_id", "String"), ext.Column("session_id", "String"))
	if err != nil {
		return nil, err
	}
	for key := range keys {
		if err := t.Append(key.WebsiteID, key.SessionID); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// eachEvent runs a statement that begins with the columns of sql/session_events.sql and calls yield for its events, each
// of which is yield's.
func (s *Store) eachEvent(ctx context.Context, sql string, args []any, yield func(*event.Event)) error {
	return s.each(ctx, sql, args, func(scan scanner) error {
		e := &event.Event{ScrollDepth: event.NoScroll}
		if err := scanEvent(scan, e); err != nil {
			return err
		}
		yield(e)
		return nil
	})
}

// scanEvent reads the columns of sql/session_events.sql, and of more behind them.
func scanEvent(scan scanner, e *event.Event, more ...any) error {
	var id uuid.UUID
	var typ string
	into := append([]any{&id, &e.WebsiteID, &e.SessionID, &e.UserID, &typ, &e.Interactive, &e.Timestamp, &e.SampleKey, &e.VisitorCoupon, &e.BotBand,
		&e.Revenue, &e.Currency, &e.TimeOnPage,
		&e.Page, &e.Hostname, &e.Referrer, &e.Source, &e.Medium, &e.Campaign, &e.Term, &e.Content, &e.Channel,
		&e.Country, &e.Region, &e.City, &e.DeviceType, &e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Screen, &e.Language}, more...)
	err := scan(into...)
	e.ID = event.UUID(id)
	e.Type, _ = event.ParseType(typ)
	return err
}

// SessionKeys implements load.SessionKeys, for a processor that nobody writes beside. A Writer does not offer it: what is
// not among the keys is taken for new, and beside the stream it may not be.
func (s *Store) SessionKeys(ctx context.Context, from int64, yield func(event.SessionKey)) error {
	err := s.each(ctx, sessionKeysSQL, []any{clampTime(from)}, func(scan scanner) error {
		var key event.SessionKey
		err := scan(&key.WebsiteID, &key.SessionID, &key.Band)
		yield(key)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot read the session keys since %d: %w", from, err)
	}
	return nil
}

// Recent calls yield for every stored event with a timestamp of from or later, in no particular order: what the
// live view starts from. Properties, flags, address and bot reasons are not set.
func (s *Store) Recent(ctx context.Context, from int64, yield func(*event.Event)) error {
	err := s.each(ctx, recentSQL, []any{clampTime(from)}, func(scan scanner) error {
		e := &event.Event{ScrollDepth: event.NoScroll}
		if err := scanEvent(scan, e, &e.Name, &e.ReceivedAt, &e.BotScore, &e.Value, &e.Title, &e.Category, &e.Action, &e.Label); err != nil {
			return err
		}
		yield(e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the events since %d: %w", from, err)
	}
	return nil
}

package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

//go:embed sql/seams.sql
var seamsSQL string

// seamKeys bounds the visits that are looked at together.
const seamKeys = 2000

// MendSeams joins visits that end in [from, to) and were made by two: a processor takes imported events that are too old for the stream,
// the stream the younger ones, and neither knows what the other has. The stream must be done with all that ends before to. It returns how
// many visits it made anew; a second call finds none.
func (s *Store) MendSeams(ctx context.Context, from, to int64, rebuild store.Rebuild) (mended int, err error) {
	var spans []store.Span
	err = s.batchRead(ctx, seamsSQL, []any{clampTime(from), clampTime(to)}, func(scan scanner) error {
		var span store.Span
		err := scan(&span.WebsiteID, &span.SessionID, &span.Band, &span.From, &span.To)
		span.From = max(0, span.From-event.DayMillis-2*event.SessionGapMillis) // a chain may have begun before
		span.To += event.DayMillis + 2*event.SessionGapMillis
		spans = append(spans, span)
		return err
	})
	for len(spans) > 0 && err == nil {
		n := min(len(spans), seamKeys)
		var some int
		some, err = s.mendSeams(ctx, spans[:n], to, rebuild)
		mended += some
		spans = spans[n:]
	}
	if err != nil {
		return mended, fmt.Errorf("cannot join the parts of visits: %w", err)
	}
	return mended, nil
}

// seam is a visit that may be in parts.
type seam struct {
	store.Span
	events []event.Event
	stored map[event.SessionRef]event.Session
}

func (s *Store) mendSeams(ctx context.Context, spans []store.Span, to int64, rebuild store.Rebuild) (mended int, err error) {
	seams, err := s.readSeams(ctx, spans)
	if err != nil {
		return 0, err
	}
	var changes []event.SessionChange
	for _, span := range spans {
		found := seams[span.SessionKey].changes(rebuild, to)
		if len(found) > 0 {
			mended++
		}
		changes = append(changes, found...)
	}
	if len(changes) == 0 {
		return 0, nil
	}
	return mended, s.RepairSessions(ctx, s.opts.Clock(), changes)
}

func (s *Store) readSeams(ctx context.Context, spans []store.Span) (map[event.SessionKey]*seam, error) {
	seams, wanted := map[event.SessionKey]*seam{}, map[event.SessionKey][]store.Span{}
	first, last := spans[0].From, spans[0].To
	for _, span := range spans {
		seams[span.SessionKey], wanted[span.SessionKey] = &seam{Span: span, stored: map[event.SessionRef]event.Session{}}, nil
		first, last = min(first, span.From), max(last, span.To)
	}
	err := s.SessionEvents(ctx, spans, func(e *event.Event) {
		seam := seams[event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}]
		seam.events = append(seam.events, *e)
	})
	if err != nil {
		return nil, err
	}
	keys, err := spanTable(wanted)
	if err != nil {
		return nil, err
	}
	const condition = `where session_start between fromUnixTimestamp64Milli({p1:Int64}, 'UTC') and fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and (website_id, session_id) in (select website_id, session_id from spans)`
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(keys))
	each := func(ctx context.Context, sql string, args []any, yield func(scanner) error) error {
		return eachOn(ctx, s.writer, sql, args, yield)
	}
	err = eachSession(ctx, each, condition, []any{clampTime(first), clampTime(last)}, func(session *event.Session, _ bool) {
		if seam := seams[session.SessionKey]; seam != nil && session.ChainStart >= seam.From && session.End <= seam.To {
			seam.stored[session.Ref()] = *session
		}
	})
	return seams, err
}

// changes makes the sessions that end before a time anew. Nothing where a chain may go on beyond what was read.
func (m *seam) changes(rebuild store.Rebuild, to int64) (changes []event.SessionChange) {
	for _, session := range rebuild(m.events) {
		if session.ChainStart <= m.From+event.SessionGapMillis && m.From > 0 || session.End >= m.To-event.SessionGapMillis {
			return nil
		}
		stored, ok := m.stored[session.Ref()]
		delete(m.stored, session.Ref())
		if session.End < to && !(ok && reflect.DeepEqual(stored, session)) {
			changes = append(changes, event.SessionChange{Session: session})
		}
	}
	for _, session := range m.stored {
		if session.End < to {
			changes = append(changes, event.SessionChange{Session: session, Withdrawn: true})
		}
	}
	return changes
}

// SeamsSettle is how long behind the age at which imports no longer pass through the stream it is done with a visit.
const SeamsSettle = (event.SessionGapMillis + 60_000) * time.Millisecond

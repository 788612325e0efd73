package clickhouse

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store"
)

// A site that keeps less than the installation loses its days and nothing else; the audit and the planner know.
func TestExpire(t *testing.T) {
	opts := testOptions(t)
	now := time.Date(2026, 3, 31, 15, 0, 0, 0, time.UTC)
	opts.Clock = func() time.Time { return now }
	s := openWith(t, opts)
	ctx := context.Background()
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	var events []event.Event
	var sessions []event.SessionChange
	for i := range 20 {
		e := event.Event{ID: event.UUID{1: byte(i + 1)}, WebsiteID: []string{"short", "long"}[i%2], SessionID: "s", Type: event.Pageview, Page: "/", Timestamp: day(1 + i).Add(time.Hour).UnixMilli(), SampleKey: uint64(i), ScrollDepth: event.NoScroll}
		e.ReceivedAt = e.Timestamp
		events = append(events, e)
		sessions = append(sessions, event.SessionChange{Session: event.Session{SessionKey: event.SessionKey{WebsiteID: e.WebsiteID, SessionID: "s"}, Start: e.Timestamp, ChainStart: e.Timestamp, End: e.Timestamp, Events: 1, Pageviews: 1, EntryPage: "/", ExitPage: "/", SampleKey: e.SampleKey}})
	}
	versions := make([]uint64, len(sessions))
	if err := errors.Join(s.InsertEvents(ctx, "t", events, Provenance{}), s.InsertSessions(ctx, "t", sessions, versions)); err != nil {
		t.Fatal(err)
	}
	rows := func(table, site, column string, before time.Time) int64 {
		return count(t, s, "select count() from "+table+" where website_id = '"+site+"' and "+column+" < toDate('"+before.Format(time.DateOnly)+"')")
	}
	expire := func(before time.Time) (gone int64, from time.Time) {
		t.Helper()
		gone, err := s.Expire(ctx, "short", before, func(_ context.Context, first time.Time) error {
			from = first
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return gone, from
	}

	failed := errors.New("the archive is away")
	if _, err := s.Expire(ctx, "short", day(10), func(context.Context, time.Time) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
	if n := rows("events", "short", "timestamp", day(31)); n != 10 {
		t.Errorf("%d events are left though the archive has them still", n)
	}
	if gone, first := expire(day(10)); gone != 5 || !first.Equal(day(1)) {
		t.Errorf("%d events went, the first of %v", gone, first)
	}
	for table, column := range map[string]string{"events": "timestamp", "sessions": "session_start", "page_views": "date"} {
		if early, all, others := rows(table, "short", column, day(10)), rows(table, "short", column, day(31)), rows(table, "long", column, day(31)); early != 0 || all != 5 || others != 10 {
			t.Errorf("%s: %d early rows, %d in all, %d of the other site", table, early, all, others)
		}
	}
	kept, err := s.Kept(ctx)
	if want := (store.Kept{All: time.UnixMilli(s.RawFrom()).UTC(), Sites: map[string]time.Time{"short": day(10)}}); err != nil || !reflect.DeepEqual(kept, want) {
		t.Errorf("kept %+v, %v", kept, err)
	}
	if got := s.Source().Facts("short", 0, now.UnixMilli(), nil); got.RawFrom != day(10).UnixMilli() || got.Estimate != 5 || got.Rollups != query.ByMinute {
		t.Errorf("facts %+v", got)
	}
	if got := s.Source().Facts("long", 0, now.UnixMilli(), nil); got.RawFrom != 0 || got.Estimate != 10 {
		t.Errorf("facts of the other site %+v", got)
	}

	// A longer retention later brings nothing back; what comes in late goes too, when it has been here for an hour.
	if gone, _ := expire(day(5)); gone != 0 {
		t.Errorf("%d events went", gone)
	}
	late := events[0]
	late.ID, late.ReceivedAt = event.UUID{9: 9}, now.Add(-time.Minute).UnixMilli()
	if err := s.InsertEvents(ctx, "late", []event.Event{late}, Provenance{}); err != nil {
		t.Fatal(err)
	}
	if gone, _ := expire(day(10)); gone != 0 {
		t.Errorf("%d events went that have just come", gone)
	}
	now = now.Add(2 * time.Hour)
	if gone, first := expire(day(10)); gone != 1 || !first.Equal(day(1)) {
		t.Errorf("%d late events went, the first of %v", gone, first)
	}
	if kept, _ := s.Kept(ctx); !kept.Of("short").Equal(day(10)) || !kept.Of("long").Equal(kept.All) {
		t.Errorf("kept %+v", kept)
	}
}

// What an audit finds does not depend on what a site keeps no longer, and it still looks at what that site does keep.
func TestAuditBehindExpire(t *testing.T) {
	s, h := filled(t, 5)
	site, cut := h.events[0].WebsiteID, historyStart.Add(4*24*time.Hour).UTC().Truncate(24*time.Hour)
	gone, err := s.Expire(context.Background(), site, cut, func(context.Context, time.Time) error { return nil })
	if err != nil || gone == 0 {
		t.Fatalf("%d events went, %v", gone, err)
	}
	if report := auditOf(t, s); report.Found != 0 {
		t.Errorf("%d differences, the first: %+v", report.Found, report.Differences[0])
	}
	if err := s.mutate(context.Background(), "alter table event_hours delete where website_id = {p1:String} and hour >= toDateTime(fromUnixTimestamp64Milli({p2:Int64}, 'UTC'))", named([]any{site, cut.Add(24 * time.Hour).UnixMilli()})); err != nil {
		t.Fatal(err)
	}
	if report := auditOf(t, s); report.Found == 0 {
		t.Error("the hours of days that are kept are not looked at")
	}
}

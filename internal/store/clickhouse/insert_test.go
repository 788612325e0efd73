package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store"
)

// sums are what the tables and the views say of what was inserted.
func sums(t testing.TB, s *Store) string {
	t.Helper()
	return fmt.Sprintf("events %d, hours %d, changes %d, views %d of %d, sessions %d, ledger %d, failed %d",
		count(t, s, "select count() from events"), count(t, s, "select sum(rows) from event_hours"), count(t, s, "select sum(changes) from changes"),
		count(t, s, "select sum(views) from page_views"), count(t, s, "select countIf(event_type = 'pageview') from events"),
		count(t, s, "select count() from sessions"), count(t, s, "select sum(count) from ledger"), count(t, s, "select count() from failed_events"))
}

// rangeOf is one range of a loader's topics.
type rangeOf struct {
	events   []event.Event
	changes  []event.SessionChange
	versions []uint64
	ledger   []event.LedgerRow
	failed   []event.FailedEvent
}

func (l *rangeOf) insert(s *Store, token string) error {
	ctx := context.Background()
	if err := s.InsertEvents(ctx, token, l.events, Provenance{Topic: "events"}); err != nil {
		return err
	}
	if err := s.InsertSessions(ctx, token, l.changes, l.versions); err != nil {
		return err
	}
	if err := s.InsertLedger(ctx, token, l.ledger); err != nil {
		return err
	}
	return s.InsertFailed(ctx, token, l.failed)
}

func newRange(h *history, n int) *rangeOf {
	b := h.batch(n)
	l := &rangeOf{events: b.Events, ledger: b.Ledger, failed: []event.FailedEvent{{WebsiteID: "s", ReceivedAt: time.Now().UnixMilli(), Reason: "no type", Payload: []byte{0, 255, '\'', '\n'}}}}
	l.changes, l.versions = changesOf(b)
	return l
}

func TestSameTokenIsStoredOnce(t *testing.T) {
	s := openTest(t)
	h := newHistory(5, historyStart, 5*24*time.Hour)
	for round := range 3 {
		l := newRange(h, 200)
		var first string
		for try := range 3 {
			if err := l.insert(s, fmt.Sprint("range-", round)); err != nil {
				t.Fatal(err)
			}
			if got := sums(t, s); try == 0 {
				first = got
			} else if got != first {
				t.Errorf("try %d: %s, after the first %s", try, got, first)
			}
		}
	}
	if n := count(t, s, "select count() from events"); n != 600 {
		t.Errorf("%d events", n)
	}
	l := newRange(h, 10) // another token, however like
	for _, token := range []string{"a", "b"} {
		if err := s.InsertLedger(context.Background(), token, l.ledger); err != nil {
			t.Fatal(err)
		}
	}
	if n, want := count(t, s, "select sum(count) from ledger"), int64(1200+2*20); n != want {
		t.Errorf("ledger adds up to %d, want %d", n, want)
	}
}

// A crash between the rows of the table and those of its views: the views are taken away for the first try.
func TestViewsAreCompletedByTheNextTry(t *testing.T) {
	views := []string{"event_hours_from_events", "changes_from_events", "page_views_from_events", "changes_from_sessions"}
	for missing := range len(views) + 1 {
		s := openTest(t)
		h := newHistory(uint64(missing), historyStart, 4*24*time.Hour)
		l := newRange(h, 150)
		if err := l.insert(s, "before"); err != nil {
			t.Fatal(err)
		}
		l = newRange(h, 150)
		exec := func(sql string) {
			if err := s.writer.Exec(context.Background(), sql); err != nil {
				t.Fatal(err)
			}
		}
		for _, view := range views[missing:] {
			exec("detach table " + view + " sync")
		}
		if err := l.insert(s, "range"); err != nil {
			t.Fatal(err)
		}
		for _, view := range views[missing:] {
			exec("attach table " + view)
		}
		for range 2 {
			if err := l.insert(s, "range"); err != nil {
				t.Fatal(err)
			}
		}
		whole := openTest(t) // the same without a crash
		again := newHistory(uint64(missing), historyStart, 4*24*time.Hour)
		for _, token := range []string{"before", "range"} {
			if err := newRange(again, 150).insert(whole, token); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := sums(t, s), sums(t, whole); got != want {
			t.Errorf("without %v in the first try: %s, want %s", views[missing:], got, want)
		}
	}
}

// Events of more days than an insert may have are cut, and each cut is stored once, whichever of them a crash had left.
func TestManyDays(t *testing.T) {
	const days = 3*maxPartitions - 20
	var events []event.Event
	for i := range 3 * days {
		e := event.Event{ID: event.UUID{1, byte(i), byte(i >> 8)}, WebsiteID: "s", Type: event.Pageview, UserID: "u", SessionID: "u", ScrollDepth: event.NoScroll}
		e.Timestamp = historyStart.UnixMilli() - int64(i*7919%days)*event.DayMillis + int64(i)
		e.ReceivedAt = e.Timestamp
		events = append(events, e)
	}
	rows := make([]eventRow, len(events))
	for i := range events {
		rows[i] = eventRow{Event: &events[i]}
	}
	blocks := cut(rows, func(e *eventRow) int64 { return floor(e.Timestamp, event.DayMillis) })
	if len(blocks) != 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	ctx := context.Background()
	for crash := range 4 {
		s := openTest(t)
		for i, block := range blocks[:crash] {
			if err := send(ctx, s, eventTable(), fmt.Sprintf("t/%d", i), block); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := s.InsertEvents(ctx, "t", events, Provenance{}); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := sums(t, s), fmt.Sprintf("events %[1]d, hours %[1]d, changes %[1]d, views %[1]d of %[1]d, sessions 0, ledger 0, failed 0", len(events)); got != want {
			t.Errorf("after %d blocks: %s, want %s", crash, got, want)
		}
	}
}

// An insert that ends early leaves nothing, and its token is free.
func TestCancelledInsert(t *testing.T) {
	s := openTest(t)
	l := newRange(newHistory(2, historyStart, time.Hour), 100)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.InsertEvents(ctx, "t", l.events, Provenance{}); err == nil {
		t.Error("no error")
	}
	if n := count(t, s, "select count() from events"); n != 0 {
		t.Errorf("%d events", n)
	}
	if err := l.insert(s, "t"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "select count() from events"); n != 100 {
		t.Errorf("%d events", n)
	}
}

// A server that is not there is an error.
func TestServerAway(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := Open(ctx, Options{Addresses: []string{"127.0.0.1:1"}}); err == nil {
		t.Error("opened")
	}
	if _, err := Open(ctx, Options{Addresses: []string{"127.0.0.1:1"}, Database: "a; drop"}); err == nil {
		t.Error("opened")
	}
	if _, err := Open(ctx, Options{}); err == nil {
		t.Error("opened")
	}
}

func TestVersion(t *testing.T) {
	order := []uint64{Version(Stream, 0, 1), Version(Stream, 0, 1<<50), Version(Stream, 1, 0), Version(Stream, 63, 1<<55), Version(Processor, 0, 0), Version(Processor, 0, 5), Version(Repair, 0, 0)}
	for i := range len(order) - 1 {
		if order[i] >= order[i+1] {
			t.Errorf("version %d is not below the next", i)
		}
	}
}

// Queries run as a user who may only read, and who has no more than the limits allow.
func TestReadUser(t *testing.T) {
	opts := testOptions(t)
	opts.ReadUser = "footfall_reader" // of test/engines/clickhouse/users.xml
	s := openWith(t, opts)
	ctx := context.Background()
	if err := s.Ping(ctx); err != nil {
		t.Skipf("no user %q: %v", opts.ReadUser, err)
	}
	l := newRange(newHistory(1, historyStart, time.Hour), 50)
	if err := l.insert(s, "t"); err != nil {
		t.Fatal(err)
	}
	part := query.Part{View: query.ViewJoined, WebsiteID: "s", Threshold: 4, Ranges: []query.Range{{From: 0, To: latest}}, Measures: []query.Measure{query.EventCount}}
	if rows := rowsOf(t, s.Source(), part); len(rows) != 1 || rows[0] == "events 0 " {
		t.Errorf("got %v", rows)
	}
	w := s.Writer(WriterOptions{})
	if err := w.SessionEvents(ctx, []store.Span{{SessionKey: event.SessionKey{WebsiteID: "s", SessionID: "ann"}, To: latest}}, func(*event.Event) {}); err != nil {
		t.Error(err)
	}
	if _, err := w.Dedupe().Resolve(ctx, []event.DedupeKey{{WebsiteID: "s", EventID: event.UUID{1}}}); err != nil {
		t.Error(err)
	}
	for _, sql := range []string{"insert into ledger values ('s', 0, 'stored', '', 1)", "drop table ledger"} {
		if err := s.reader.Exec(ctx, sql); err == nil {
			t.Errorf("%q is allowed", sql)
		}
	}
}

// As the user who writes, too, a query may not write, and is ended when it takes too long.
func TestQueriesAreBounded(t *testing.T) {
	opts := testOptions(t)
	opts.QueryTime = time.Second
	s := openWith(t, opts)
	ctx := context.Background()
	for _, sql := range []string{"insert into ledger values ('s', 0, 'stored', '', 1)", "drop table ledger"} {
		if err := s.reader.Exec(ctx, sql); err == nil {
			t.Errorf("%q is allowed", sql)
		}
	}
	if err := s.each(ctx, "select count() from numbers_mt(1000000000000) where not ignore(sipHash64(number))", nil, func(scanner) error { return nil }); err == nil {
		t.Error("a query without end has one")
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := s.each(short, "select sleepEachRow(0.1) from numbers(20)", nil, func(scanner) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

package duckdb

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// TestTableOfManyChunks: rows of more than one insert, with texts of all lengths, nulls and lists, arrive as they were written.
func TestTableOfManyChunks(t *testing.T) {
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), "events.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const rows = 2*RowGroup + 777
	write := func(from int) error {
		return s.transact(context.Background(), func() error {
			for i := range rows {
				writeSession(s.tables.sessions, longSession(from+i))
			}
			return s.tables.sessions.flush()
		})
	}
	for from := 0; from < 2*rows; from += rows {
		if err := write(from); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.tables.sessions.chunks); n != keepChunks {
		t.Errorf("%d chunks are kept, want %d", n, keepChunks)
	}
	seen := make([]bool, 2*rows)
	err = s.Select(context.Background(), "select session_start, session_id, entry_page, visitors, visitor_coupons from sessions", nil, func(c *Chunk) error {
		for i, start := range c.Int64s(0) {
			want := longSession(int(start))
			if seen[start] || c.Text(1, i) != want.SessionID || c.Text(2, i) != want.EntryPage || c.Null(3, i) != (want.Visitors == nil) {
				return fmt.Errorf("row %d is doubled or wrong: %q %q", start, c.Text(1, i), c.Text(2, i))
			}
			seen[start] = true
			if want.Visitors != nil && (len(c.Uint64List(3, i)) != len(want.Visitors) || c.Uint64List(3, i)[0] != want.Visitors[0].SampleKey) {
				return fmt.Errorf("row %d has the visitors %v", start, c.Uint64List(3, i))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, ok := range seen {
		if !ok {
			t.Fatalf("row %d is missing", i)
		}
	}
}

// longSession is a session that its start alone tells.
func longSession(i int) *event.Session {
	s := &event.Session{SessionKey: event.SessionKey{WebsiteID: "site", SessionID: fmt.Sprint("s", i)}, Start: int64(i), EntryPage: strings.Repeat("/p", i%300)}
	if i%3 == 0 {
		for v := range i%50 + 2 {
			s.Visitors = append(s.Visitors, event.Visitor{SampleKey: uint64(i + v), Coupon: uint32(v)})
		}
	}
	return s
}

// TestCommitAfterAFailure: a commit that is tried again counts nothing twice, wherever the first try ended.
func TestCommitAfterAFailure(t *testing.T) {
	for _, name := range []string{"events", "sessions", "ledger", "failed_events", "event_hours"} {
		s, err := Open(Options{Path: filepath.Join(t.TempDir(), "events.duckdb")})
		if err != nil {
			t.Fatal(err)
		}
		batch := &store.Batch{Events: testEvents(5), Sessions: []event.Session{*longSession(1)}, Next: 9,
			Ledger: []event.LedgerRow{{WebsiteID: "site", Outcome: event.Stored, Count: 5}}, Failed: []event.FailedEvent{{WebsiteID: "site", Reason: "x"}}}
		for _, table := range s.tables.all() {
			if table.name == name {
				table.fail(fmt.Errorf("a failure"))
			}
		}
		if err := s.Commit(context.Background(), batch); err == nil {
			t.Fatalf("%s: the commit has not failed", name)
		}
		if err := s.Commit(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
		row, err := s.writer.one(context.Background(), `select (select count(*) from events), (select count(*) from sessions), (select sum(count)::bigint from ledger),
			(select count(*) from failed_events), (select sum(rows)::bigint from event_hours)`)
		if want := []int64{5, 1, 5, 1, 5}; err != nil || !slices.Equal(row, want) {
			t.Errorf("after a failure of %s: events, sessions, ledger, failed, hours are %v (%v), want %v", name, row, err, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func testEvents(n int) []event.Event {
	list := make([]event.Event, n)
	for i := range list {
		list[i] = event.Event{ID: event.NamedUUID(fmt.Append(nil, i)), WebsiteID: "site", Type: event.Pageview, Timestamp: 1_700_000_000_000, UserID: "u", SessionID: "u"}
	}
	return list
}

// TestTableAfterAFailure: rows of a transaction that has failed do not come back with the next one.
func TestTableAfterAFailure(t *testing.T) {
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), "events.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	broken := fmt.Errorf("a failure")
	err = s.transact(context.Background(), func() error {
		for i := range 3000 {
			writeSession(s.tables.sessions, longSession(i))
		}
		s.tables.sessions.fail(broken)
		return s.tables.sessions.flush()
	})
	if err == nil || !strings.Contains(err.Error(), broken.Error()) {
		t.Fatalf("got %v, want %v", err, broken)
	}
	err = s.transact(context.Background(), func() error {
		writeSession(s.tables.sessions, longSession(5000))
		return s.tables.sessions.flush()
	})
	if err != nil {
		t.Fatal(err)
	}
	row, err := s.writer.one(context.Background(), "select count(*), min(session_start) from sessions")
	if err != nil || row[0] != 1 || row[1] != 5000 {
		t.Fatalf("rows and least start are %v (%v), want 1 and 5000", row, err)
	}
}

// TestErrorOfARunningStatement: a statement that fails while it runs says why, as one that fails before does.
func TestErrorOfARunningStatement(t *testing.T) {
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), "events.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.writer.one(context.Background(), "select sum(error('a failure of row ' || range)::bigint)::bigint from range(10)")
	if err == nil || !strings.Contains(err.Error(), "a failure of row") || strings.Contains(err.Error(), "pending") {
		t.Fatalf("got %v", err)
	}
	if row, err := s.writer.one(context.Background(), "select 7::bigint"); err != nil || row[0] != 7 {
		t.Fatalf("the next statement gives %v (%v)", row, err)
	}
}

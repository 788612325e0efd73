package duckdb

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestReadersSeeWholeBatches: every snapshot holds a whole number of batches, the same one in all its statements.
func TestReadersSeeWholeBatches(t *testing.T) {
	s := openTest(t)
	traffic := newTraffic(2, 1_750_000_000_000, 100)
	ctx, stop := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				checkSnapshot(t, s)
			}
		})
	}
	for range 60 {
		commit(t, s, traffic.batch(100))
	}
	stop()
	readers.Wait()
}

func checkSnapshot(t *testing.T, s *Store) {
	var got [3]int64
	err := s.Read(context.Background(), func(r *Reader) error {
		for i, sql := range []string{"select count(*) from events", "select sum(events + 0)::bigint from (select sum(count) as events from ledger where outcome = 'stored')",
			"select value::bigint from meta where key = 'position'"} {
			err := r.Select(context.Background(), sql, nil, func(c *Chunk) error {
				if !c.Null(0, 0) {
					got[i] = c.Int64s(0)[0]
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if got[0] != got[1] || got[0] != got[2] {
		t.Errorf("events, ledger and position of one snapshot: %v", got)
	}
}

func TestQueriesAreInterrupted(t *testing.T) {
	s := openTest(t)
	for range s.opts.Readers + 1 { // an interrupted reader can be used again
		ctx, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
		from := time.Now()
		err := s.Select(ctx, "select count(*) from range(10000000) a, range(10000000) b", nil, func(*Chunk) error { return nil })
		stop()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(from) > 5*time.Second {
			t.Fatalf("%v after %v", err, time.Since(from))
		}
	}
	if n := count(t, s, "select count(*) from range(10)"); n != 10 {
		t.Error(n)
	}
}

// TestMemoryIsBounded: a query that needs more than the limit spills or fails; the store goes on.
func TestMemoryIsBounded(t *testing.T) {
	s := openTest(t)
	n := count(t, s, "select count(*) from (select range as a, hash(range) as h from range(20_000_000) order by h)")
	if n != 20_000_000 {
		t.Error(n)
	}
	err := s.Select(context.Background(), "select list(range) from range(100_000_000)", nil, func(*Chunk) error { return nil })
	if err == nil {
		t.Error("a list of 800 MB fits into 128 MB")
	}
	commit(t, s, newTraffic(1, 1_750_000_000_000, 100).batch(100))
}

// A query of many rows waits for another one, one of few does not; nobody waits longer than its context.
func TestLargeQueriesTakeTurns(t *testing.T) {
	s := openTest(t)
	from := int64(1_750_000_000_000)
	commit(t, s, newTraffic(1, from, 400).batch(400))
	ask := func(rows int64, patience time.Duration) error {
		s.largeRows = rows
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		part := query.Part{Of: "rows", View: query.ViewEvents, WebsiteID: "site-0001", Threshold: 2, Measures: []query.Measure{query.EventCount},
			Ranges: []query.Range{{From: from - dayMillis, To: from + 100*dayMillis}}}
		found := int64(0)
		err := s.Source().Run(ctx, []query.Part{part}, func(_ int, rows *query.Rows) error {
			found += rows.Ints[0][0]
			return nil
		})
		if err == nil && found == 0 {
			t.Error("nothing is found")
		}
		return err
	}
	s.large <- token{} // another one runs
	if err := ask(1, 300*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a large query beside another one: %v", err)
	}
	if err := ask(1<<40, time.Minute); err != nil {
		t.Errorf("a small query beside a large one: %v", err)
	}
	<-s.large
	for range 2 {
		if err := ask(1, time.Minute); err != nil {
			t.Errorf("a large query alone: %v", err)
		}
	}
}

func TestPositionDoesNotGoBack(t *testing.T) {
	s := openTest(t)
	commit(t, s, &store.Batch{Next: 10})
	if err := s.Commit(context.Background(), &store.Batch{Next: 9}); err == nil {
		t.Error("the store went back")
	}
}

// TestStateSurvives: what is kept in memory is the same after a reopening.
func TestStateSurvives(t *testing.T) {
	path := t.TempDir() + "/it's here.duckdb"
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	r := newRandom(8, historyFrom, historySpan)
	commit(t, s, r.batch(500))
	buildDays(t, s)
	type facts struct {
		first, last, estimate, part, position int64
		clean                                 int
	}
	ask := func() (f facts) {
		f.first, _ = s.FirstEvent("a")
		f.last, _ = s.LastEvent("a")
		f.estimate, f.part = s.Estimate("a", 0, 1<<50), s.Estimate("a", historyFrom+1800_000, historyFrom+3*dayMillis)
		f.position, _ = s.Position(context.Background())
		f.clean = len(s.CleanDays("a", 0, 1<<60))
		return f
	}
	before := ask()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(Options{Path: path}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if after := ask(); after != before || after.clean == 0 || after.estimate != count(t, s, "select count(*) from events where website_id = 'a'") {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestSweep(t *testing.T) {
	s, r := filled(t, 4)
	for range 3 {
		commit(t, s, r.batch(5))
	}
	commit(t, s, &store.Batch{Next: r.offset, Failed: []event.FailedEvent{{WebsiteID: "a", ReceivedAt: historyFrom, Reason: "x", Payload: []byte{0}}, {ReceivedAt: historyFrom + 20*dayMillis}}})
	buildDays(t, s)
	clean := s.CleanDays("a", 0, 1<<60)
	now := int64(historyFrom + DefaultRetention + 3*dayMillis)
	if err := s.Sweep(context.Background(), siteList{{WebsiteID: "a"}, {WebsiteID: "b"}}, now); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "select count(*) from events where timestamp < ?", historyFrom+2*dayMillis); n != 0 {
		t.Errorf("%d events past the retention", n)
	}
	if n := count(t, s, "select count(*) from failed_events"); n != 0 {
		t.Errorf("%d failed events", n)
	}
	if first, _ := s.FirstEvent("a"); first < historyFrom+2*dayMillis {
		t.Errorf("first event at %d", first)
	}
	if got := s.CleanDays("a", 0, 1<<60); len(got) != len(clean) {
		t.Errorf("retention made days dirty: %d of %d are clean", len(got), len(clean))
	}
	if report := auditOf(t, s); report.Found != 0 || report.Days == 0 {
		t.Errorf("audit after retention: %+v", report)
	}
}

func TestFold(t *testing.T) {
	s := openTest(t)
	b := &store.Batch{Next: 1}
	for i := range 2 * foldAbove {
		b.Ledger = append(b.Ledger, event.LedgerRow{WebsiteID: "a", Minute: int64(i%7) * 60_000, Outcome: event.Received, Count: 2},
			event.LedgerRow{WebsiteID: "a", Minute: int64(i%7) * 60_000, Outcome: event.Filtered, Reason: "bot", Count: 2})
	}
	commit(t, s, b)
	if err := s.Sweep(context.Background(), siteList{}, 0); err != nil {
		t.Fatal(err)
	}
	counts, err := s.LedgerCounts(context.Background(), "a", 0, 1<<50)
	if err != nil || counts.Received != 4*foldAbove || counts.Filtered != 4*foldAbove || counts.Reasons["filtered: bot"] != 4*foldAbove {
		t.Errorf("%+v, %v", counts, err)
	}
	if n := count(t, s, "select count(*) from ledger"); n != 14 {
		t.Errorf("%d rows of the ledger", n)
	}
}

type siteList []*event.Site

func (l siteList) All() []*event.Site { return l }

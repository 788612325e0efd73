package duckdb

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

func openTest(t testing.TB) *Store {
	t.Helper()
	return openWith(t, Options{})
}

func openWith(t testing.TB, options Options) *Store {
	t.Helper()
	options.Path = filepath.Join(t.TempDir(), "events.duckdb")
	s, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func commit(t testing.TB, s *Store, b *store.Batch) {
	t.Helper()
	if err := s.Commit(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, s *Store, sql string, args ...any) (n int64) {
	t.Helper()
	err := s.Select(context.Background(), sql, args, func(c *Chunk) error {
		n = c.Int64s(0)[0]
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func TestCommitIsThere(t *testing.T) {
	s := openTest(t)
	b := newTraffic(1, 1_750_000_000_000, 100).batch(5000)
	commit(t, s, b)
	commit(t, s, &store.Batch{Sessions: b.Sessions, Next: b.Next})
	if n := count(t, s, "select count(*) from events"); n != int64(len(b.Events)) {
		t.Errorf("%d events, want %d", n, len(b.Events))
	}
	if n := count(t, s, "select count(*) from sessions"); n != int64(len(b.Sessions)) {
		t.Errorf("%d sessions, want %d", n, len(b.Sessions))
	}
	key := b.Sessions[0].SessionKey
	var got []event.Event
	err := s.SessionEvents(context.Background(), []store.Span{{SessionKey: key, From: 0, To: 1 << 60}, {SessionKey: key, From: 0, To: 1 << 50}}, func(e *event.Event) { got = append(got, *e) })
	if err != nil || len(got) == 0 {
		t.Fatalf("%d events, %v", len(got), err)
	}
}

func TestSettingsHold(t *testing.T) {
	s := openTest(t)
	for _, sql := range []string{"select * from read_csv('/etc/passwd')", "select * from 'x.parquet'", "set memory_limit = '10GB'", "install httpfs", "copy events to '/tmp/x.csv'",
		"attach '/tmp/x.duckdb'", "delete from events", "set enable_external_access = true"} {
		if err := s.Select(context.Background(), sql, nil, func(*Chunk) error { return nil }); err == nil {
			t.Errorf("%q was run", sql)
		} else {
			t.Log(err)
		}
	}
}

func BenchmarkCommitBacklog(b *testing.B) {
	path := filepath.Join(b.TempDir(), "events.duckdb")
	s, err := Open(Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	traffic, events := newTraffic(1, 1_750_000_000_000, 2600), 0
	var spent time.Duration
	rows := 0
	for range b.N {
		batch := traffic.batch(50_000)
		from := cpu()
		commit(b, s, batch)
		spent += cpu() - from
		events += len(batch.Events)
		rows += len(batch.Sessions)
	}
	from := cpu()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	spent += cpu() - from
	info, _ := os.Stat(path)
	b.ReportMetric(float64(spent.Nanoseconds())/float64(events)/1000, "cpu-us/event")
	b.ReportMetric(float64(info.Size())/float64(events), "B/event")
	b.ReportMetric(float64(rows)/float64(events), "sessions/event")
}

// unlessShort returns how often something is tried.
func unlessShort(all, short int) int {
	if testing.Short() {
		return short
	}
	return all
}

// TestPlansFollowTheTables: what a commit looks up costs memory by what it commits, not by what is stored, also where the store was
// opened empty.
func TestPlansFollowTheTables(t *testing.T) {
	if testing.Short() {
		t.Skip("to tell the plans apart takes 100,000 sessions: seconds")
	}
	s := openTest(t)
	const hashTables = "select memory_usage_bytes::bigint from duckdb_memory() where tag = 'HASH_TABLE'"
	stop := make(chan struct{})
	most, looks, failed := int64(0), 0, error(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		for failed == nil {
			select {
			case <-stop:
				return
			default:
			}
			failed = s.Select(context.Background(), hashTables, nil, func(c *Chunk) error {
				most, looks = max(most, c.Int64s(0)[0]), looks+1
				return nil
			})
		}
	})
	traffic := newTraffic(1, 1_750_000_000_000, 100)
	for range 60 {
		b := traffic.batch(10_000)
		commit(t, s, &store.Batch{Sessions: b.Sessions, Next: b.Next})
		commit(t, s, &store.Batch{Sessions: b.Sessions[:len(b.Sessions)/10], Next: b.Next})
	}
	close(stop)
	wg.Wait()
	if sessions := count(t, s, "select count(*) from sessions"); failed != nil || looks < 100 || sessions < 100_000 || most > 8<<20 {
		t.Errorf("hash tables of %d bytes beside %d sessions, in %d looks, %v", most, sessions, looks, failed)
	}
}

// TestStagedImportDisturbs: rollups wait for an import whose transaction is still open.
func TestStagedImportDisturbs(t *testing.T) {
	s := openTest(t)
	b := newTraffic(1, 1_750_000_000_000, 100).batch(1000)
	sessions := b.Sessions
	b.Sessions = nil
	if err := s.Stage(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	website := b.Events[0].WebsiteID
	if now := time.Now(); !s.disturbed(website, now) || s.disturbed(website, now.Add(2*quiet)) {
		t.Error("a staged import does not disturb for a while")
	}
	commit(t, s, &store.Batch{Sessions: sessions, Next: b.Next})
}

// TestSlowImportDisturbs: where an import's commits are further apart, rollups wait longer, and not for ever.
func TestSlowImportDisturbs(t *testing.T) {
	s := openTest(t)
	traffic := newTraffic(1, 1_750_000_000_000, 100)
	b := traffic.batch(1000)
	website := b.Events[0].WebsiteID
	again := func(after time.Duration) {
		t.Helper()
		s.state.mu.Lock()
		s.state.sites[website].oldTouched -= after.Milliseconds()
		s.state.mu.Unlock()
		commit(t, s, traffic.batch(1000))
	}
	quietAfter := func(want time.Duration) {
		t.Helper()
		now := time.Now()
		if !s.disturbed(website, now.Add(want-time.Second)) || s.disturbed(website, now.Add(want+time.Second)) {
			t.Errorf("the site is not quiet after %v", want)
		}
	}
	commit(t, s, b)
	quietAfter(quiet)
	again(6 * time.Second)
	quietAfter(18 * time.Second)
	again(20 * time.Second)
	quietAfter(longQuiet)
	again(time.Hour)
	quietAfter(quiet)
}

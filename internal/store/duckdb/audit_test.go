package duckdb

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/migrate"
	"github.com/footfall-analytics/footfall/internal/query"
)

// history is 2025-03-26 to 2025-04-02: a change to summer time is inside.
const (
	historyFrom = 1_742_947_200_000
	historySpan = 7 * dayMillis
)

func auditOf(t testing.TB, s *Store) Report {
	t.Helper()
	report, err := s.Audit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// filled returns a store with a random history whose closed days are all clean.
func filled(t *testing.T, seed uint64) (*Store, *random) {
	t.Helper()
	s, r := openTest(t), newRandom(seed, historyFrom, historySpan)
	for range 4 {
		commit(t, s, r.batch(300))
	}
	buildDays(t, s)
	return s, r
}

func buildDays(t testing.TB, s *Store) {
	t.Helper()
	for site, zone := range map[string]string{"a": "Europe/Berlin", "b": "Asia/Kolkata"} {
		err := s.BuildRollups(context.Background(), &event.Site{WebsiteID: site, Timezone: zone}, historyFrom+historySpan+2*dayMillis)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAuditOfRandomHistories(t *testing.T) {
	for seed := range uint64(unlessShort(3, 1)) {
		s, r := filled(t, seed)
		for round := range 3 {
			s.sortRows = []int64{sortRows, 40, 4}[round] // one window; windows; windows of parts of the keys
			report := auditOf(t, s)
			if report.Found != 0 {
				t.Fatalf("seed %d, round %d: %d differences, the first: %+v", seed, round, report.Found, report.Differences[0])
			}
			if report.Sessions == 0 || report.Days < 12 || report.Minutes == 0 {
				t.Fatalf("seed %d: little was compared: %+v", seed, report)
			}
			commit(t, s, r.batch(30)) // late events: days become dirty and are built again
			buildDays(t, s)
		}
	}
}

// TestBusyDayInLittleMemory audits and exports a day that is larger than the engine's memory, which is half of the smallest that
// is served with.
func TestBusyDayInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes in 500,000 events")
	}
	s := openWith(t, Options{MemoryLimit: 64 << 20})
	traffic := newTraffic(1, historyFrom, 100)
	for range 20 {
		commit(t, s, traffic.batch(25_000))
	}
	report := auditOf(t, s)
	if report.Found != 0 || report.Events < 500_000 {
		t.Errorf("%+v", report)
	}
	var last event.Event
	exported := int64(0)
	day := migrate.Day{WebsiteID: traffic.site, Start: historyFrom}
	err := s.Export().Events(context.Background(), day, func(e *event.Event) error {
		if e.Timestamp < last.Timestamp || e.Timestamp == last.Timestamp && bytes.Compare(last.ID[:], e.ID[:]) >= 0 {
			t.Fatalf("%d %v behind %d %v", e.Timestamp, e.ID, last.Timestamp, last.ID)
		}
		last.ID, last.Timestamp = e.ID, e.Timestamp
		exported++
		return nil
	})
	if err != nil || exported != report.Events {
		t.Errorf("%d exported of %d, error %v", exported, report.Events, err)
	}
	err = s.Select(context.Background(), "select * from events order by title", nil, func(*Chunk) error { return nil })
	if !errors.Is(err, query.ErrMemory) || strings.Contains(err.Error(), "SET") {
		t.Errorf("a statement for which there is no memory: %v", err)
	}
}

func TestAuditFindsWhatIsPlanted(t *testing.T) {
	for _, planted := range []struct{ sql, what string }{
		{"update sessions set pageviews = pageviews + 1 where session_start = (select min(session_start) from sessions)", "session"},
		{"update sessions set entry_page = '/other' where session_start = (select max(session_start) from sessions where entry_page <> '')", "session"},
		{"update sessions set bounce = not bounce where session_start = (select max(session_start) from sessions)", "session"},
		{"delete from sessions where session_start = (select min(session_start) from sessions)", "session"},
		{"insert into sessions from sessions limit 1", "session"},
		{"update rollup_days set events = events + 1 where dimension = 'visit:source' and bucket = (select min(bucket) from rollup_days)", "rollup_days"},
		{"update rollup_days set visitors = (select max(visitors) from rollup_days) where dimension = 'event:page' and bucket = (select max(bucket) from rollup_days)", "rollup_days"},
		{"delete from rollup_days where dimension = 'visit:channel' and bucket = (select max(bucket) from rollup_days)", "rollup_days"},
		{"update rollup_quarters set visits = visits + 1 where bucket = (select max(bucket) from rollup_quarters)", "rollup_quarters"},
		{"update ledger set count = count + 1 where outcome = 'received' and minute = (select min(minute) from ledger)", "ledger"},
		{"update ledger set count = count + 1 where outcome = 'stored' and minute = (select min(minute) from ledger)", "stored"},
		{"insert into events from events where event_type = 'vitals' limit 1", "event "},
		{"update event_hours set rows = rows + 1 where hour = (select min(hour) from event_hours)", "event_hours"},
		{"delete from events where timestamp = (select max(timestamp) from events)", "ledger"},
	} {
		t.Run(planted.sql, func(t *testing.T) {
			s, _ := filled(t, 9)
			s.sortRows = 300
			if err := s.writer.execAll(planted.sql); err != nil {
				t.Fatal(err)
			}
			report := auditOf(t, s)
			for _, d := range report.Differences {
				if strings.Contains(d.What, planted.what) {
					return
				}
			}
			t.Errorf("not found among %d differences", report.Found)
		})
	}
}

func TestCommitMakesDaysDirty(t *testing.T) {
	s, r := filled(t, 3)
	days := s.CleanDays("a", 0, 1<<60)
	if len(days) < 7 {
		t.Fatalf("%d clean days", len(days))
	}
	b := r.batch(0)
	e := r.event()
	e.WebsiteID, e.Type, e.Timestamp = "a", event.Vitals, days[3].Start
	b.Events = []event.Event{e}
	version, other := s.Version("a", days[3].Start, days[3].End), s.Version("a", days[5].Start, days[5].End)
	commit(t, s, b)
	left := s.CleanDays("a", 0, 1<<60)
	if len(left) != len(days)-1 || left[3] != days[4] {
		t.Errorf("clean days after an event of %v: %v", days[3], left)
	}
	if s.Version("a", days[3].Start, days[3].End) == version || s.Version("a", days[5].Start, days[5].End) != other {
		t.Error("versions do not say which day changed")
	}
	if n := count(t, s, "select count(*) from rollup_clean where website_id = 'a'"); n != int64(len(left)) {
		t.Errorf("%d clean days in the table, %d in memory", n, len(left))
	}
}

// TestCommitDuringBuild: a day that changes while its rows are made stays dirty.
func TestCommitDuringBuild(t *testing.T) {
	s, r := openTest(t), newRandom(5, historyFrom, historySpan)
	commit(t, s, r.batch(300))
	run := []Day{{historyFrom, historyFrom + dayMillis}, {historyFrom + dayMillis, historyFrom + 2*dayMillis}}
	versions := []uint64{s.Version("a", run[0].Start, run[0].End), s.Version("a", run[1].Start, run[1].End)}
	rows, err := s.computeRun(context.Background(), "a", run)
	if err != nil {
		t.Fatal(err)
	}
	b := r.batch(0)
	e := r.event()
	e.WebsiteID, e.Type, e.Timestamp = "a", event.Vitals, run[0].End-1
	b.Events = []event.Event{e}
	commit(t, s, b)
	if err := s.storeRun(context.Background(), "a", run, versions, rows); err != nil {
		t.Fatal(err)
	}
	if clean := s.CleanDays("a", 0, 1<<60); len(clean) != 1 || clean[0] != run[1] {
		t.Errorf("clean: %v", clean)
	}
}

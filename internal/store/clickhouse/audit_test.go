package clickhouse

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store/audit"
)

func auditOf(t *testing.T, s *Store) audit.Report {
	t.Helper()
	report, err := s.Audit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// filled returns a store with a random history.
func filled(t *testing.T, seed uint64) (*Store, *history) {
	t.Helper()
	s, h := openTest(t), newHistory(seed, historyStart, 6*24*time.Hour)
	w := s.Writer(WriterOptions{})
	for range 3 {
		if err := w.Commit(context.Background(), h.batch(250)); err != nil {
			t.Fatal(err)
		}
	}
	return s, h
}

func TestAuditOfRandomHistories(t *testing.T) {
	for seed := range uint64(3) {
		s, _ := filled(t, seed)
		report := auditOf(t, s)
		if report.Found != 0 {
			t.Fatalf("seed %d: %d differences, the first: %+v", seed, report.Found, report.Differences[0])
		}
		if report.Events != 750 || report.Sessions < 100 || report.Days < 10 || report.Minutes < 100 {
			t.Fatalf("seed %d: little was compared: %+v", seed, report)
		}
	}
}

func TestAuditFindsWhatIsPlanted(t *testing.T) {
	for _, planted := range []struct{ sql, what string }{
		{"alter table sessions update pageviews = pageviews + 1 where (session_start, session_id, bot_band) = (select session_start, session_id, bot_band from sessions final order by 1, 2, 3 limit 1)", "session "},
		{"alter table sessions update entry_page = '/other' where 1", "session "},
		{"alter table sessions update bounce = not bounce where 1", "session "},
		{"alter table sessions delete where session_start = (select max(session_start) from sessions final)", "session "},
		{"insert into sessions (website_id, session_start, session_id, version) values ('s', '2025-03-26 00:00:00', 'nobody', 1)", "session \"nobody\""},
		{"insert into ledger values ('s', '2025-03-26 00:00:00', 'received', '', 1)", ": received"},
		{"insert into ledger values ('s', '2025-03-26 00:00:00', 'stored', '', 1)", ": stored"},
		{"insert into events select * from events where event_type = 'vitals' limit 1", "event "},
		{"insert into event_hours values ('s', '2025-03-26 00:00:00', 1, '2025-03-26 00:00:00', '2025-03-26 00:00:00')", "event_hours"},
		{"insert into page_views (website_id, date, page, views) values ('s', '2025-03-26', '/', 1)", "page_views"},
		{"insert into page_views select website_id, date, page, bot_band, 0, uniqState(toUInt64(77)), 0 from page_views group by all limit 1", "page_views"},
		{"alter table events delete where timestamp = (select max(timestamp) from events)", "ledger"},
		{"alter table events delete where event_type = 'pageview' and timestamp = (select max(timestamp) from events where event_type = 'pageview')", "page_views"},
	} {
		t.Run(planted.sql[:min(len(planted.sql), 60)], func(t *testing.T) {
			s, _ := filled(t, 9)
			if err := s.writer.Exec(context.Background(), planted.sql+map[bool]string{true: " settings mutations_sync = 2"}[strings.HasPrefix(planted.sql, "alter")]); err != nil {
				t.Fatal(err)
			}
			report := auditOf(t, s)
			for _, d := range report.Differences {
				if strings.Contains(d.What, planted.what) {
					return
				}
			}
			t.Errorf("not found among %d differences: %+v", report.Found, report.Differences)
		})
	}
}

// What was received lately, and what it touches, is not judged: its rows may be on their way.
func TestAuditLeavesOutWhatIsFresh(t *testing.T) {
	s, h := filled(t, 4)
	now := time.Now().UnixMilli()
	var fresh []event.Event
	for i := range 20 {
		e := h.event()
		e.Timestamp, e.ReceivedAt = now-int64(i)*1000, now
		if i%2 == 0 { // late ones
			e.Timestamp = h.events[i].Timestamp
			e.WebsiteID, e.SessionID, e.BotBand, e.BotScore = h.events[i].WebsiteID, h.events[i].SessionID, h.events[i].BotBand, h.events[i].BotScore
		}
		fresh = append(fresh, e)
	}
	if err := s.InsertEvents(context.Background(), "fresh", fresh, Provenance{}); err != nil { // sessions and ledger have yet to come
		t.Fatal(err)
	}
	if report := auditOf(t, s); report.Found != 0 {
		t.Errorf("%d differences: %+v", report.Found, report.Differences)
	}
	s.opts.Clock = func() time.Time { return time.Now().Add(time.Hour) }
	if report := auditOf(t, s); report.Found == 0 {
		t.Error("an hour later nothing is missing")
	}
}

package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
)

// started reads all sessions as the daily job does.
func started(t *testing.T, s *Store, from, to, ending time.Time) (out []event.Session) {
	t.Helper()
	err := s.StartedSessions(context.Background(), from, to, ending, func(session *event.Session) error {
		out = append(out, *session)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDaysOfTheDailyJob(t *testing.T) {
	s, ctx := openTest(t), context.Background()
	h := newHistory(9, historyStart, 5*24*time.Hour)
	l := newRange(h, 400)
	if err := l.insert(s, "range"); err != nil {
		t.Fatal(err)
	}
	from, to := time.UnixMilli(0).UTC(), historyStart.UTC().Add(30*24*time.Hour).Truncate(24*time.Hour)
	type siteDay struct {
		site string
		day  time.Time
	}
	want := map[siteDay]DayTally{}
	for i := range l.events {
		e := &l.events[i]
		key := siteDay{e.WebsiteID, time.UnixMilli(e.Timestamp).UTC().Truncate(24 * time.Hour)}
		d := want[key]
		d.WebsiteID, d.Day = key.site, key.day
		d.Events++
		d.Checksum += uint64(crc32.ChecksumIEEE(fmt.Appendf(nil, "%s/%s/%d/%d", e.ID, e.SessionID, e.Timestamp, e.BotBand)))
		want[key] = d
	}
	tallies, err := s.DayTallies(ctx, from, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tallies {
		if w := want[siteDay{d.WebsiteID, d.Day}]; w != d {
			t.Errorf("counted %+v, there are %+v", d, w)
		}
	}
	if len(tallies) != len(want) {
		t.Errorf("%d days were counted, not %d", len(tallies), len(want))
	}

	before, err := s.DayStates(ctx, from, to)
	if err != nil || len(before) < 5 {
		t.Fatalf("%d states of days: %v", len(before), err)
	}
	rolled := before[2]
	if err := s.MarkRolled(ctx, []RolledDay{{rolled.WebsiteID, rolled.Day, rolled.Changes, 7}}); err != nil {
		t.Fatal(err)
	}
	after, err := s.DayStates(ctx, rolled.Day, rolled.Day.Add(24*time.Hour))
	rolled.Rolled, rolled.Events = rolled.Changes, 7
	if err != nil || !slices.Contains(after, rolled) || rolled.Changes == 0 {
		t.Errorf("after the day was marked: %+v, %v; want %+v", after, err, rolled)
	}
}

// TestRepairsWin: over the stream and processors, over earlier repairs, and not twice; a withdrawal takes the session away.
func TestRepairsWin(t *testing.T) {
	s, ctx := openTest(t), context.Background()
	h := newHistory(3, historyStart, 2*24*time.Hour)
	l := newRange(h, 200)
	if err := l.insert(s, "range"); err != nil {
		t.Fatal(err)
	}
	from, to := time.UnixMilli(0).UTC(), historyStart.UTC().Add(30*24*time.Hour)
	all := started(t, s, from, to, from)
	if len(all) < 3 || !slices.IsSortedFunc(all, func(a, b event.Session) int {
		return cmp.Or(cmp.Compare(a.WebsiteID, b.WebsiteID), cmp.Compare(a.Start, b.Start))
	}) {
		t.Fatalf("%d sessions, not in order", len(all))
	}
	last := slices.MaxFunc(all, func(a, b event.Session) int { return int(a.End - b.End) })
	if got := started(t, s, from, to, time.UnixMilli(last.End)); len(got) == 0 || len(got) >= len(all) {
		t.Errorf("%d sessions end at or behind the last end", len(got))
	}

	run := historyStart.Add(40 * 24 * time.Hour)
	repaired := all[0]
	repaired.Source, repaired.Pageviews = "repaired", 77
	changes := []event.SessionChange{{Session: repaired}, {Session: all[1], Withdrawn: true}}
	before := count(t, s, "select count() from sessions")
	for range 2 {
		if err := s.RepairSessions(ctx, run, changes); err != nil {
			t.Fatal(err)
		}
	}
	rows := count(t, s, "select count() from sessions")
	if rows > before+int64(len(changes)) {
		t.Errorf("%d rows of sessions, %d before: a repair was stored twice", rows, before)
	}
	// What the stream and a processor say afterwards is older.
	if err := s.InsertSessions(ctx, "late", []event.SessionChange{{Session: all[0]}, {Session: all[1]}}, []uint64{Version(Stream, 62, 1<<50), Version(Processor, 0, 1<<50)}); err != nil {
		t.Fatal(err)
	}
	want := slices.Delete(slices.Clone(all), 1, 2)
	want[0] = repaired
	if got := started(t, s, from, to, from); !reflect.DeepEqual(got, want) {
		t.Errorf("sessions after the repair: %d, want %d", len(got), len(want))
	}
	if err := s.RepairSessions(ctx, run.Add(time.Second), []event.SessionChange{{Session: all[1]}, {Session: all[0]}}); err != nil {
		t.Fatal(err)
	}
	if got := started(t, s, from, to, from); !reflect.DeepEqual(got, all) {
		t.Errorf("sessions after the second repair: %d, want %d", len(got), len(all))
	}
	if now := count(t, s, "select count() from sessions"); now > rows+4 {
		t.Errorf("%d rows of sessions, %d before: a repair was stored twice", now, rows)
	}
}

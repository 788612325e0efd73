package clickhouse

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/migrate"
)

// historySource shows a history as a store that is copied.
type historySource struct{ *history }

func (s historySource) both() []event.Session { return append(s.naive("s"), s.naive("other")...) }

func (s historySource) Days(context.Context) (map[migrate.Day]migrate.Tallies, error) {
	type sums struct {
		rows, delays int64
		ids          uint64
		sessions     migrate.SessionSums
	}
	days := map[migrate.Day]*sums{}
	of := func(site string, ms int64) *sums {
		day := migrate.Day{WebsiteID: site, Start: floor(ms, event.DayMillis)}
		if days[day] == nil {
			days[day] = &sums{}
		}
		return days[day]
	}
	for i := range s.events {
		e := &s.events[i]
		d := of(e.WebsiteID, e.Timestamp)
		d.rows++
		d.ids += binary.BigEndian.Uint64(e.ID[8:])
		d.delays += e.ReceivedAt - e.Timestamp
	}
	for _, one := range s.both() {
		d := &of(one.WebsiteID, one.Start).sessions
		d.Rows++
		d.Starts += one.Start % event.DayMillis
		d.Lengths += one.End - one.Start
		d.Leads += one.Start - one.ChainStart
		d.Events += one.Events
		d.Pageviews += one.Pageviews
		d.Interactive += one.Interactive
		d.Engaged += one.EngagedMs
		d.Sales += one.RevenueEvents
	}
	out := map[migrate.Day]migrate.Tallies{}
	for day, d := range days {
		var t migrate.Tallies
		if d.rows > 0 {
			t.Events = migrate.EventTally(d.rows, d.ids, d.delays)
		}
		if d.sessions.Rows > 0 {
			t.Sessions = d.sessions.Tally()
		}
		out[day] = t
	}
	return out, nil
}

func (s historySource) Slices(_ context.Context, day migrate.Day, _ int) (parts []migrate.Slice, err error) {
	for part := range int64(3) {
		from := day.Start + part*event.DayMillis/3
		parts = append(parts, migrate.Slice{WebsiteID: day.WebsiteID, From: from, To: from + event.DayMillis/3})
	}
	return parts, nil
}

func (s historySource) Read(_ context.Context, slice migrate.Slice) (*migrate.Rows, error) {
	in := func(site string, ms int64) bool { return site == slice.WebsiteID && ms >= slice.From && ms < slice.To }
	rows := &migrate.Rows{Events: slices.DeleteFunc(slices.Clone(s.events), func(e event.Event) bool { return !in(e.WebsiteID, e.Timestamp) })}
	rows.Sessions = slices.DeleteFunc(s.both(), func(one event.Session) bool { return !in(one.WebsiteID, one.Start) })
	return rows, nil
}

// TestIntakeIsKilledAnywhere ends a migration at every point of a commit, lets the source go on, and migrates again with a new
// writer.
func TestIntakeIsKilledAnywhere(t *testing.T) {
	ctx := context.Background()
	for i, point := range points {
		s := openTest(t)
		h := newHistory(uint64(20+i), historyStart, 2*24*time.Hour)
		h.batch(300)
		commits := 0
		n := s.Intake()
		n.failPoint = func(at string) error {
			if at == point {
				commits++
			}
			if commits == 3 && at == point {
				return errKill
			}
			return nil
		}
		o := migrate.Options{Source: historySource{h}, Target: n, BlockRows: 60}
		if _, err := migrate.Run(ctx, o); !errors.Is(err, errKill) {
			t.Fatalf("%s: %v", point, err)
		}
		h.batch(40) // sessions change, join and begin in what was copied
		o.Target = s.Intake()
		result, err := migrate.Run(ctx, o)
		if err != nil {
			t.Fatalf("%s: %v", point, err)
		}
		for _, day := range result.Days {
			if !day.Agrees || day.Here != day.There {
				t.Errorf("%s: %+v", point, day)
			}
		}
		h.check(t, s, point)
		if result, err := migrate.Run(ctx, o); err != nil || result.Passes != 1 || result.Copied != (migrate.Counts{}) {
			t.Errorf("%s: again %+v, %v", point, result, err)
		}
	}
}

// What processors make of the stored events wins over what was copied, also when it is copied later; the stream's does not.
func TestCopiedSessionsYieldToProcessors(t *testing.T) {
	ctx := context.Background()
	s := openTest(t)
	h := newHistory(5, historyStart, 24*time.Hour)
	h.batch(50)
	made := h.naive("s")
	change := func(i int, page string) []event.SessionChange {
		changed := made[i]
		changed.EntryPage = page
		return []event.SessionChange{{Session: changed}}
	}
	if err := s.InsertSessions(ctx, "a", change(0, "/processor"), []uint64{Version(Processor, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := s.InsertSessions(ctx, "b", change(1, "/stream"), []uint64{Version(Stream, 3, 1<<40)}); err != nil {
		t.Fatal(err)
	}
	withdrawn := []event.SessionChange{{Session: event.Session{SessionKey: made[2].SessionKey, Start: made[2].Start}, Withdrawn: true}}
	if err := s.InsertSessions(ctx, "c", withdrawn, []uint64{Version(Processor, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if result, err := migrate.Run(ctx, migrate.Options{Source: historySource{h}, Target: s.Intake()}); err != nil || result.Passes > 2 {
			t.Fatal(result, err)
		}
	}
	got, err := sessionsOf(s, "s")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range got {
		if one.Ref() == made[0].Ref() && one.EntryPage != "/processor" {
			t.Errorf("the processor's session is %+v", one)
		}
		if one.Ref() == made[1].Ref() && one.EntryPage != made[1].EntryPage {
			t.Errorf("the stream's session is %+v", one)
		}
	}
	if len(got) != len(made)-1 || len(made) < 4 {
		t.Errorf("%d sessions, want %d", len(got), len(made)-1)
	}
}

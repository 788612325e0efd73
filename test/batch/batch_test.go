package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/batch"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store/druid"
	"github.com/footfall-analytics/footfall/internal/stream"
)

const day = 24 * time.Hour

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// visits are events of many short sessions within a span.
func visits(r *rand.Rand, from time.Time, span time.Duration, n int) (events []event.Event) {
	for len(events) < n {
		visitor := fmt.Sprint("visitor ", r.IntN(n))
		at := from.UnixMilli() + r.Int64N(span.Milliseconds())
		for range 1 + r.IntN(4) {
			e := event.Event{
				WebsiteID: pick(r, "site a", "site b"), Timestamp: at, ReceivedAt: at + 100, SessionID: visitor, UserID: visitor, SampleKey: xxhash.Sum64String(visitor),
				VisitorCoupon: sketch.Coupon(visitor), Type: pick(r, event.Pageview, event.Pageview, event.Custom, event.Engagement), Interactive: true,
				Page: pick(r, "/", "/a", "/b"), Source: pick(r, "", "Google"), Country: pick(r, "DE", "US"), DeviceType: "desktop", Browser: "Firefox", ScrollDepth: event.NoScroll,
				BotScore: pick[uint8](r, 0, 0, 0, 80),
			}
			e.BotBand = event.Band(e.BotScore)
			for b := range e.ID {
				e.ID[b] = byte(r.UintN(256))
			}
			if e.Type == event.Engagement {
				e.TimeOnPage = r.Int64N(60_000)
			}
			if e.Type == event.Custom {
				e.Revenue, e.Currency = r.Int64N(100_000), "EUR"
			}
			events = append(events, e)
			at += r.Int64N(600_000)
		}
	}
	return events
}

// state is all that a run leaves behind: what Druid holds, what the event store's sessions are, and which days are clean.
type state struct {
	Views, Sources map[string]map[string]int64
	Sessions       []event.Session
	Dirty          []string
}

func (i *installation) state(from, to time.Time) (s state) {
	t := i.t
	t.Helper()
	s.Views, s.Sources = i.sums(druid.PageViews, from, to), i.sums(druid.Sources, from, to)
	err := i.store.StartedSessions(t.Context(), from.Add(-day), to, from.Add(-day), func(session *event.Session) error {
		s.Sessions = append(s.Sessions, *session)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	days, err := i.store.DayStates(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range days {
		if d.Changes != d.Rolled {
			s.Dirty = append(s.Dirty, d.WebsiteID+" "+d.Day.Format(time.DateOnly))
		}
	}
	return s
}

func (i *installation) sums(datasource string, from, to time.Time) map[string]map[string]int64 {
	i.t.Helper()
	days, err := i.druid.Days(i.t.Context(), datasource, from, to)
	if err != nil {
		i.t.Fatal(err)
	}
	out := map[string]map[string]int64{}
	for _, d := range days {
		out[d.WebsiteID+" "+d.Day.Format(time.DateOnly)] = d.Sums
	}
	return out
}

// want is what one clean run over all that has come leaves behind.
func (i *installation) want(from, to time.Time) (s state) {
	operator := stream.NewSessions(0, stream.NothingStored)
	operator.Missing(i.events)
	var changes stream.Changes
	operator.Apply(i.events)
	operator.Settle(&changes)
	s.Views, s.Sources = map[string]map[string]int64{}, map[string]map[string]int64{}
	add := func(to map[string]map[string]int64, site string, at int64, sums map[string]int64) {
		key := site + " " + time.UnixMilli(at).UTC().Format(time.DateOnly)
		if to[key] == nil {
			to[key] = map[string]int64{}
		}
		for name, n := range sums {
			to[key][name] += n
		}
	}
	for n := range i.events {
		if e := &i.events[n]; e.Timestamp >= from.UnixMilli() && e.Timestamp < to.UnixMilli() {
			sums := map[string]int64{"views": 0, "events": 0, "total_time": e.TimeOnPage, "revenue": e.Revenue, "revenue_events": 0}
			switch e.Type {
			case event.Pageview:
				sums["views"], sums["events"] = 1, 1
			case event.Custom:
				sums["events"], sums["revenue_events"] = 1, 1
			}
			add(s.Views, e.WebsiteID, e.Timestamp, sums)
		}
	}
	for _, session := range changes.Upserts {
		if session.Start >= from.UnixMilli() && session.Start < to.UnixMilli() {
			sums := map[string]int64{"sessions": 1, "bounces": 0, "duration": session.Duration(), "pageviews": session.Pageviews, "revenue": session.Revenue}
			if session.Bounce() {
				sums["bounces"] = 1
			}
			add(s.Sources, session.WebsiteID, session.Start, sums)
		}
		if session.Start >= from.Add(-day).UnixMilli() && session.Start < to.UnixMilli() {
			s.Sessions = append(s.Sessions, session)
		}
	}
	slices.SortFunc(s.Sessions, func(a, b event.Session) int {
		if c := strings.Compare(a.WebsiteID, b.WebsiteID); c != 0 {
			return c
		}
		if a.Start != b.Start {
			return int(a.Start - b.Start)
		}
		if c := strings.Compare(a.SessionID, b.SessionID); c != 0 {
			return c
		}
		return int(a.Band) - int(b.Band)
	})
	return s
}

// check compares what is there with what one clean run leaves.
func (i *installation) check(what string, from, to time.Time) {
	i.t.Helper()
	got, want := i.state(from, to), i.want(from, to)
	if !reflect.DeepEqual(got.Views, want.Views) {
		i.t.Errorf("%s: page_views\n%v\nwant\n%v", what, got.Views, want.Views)
	}
	if !reflect.DeepEqual(got.Sources, want.Sources) {
		i.t.Errorf("%s: sources\n%v\nwant\n%v", what, got.Sources, want.Sources)
	}
	if !reflect.DeepEqual(got.Sessions, want.Sessions) {
		i.t.Errorf("%s: %d sessions are not the %d that there should be", what, len(got.Sessions), len(want.Sessions))
	}
	if len(got.Dirty) > 0 {
		i.t.Errorf("%s: dirty: %v", what, got.Dirty)
	}
	if n := i.objectsBelow("daily/"); n > 0 {
		i.t.Errorf("%s: %d work files are left", what, n)
	}
}

// TestDailyJob: a run, the same again, what is spoilt in between repaired, a run that is killed, S3 away during a run, a late event, an
// archive that lags behind.
func TestDailyJob(t *testing.T) {
	i := install(t)
	r := rand.New(rand.NewPCG(1, 2))
	from := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	to, last := from.Add(3*day), from.Add(2*day)
	i.come(visits(r, from.Add(-day), 5*day, 3000))

	run := func(what string) *batch.Report {
		t.Helper()
		a := i.start()
		defer a.Close()
		began := time.Now()
		report, err := a.RunBatch(t.Context(), from, last)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		t.Logf("%s: %v: %+v", what, time.Since(began), *report)
		return report
	}
	if n := len(i.state(from, to).Dirty); n != 6 {
		t.Errorf("%d days are dirty before the first run, not 6", n)
	}
	if report := run("the first run"); report.Rolled != 6 || report.Repaired != 0 {
		t.Errorf("the first run: %+v", report)
	}
	i.check("after the first run", from, to)

	i.spoil(from)
	if report := run("the same days again, with sessions spoilt"); report.Rolled != 6 || report.Repaired != 3 {
		t.Errorf("with spoilt sessions: %+v", report)
	}
	i.check("after the repair", from, to)

	i.killed(from, last)
	i.outage(from, last)
	i.late(r, from, to, run)
	i.status(from)
	i.audited(r, from, last)
}

// spoil changes a session, takes one away and adds one, as a stream that has forgotten would.
func (i *installation) spoil(from time.Time) {
	i.t.Helper()
	var all []event.Session
	err := i.store.StartedSessions(i.t.Context(), from, from.Add(day), from, func(s *event.Session) error { all = append(all, *s); return nil })
	if err != nil || len(all) < 10 {
		i.t.Fatalf("%d sessions: %v", len(all), err)
	}
	changed, gone, ghost := all[2], all[5], all[7]
	changed.Source, ghost.SessionID = "spoilt", "ghost"
	changes := []event.SessionChange{{Session: changed}, {Session: gone, Withdrawn: true}, {Session: ghost}}
	if err := i.store.RepairSessions(i.t.Context(), from, changes); err != nil { // an earlier repair, which may be wrong too
		i.t.Fatal(err)
	}
}

// killed ends a run as soon as Spark has written something, makes an event come late, and runs again.
func (i *installation) killed(from, last time.Time) {
	t := i.t
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	done := make(chan error, 1)
	a := i.start()
	go func() {
		_, err := a.RunBatch(ctx, from, last)
		done <- err
	}()
	eventually(t, "files of Spark", func() bool { return i.objectsBelow("daily/") > 0 })
	kill()
	if err := <-done; err == nil {
		t.Error("a run that was killed has no error")
	}
	if i.objectsBelow("daily/") == 0 {
		t.Error("a run that was killed has left nothing: it was not killed half-way")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// outage takes S3 away while Spark runs. The run fails, the days stay as they are, and the next run makes them.
func (i *installation) outage(from, last time.Time) {
	t := i.t
	t.Helper()
	before := i.state(from, last.Add(day))
	a := i.start()
	defer a.Close()
	done := make(chan error, 1)
	go func() {
		_, err := a.RunBatch(t.Context(), from, last)
		done <- err
	}()
	eventually(t, "files of Spark", func() bool { return i.objectsBelow("daily/") > 3 })
	i.way.set(true)
	err := <-done
	i.way.set(false)
	t.Logf("with S3 away: %v", err)
	if err == nil {
		t.Error("a run without S3 has no error")
	}
	if after := i.state(from, last.Add(day)); !reflect.DeepEqual(after, before) {
		t.Error("a run that failed has changed what queries see")
	}
}

// late lets events come late: first into the event store alone, while the archive lags behind; the days stay dirty. Then they
// are made.
func (i *installation) late(r *rand.Rand, from, to time.Time, run func(string) *batch.Report) {
	t := i.t
	t.Helper()
	events := visits(r, from.Add(20*time.Hour), 6*time.Hour, 20)
	lagging := i.position
	i.come(events)
	var names []string
	for _, d := range []time.Time{from, from.Add(day)} {
		names = append(names, fmt.Sprintf("events/%s/events-0-%020d-%020d.parquet", d.Format(time.DateOnly), lagging, i.position))
	}
	if err := i.objects.Delete(t.Context(), names...); err != nil {
		t.Fatal(err)
	}
	dirty := i.state(from, to).Dirty
	if len(dirty) < 2 {
		t.Errorf("late events made only %v dirty", dirty)
	}
	if report := run("with an archive that lags behind"); report.Repaired != 0 || report.Rolled+len(dirty) != report.Days || len(report.Left) != len(dirty) {
		t.Errorf("with an archive that lags behind %v: %+v", dirty, report)
	}
	now := i.position
	i.position = lagging
	i.archive(events)
	i.position = now
	if report := run("with late events"); report.Rolled != 6 {
		t.Errorf("with late events: %+v", report)
	}
	i.check("after late events", from, to)
}

// audited: the stores agree; then the archive and Druid have something that the event store has not.
func (i *installation) audited(r *rand.Rand, from, last time.Time) {
	t := i.t
	t.Helper()
	if clean, differences := i.audit(from, last); !clean {
		t.Errorf("the stores differ: %v", differences)
	}
	i.archive(visits(r, from.Add(time.Hour), time.Hour, 1)[:1])
	if err := i.druid.Replace(t.Context(), druid.Replacement{Datasource: druid.Sources, From: last, To: last.Add(day)}); err != nil {
		t.Fatal(err)
	}
	clean, differences := i.audit(from, last)
	text := strings.Join(differences, "\n")
	for _, what := range []string{from.Format(time.DateOnly) + ": events in the archive", last.Format(time.DateOnly) + ": sources.sessions"} {
		if clean || !strings.Contains(text, what) {
			t.Errorf("the audit does not find %q: %s", what, text)
		}
	}
}

// status: the role makes the days that are left by itself, and says so.
func (i *installation) status(from time.Time) {
	t := i.t
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	a := i.start()
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	var said batch.State
	eventually(t, "no day is dirty", func() bool {
		raw, err := a.BatchStatus(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said = batch.State{}
		if err := json.Unmarshal(raw, &said); err != nil {
			t.Fatal(err)
		}
		return said.Leader != "" && said.Dirty == 0 && said.Last != nil
	})
	if _, err := a.RunBatch(t.Context(), from, from); err == nil {
		t.Error("a run beside the schedule was not refused")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("the schedule says %+v, of its last run %+v", said, *said.Last)
	i.check("after the schedule", from.Add(-day), from.Add(5*day))
}

package batch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/batch"
	"github.com/footfall-analytics/footfall/internal/event"
)

// pages are page views of a few keys of two sites, some of which run over midnight.
func pages(r *rand.Rand, from time.Time, span time.Duration, n int) (events []event.Event) {
	for range n {
		e := event.Event{WebsiteID: pick(r, "a", "b"), Type: event.Pageview, Timestamp: from.UnixMilli() + r.Int64N(span.Milliseconds()), SessionID: pick(r, "s", "t", "u"), Page: pick(r, "/", "/x"), Source: pick(r, "", "y")}
		for i := range e.ID {
			e.ID[i] = byte(r.UintN(256))
		}
		identify(&e, "v")
		events = append(events, e)
	}
	return events
}

// filled is a world with five days of events, of which one session is spoilt, one is missing and one is too many.
func filled(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	from := date(t, "2026-03-09")
	w.come(true, pages(rand.New(rand.NewPCG(3, 4)), from, 5*day, 90)...)
	if err := w.Put(t.Context(), "events/2026-03-10/some.parquet", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range sortSessions(w.sessions) {
		if dayOf(s.Start).Equal(from.Add(day)) {
			switch n++; n {
			case 2:
				s.Source = "spoilt"
				w.put(s)
			case 3:
				w.take(s)
			case 4:
				s.SessionID = "ghost"
				w.put(s)
			}
		}
	}
	return w
}

// outcome is all that a run leaves behind.
func (w *world) outcome(days batch.Range) string {
	text := ""
	for _, source := range []string{"page_views", "sources"} {
		for _, at := range days.Each() {
			text += fmt.Sprintln(source, at.Format(time.DateOnly), w.rollups[source][at])
		}
	}
	for _, s := range sortSessions(w.sessions) {
		text += fmt.Sprintln(s)
	}
	for _, key := range slices.SortedFunc(maps.Keys(w.changes), func(a, b batch.SiteDay) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		text += fmt.Sprintln(key, w.clean(key))
	}
	return text
}

func (w *world) clean(key batch.SiteDay) bool { return w.changes[key] == w.rolled[key] }

// TestRunThatFails: whichever step fails, before or after its effect, no day is clean that should not be, and the next run leaves
// what one clean run leaves.
func TestRunThatFails(t *testing.T) {
	range3 := days(t, "2026-03-10", "2026-03-12")
	once := filled(t)
	report, err := once.batch().Run(t.Context(), range3)
	if err != nil || report.Rolled != 6 || report.Days != 6 || report.Repaired != 3 || len(report.Left) != 0 {
		t.Fatalf("a clean run: %+v, %v", report, err)
	}
	want, steps := once.outcome(range3), once.steps
	if !reflect.DeepEqual(once.sessions, makeSessions(once.stored)) {
		t.Fatal("a clean run does not repair the sessions")
	}
	for fail := 1; fail <= steps; fail++ {
		for _, after := range []bool{false, true} {
			w := filled(t)
			w.fail, w.after = fail, after
			if _, err := w.batch().Run(t.Context(), range3); !errors.Is(err, errStep) {
				t.Errorf("step %d: %v", fail, err)
			}
			for key := range w.changes {
				if !key.Day.Before(range3.From) && key.Day.Before(range3.To) && w.clean(key) {
					if got, right := fmt.Sprint(w.rollups["page_views"][key.Day], w.rollups["sources"][key.Day]), fmt.Sprint(once.rollups["page_views"][key.Day], once.rollups["sources"][key.Day]); got != right {
						t.Errorf("step %d: %v is clean, with the rollups %s, not %s", fail, key, got, right)
					}
				}
			}
			w.fail = 0
			if _, err := w.batch().Run(t.Context(), range3); err != nil {
				t.Errorf("after step %d: %v", fail, err)
			}
			if got := w.outcome(range3); got != want {
				t.Errorf("after a failure of step %d:\n%s\nwant\n%s", fail, got, want)
			}
		}
	}
	t.Logf("%d steps", steps)
}

// TestChangesDuringARun: an event that comes at any step leaves its days dirty or is in the rollups of a clean one.
func TestChangesDuringARun(t *testing.T) {
	range3 := days(t, "2026-03-10", "2026-03-12")
	once := filled(t)
	if _, err := once.batch().Run(t.Context(), range3); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(8, 8))
	left := 0
	for at := 1; at <= once.steps; at++ {
		for _, archived := range []bool{false, true} {
			w := filled(t)
			w.before = func(step int) {
				if step == at {
					w.come(archived, pages(r, range3.From, 3*day, 1)...)
				}
			}
			if _, err := w.batch().Run(t.Context(), range3); err != nil {
				t.Fatalf("step %d: %v", at, err)
			}
			w.archived = w.stored
			files := jobOf{w}.made(range3)
			for key := range w.changes {
				if key.Day.Before(range3.From) || !key.Day.Before(range3.To) {
					continue
				}
				name := "/date=" + key.Day.Format(time.DateOnly)
				if !w.clean(key) {
					left++
				} else if got, right := ofSite(key.WebsiteID, w.rollups["sources"][key.Day]), ofSite(key.WebsiteID, files["sources"+name]); !slices.Equal(got, right) {
					t.Errorf("an event at step %d: %v is clean, with %v, not %v", at, key, got, right)
				}
			}
		}
	}
	if left == 0 {
		t.Error("no event left a day dirty")
	}
}

func ofSite(site string, lines []string) (out []string) {
	for _, line := range lines {
		if strings.Contains(line, `"website_id":"`+site+`"`) {
			out = append(out, line)
		}
	}
	return out
}

// TestLaggingArchive: nothing is repaired by what an archive lacks, and a day that was clean is so no longer.
func TestLaggingArchive(t *testing.T) {
	range3 := days(t, "2026-03-10", "2026-03-12")
	w := filled(t)
	if _, err := w.batch().Run(t.Context(), range3); err != nil {
		t.Fatal(err)
	}
	gone := slices.IndexFunc(w.archived, func(e event.Event) bool { return dayOf(e.Timestamp).Equal(range3.From.Add(day)) })
	lost := w.archived[gone]
	w.archived = slices.Delete(slices.Clone(w.archived), gone, gone+1)
	before := fmt.Sprint(sortSessions(w.sessions))
	report, err := w.batch().Run(t.Context(), range3)
	if err != nil || report.Repaired != 0 || report.Rolled >= report.Days || len(report.Left) == 0 {
		t.Errorf("with an event that the archive lacks: %+v, %v", report, err)
	}
	if w.clean(batch.SiteDay{WebsiteID: lost.WebsiteID, Day: range3.From.Add(day)}) {
		t.Error("the day of an event that the archive lacks is clean")
	}
	if fmt.Sprint(sortSessions(w.sessions)) != before {
		t.Error("sessions were changed")
	}
}

// TestPartsOfALongRange: a range that is cut into parts is repaired on both sides of a cut.
func TestPartsOfALongRange(t *testing.T) {
	w := newWorld(t)
	w.now = date(t, "2026-03-20")
	first := date(t, "2026-01-01")
	w.come(true, pages(rand.New(rand.NewPCG(5, 6)), first, 40*day, 700)...)
	for n := range 40 {
		if err := w.Put(t.Context(), "events/"+first.AddDate(0, 0, n).Format(time.DateOnly)+"/some.parquet", strings.NewReader("x"), 1); err != nil {
			t.Fatal(err)
		}
	}
	spoilt := 0
	for _, s := range sortSessions(w.sessions) {
		if at := dayOf(s.Start); !at.Before(first.AddDate(0, 0, 28)) && at.Before(first.AddDate(0, 0, 34)) {
			s.Source, spoilt = "spoilt", spoilt+1
			w.put(s)
		}
	}
	report, err := w.batch().Run(t.Context(), batch.Range{From: first, To: first.AddDate(0, 0, 40)})
	if err != nil || len(report.Left) > 0 || report.Rolled != report.Days || report.Repaired != spoilt || spoilt == 0 {
		t.Errorf("%d of %d days are rolled, %d of %d sessions repaired, %v: %v", report.Rolled, report.Days, report.Repaired, spoilt, err, report.Left)
	}
}

// TestSealedDays: a day of which a site keeps no events, but has rollups, is not made again; what others of it change stays dirty, and is
// said. A day that has no rollups of such a site is made for the others.
func TestSealedDays(t *testing.T) {
	w := filled(t)
	range3 := days(t, "2026-03-10", "2026-03-12")
	if _, err := w.batch().Run(t.Context(), range3); err != nil {
		t.Fatal(err)
	}
	gone := func(key batch.SiteDay) bool { return key.WebsiteID == "a" && key.Day.Before(date(t, "2026-03-12")) }
	delete(w.rolled, batch.SiteDay{WebsiteID: "a", Day: date(t, "2026-03-11")}) // this one was dirty when it went
	sealed := date(t, "2026-03-10")
	before := fmt.Sprint(w.rollups["page_views"][sealed], w.rollups["sources"][sealed])
	w.kept = map[string]time.Time{"a": date(t, "2026-03-12")}
	stays := func(events []event.Event) (left []event.Event) {
		for _, e := range events {
			if !gone(batch.SiteDay{WebsiteID: e.WebsiteID, Day: dayOf(e.Timestamp)}) {
				left = append(left, e)
			}
		}
		return left
	}
	w.stored, w.archived = stays(w.stored), stays(w.archived)
	w.sessions = makeSessions(w.stored)
	late := pages(rand.New(rand.NewPCG(8, 8)), sealed.Add(2*time.Hour), 40*time.Hour, 30)
	w.come(true, slices.DeleteFunc(late, func(e event.Event) bool { return e.WebsiteID == "a" })...)
	report, err := w.batch().Run(t.Context(), range3)
	if err != nil || len(report.Left) != 1 || !strings.Contains(report.Left[0], `2026-03-10 of site "b"`) || !strings.Contains(report.Left[0], `site "a" keeps its events no longer that`) {
		t.Fatalf("%+v, %v", report, err)
	}
	if after := fmt.Sprint(w.rollups["page_views"][sealed], w.rollups["sources"][sealed]); after != before {
		t.Error("the rollups of a day were made again without those of a site whose events have gone")
	}
	if w.clean(batch.SiteDay{WebsiteID: "b", Day: sealed}) || !w.clean(batch.SiteDay{WebsiteID: "b", Day: date(t, "2026-03-11")}) || !w.clean(batch.SiteDay{WebsiteID: "a", Day: sealed}) {
		t.Errorf("rolled %v, changes %v", w.rolled, w.changes)
	}
	if again, err := w.batch().Run(t.Context(), days(t, "2026-03-10", "2026-03-10")); err != nil || again.Rolled != 0 || len(again.Left) != 1 {
		t.Errorf("the sealed day alone: %+v, %v", again, err)
	}
}

// A visit that began before the day from which on a site keeps its events, and went on into it, is not made to begin there.
func TestVisitsIntoTheFirstKeptDay(t *testing.T) {
	w := filled(t)
	first := date(t, "2026-03-12")
	visit := pages(rand.New(rand.NewPCG(1, 2)), first, day, 2)
	for i := range visit {
		visit[i].WebsiteID, visit[i].SessionID, visit[i].Timestamp = "a", "over", first.Add(time.Duration(2*i-1)*10*time.Minute).UnixMilli()
		identify(&visit[i], "over")
	}
	w.come(true, visit...)
	range4 := days(t, "2026-03-10", "2026-03-13")
	if report, err := w.batch().Run(t.Context(), range4); err != nil || len(report.Left) > 0 {
		t.Fatal(report, err)
	}
	rollups := func() string {
		return fmt.Sprint(ofSite("a", w.rollups["page_views"][first]), ofSite("a", w.rollups["sources"][first]))
	}
	goes := func(e event.Event) bool { return e.WebsiteID == "a" && dayOf(e.Timestamp).Before(first) }
	w.kept = map[string]time.Time{"a": first}
	w.stored, w.archived = slices.DeleteFunc(w.stored, goes), slices.DeleteFunc(w.archived, goes)
	maps.DeleteFunc(w.sessions, func(_ event.SessionRef, s event.Session) bool {
		return s.WebsiteID == "a" && dayOf(s.Start).Before(first)
	})
	before := rollups()
	late := pages(rand.New(rand.NewPCG(8, 8)), first, 2*day, 1)
	late[0].WebsiteID, late[0].SessionID = "b", "late"
	identify(&late[0], "late")
	w.changes[batch.SiteDay{WebsiteID: "b", Day: dayOf(late[0].Timestamp)}]++
	w.stored, w.archived = append(w.stored, late...), append(w.archived, late...)
	for _, s := range makeSessions(late) {
		w.put(s)
	}
	sessions := fmt.Sprint(sortSessions(w.sessions))
	report, err := w.batch().Run(t.Context(), range4)
	if err != nil || report.Repaired != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if after := rollups(); after != before {
		t.Errorf("the rollups of the first kept day are %s, not %s", after, before)
	}
	if after := fmt.Sprint(sortSessions(w.sessions)); after != sessions {
		t.Errorf("the sessions are %s, not %s", after, sessions)
	}
}

// Whenever a site's events go during a run, its rollups stay, and the next run is as one that began behind it.
func TestExpiryDuringARun(t *testing.T) {
	range3, sealed := days(t, "2026-03-10", "2026-03-12"), date(t, "2026-03-10")
	ended := 0
	for at := 1; ; at++ {
		w := filled(t)
		if _, err := w.batch().Run(t.Context(), range3); err != nil {
			t.Fatal(err)
		}
		before := [2][]string{ofSite("a", w.rollups["page_views"][sealed]), ofSite("a", w.rollups["sources"][sealed])}
		if len(before[0]) == 0 || len(before[1]) == 0 {
			t.Fatal("the site has no rollups of that day")
		}
		w.steps = 0
		w.before = func(step int) {
			if step != at {
				return
			}
			w.kept = map[string]time.Time{"a": sealed.Add(day)}
			goes := func(e event.Event) bool { return e.WebsiteID == "a" && dayOf(e.Timestamp).Before(sealed.Add(day)) }
			w.stored, w.archived = slices.DeleteFunc(w.stored, goes), slices.DeleteFunc(w.archived, goes)
			maps.DeleteFunc(w.sessions, func(ref event.SessionRef, s event.Session) bool {
				return s.WebsiteID == "a" && dayOf(s.Start).Before(sealed.Add(day))
			})
		}
		_, err := w.batch().Run(t.Context(), range3)
		if w.steps < at {
			break
		}
		if err != nil {
			ended++
		}
		w.before = nil
		for range 2 {
			if after := [2][]string{ofSite("a", w.rollups["page_views"][sealed]), ofSite("a", w.rollups["sources"][sealed])}; !reflect.DeepEqual(after, before) {
				t.Errorf("gone at step %d: the rollups are %v, not %v", at, after, before)
			}
			if w.rolled[batch.SiteDay{WebsiteID: "a", Day: sealed}] == 0 {
				t.Errorf("gone at step %d: the day is no longer rolled", at)
			}
			if _, err := w.batch().Run(t.Context(), range3); err != nil {
				t.Errorf("gone at step %d, the next run: %v", at, err)
			}
		}
	}
	if ended == 0 {
		t.Error("no run was ended")
	}
}

func TestOpenDaysAreRefused(t *testing.T) {
	w := newWorld(t)
	w.now = date(t, "2026-03-12").Add(time.Hour)
	if _, err := w.batch().Run(t.Context(), days(t, "2026-03-11", "2026-03-12")); !errors.Is(err, batch.ErrOpen) {
		t.Errorf("a day that has not ended: %v", err)
	}
	if _, err := batch.Days(date(t, "2026-03-12"), date(t, "2026-03-11")); err == nil {
		t.Error("the last day may be before the first")
	}
}

// TestSchedule: dirty days newest first, neighbours together, a day that stays dirty held back longer each time, failures told.
func TestSchedule(t *testing.T) {
	w := filled(t)
	w.now = date(t, "2026-03-13").Add(2 * time.Hour) // the last day has not ended long
	b := w.batch()
	var said []batch.State
	ctx, stop := context.WithCancel(t.Context())
	s := batch.NewSchedule(batch.ScheduleOptions{
		Batch: b, Name: "one", Every: time.Millisecond, MaxDays: 2, After: time.Hour,
		Lead: func(ctx context.Context, do func(context.Context) error) (bool, error) { return true, do(ctx) },
		Save: func(_ context.Context, state batch.State) error {
			if said = append(said, state); state.Running == "" && state.Dirty == 0 && state.Error == "" {
				stop()
			}
			return nil
		},
	})
	w.fail = 3
	w.before = func(int) { // time passes, so that what is held back is tried again
		w.now = w.now.Add(10 * time.Second)
	}
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	var runs []string
	failed := false
	for _, state := range said {
		if state.Running != "" {
			runs = append(runs, state.Running)
		}
		failed = failed || state.Failures == 1 && strings.Contains(state.Error, errStep.Error())
	}
	if len(runs) < 3 || runs[0] != "2026-03-11..2026-03-12" || !slices.Contains(runs, "2026-03-09..2026-03-10") {
		t.Errorf("the runs were %v", runs)
	}
	if last := said[len(said)-1]; !failed || last.Last == nil || last.Leader != "one" || s.Runs() < 3 || s.Failures() != 1 || s.State().Dirty != 0 {
		t.Errorf("a failure was told: %v; at last: %+v, %d runs, %d failures", failed, last, s.Runs(), s.Failures())
	}
	for key := range w.changes {
		if key.Day.Before(date(t, "2026-03-13")) && !w.clean(key) {
			t.Errorf("%v is dirty", key)
		}
	}
}

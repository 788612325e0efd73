package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

const start = 20_000 * dayMillis

// page returns an event of a site; ids are unique by n.
func page(site string, n byte, ms int64) event.Event {
	return event.Event{ID: event.UUID{15: n}, WebsiteID: site, SessionID: fmt.Sprint("s", n), Timestamp: ms, ReceivedAt: ms + 1000, Type: event.Pageview}
}

func visit(e *event.Event, events int64) event.Session {
	return event.Session{SessionKey: event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID}, ChainStart: e.Timestamp, Start: e.Timestamp,
		End: e.Timestamp + 1000*events, Events: events}
}

// add stores an event and its visit, and counts it.
func (s *memorySource) add(e event.Event) {
	s.events = append(s.events, e)
	one := visit(&e, 1)
	s.sessions[one.Ref()] = one
	s.count(e.WebsiteID, e.ReceivedAt, event.Stored, "", 1)
}

func (s *memorySource) count(site string, ms int64, outcome event.Outcome, reason string, n int64) {
	s.ledger[event.LedgerRow{WebsiteID: site, Minute: event.Minute(ms), Outcome: outcome, Reason: reason}] += n
	s.ledger[event.LedgerRow{WebsiteID: site, Minute: event.Minute(ms), Outcome: event.Received}] += n
}

func newMemorySource(f *fuse) *memorySource {
	s := &memorySource{fuse: f, sessions: map[event.SessionRef]event.Session{}, ledger: map[event.LedgerRow]int64{}}
	n := byte(0)
	for _, site := range []string{"a", "b"} {
		for day := range int64(3) {
			for part := range int64(4) {
				n++
				s.add(page(site, n, start+day*dayMillis+part*dayMillis/4+int64(n)))
			}
		}
		s.count(site, start+5000, event.Filtered, "gpc", 3)
		s.count(site, start+dayMillis, event.Duplicate, "", 2)
	}
	s.count("", start+4*dayMillis, event.Failed, "json", 7) // of no site, on a day without events
	return s
}

// same fails where the target is not what the source is.
func same(t *testing.T, s *memorySource, target *memoryTarget) {
	t.Helper()
	ids := map[event.UUID]int{}
	for i := range target.events {
		ids[target.events[i].ID]++
	}
	for i := range s.events {
		if n := ids[s.events[i].ID]; n != 1 {
			t.Errorf("event %v stands %d times in the target", s.events[i].ID, n)
		}
	}
	if len(target.events) != len(s.events) {
		t.Errorf("%d events, want %d", len(target.events), len(s.events))
	}
	if !maps.EqualFunc(target.sessions, s.sessions, func(a, b event.Session) bool { return a.End == b.End && a.Events == b.Events }) {
		t.Errorf("sessions %v, want %v", target.sessions, s.sessions)
	}
	if !maps.Equal(target.ledger, s.ledger) {
		t.Errorf("ledger %v, want %v", target.ledger, s.ledger)
	}
}

func migrateAll(t *testing.T, o Options) *Result {
	t.Helper()
	result, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range result.Days {
		if !day.Agrees || day.Here != day.There {
			t.Errorf("in the end %+v", day)
		}
	}
	return result
}

func TestRunCopiesAllAndAgainNothing(t *testing.T) {
	s, target := newMemorySource(&fuse{}), newMemoryTarget(&fuse{})
	result := migrateAll(t, Options{Source: s, Target: target, BlockRows: 7})
	same(t, s, target)
	if want := (Counts{24, 24}); result.Copied != want || result.Passes != 2 || len(result.Days) != 7 {
		t.Errorf("%+v, want %v copied in 2 passes of 7 days", result, want)
	}
	commits := target.commits
	if result := migrateAll(t, Options{Source: s, Target: target}); result.Copied != (Counts{}) || result.Passes != 1 || target.commits != commits {
		t.Errorf("again: %+v, %d commits", result, target.commits-commits)
	}
}

// TestKillsAtEveryStep ends a run at every call of either store, before and after it took effect, and goes on.
func TestKillsAtEveryStep(t *testing.T) {
	kills := 0
	for step := 1; ; step++ {
		f := &fuse{left: step}
		s, target := newMemorySource(f), newMemoryTarget(f)
		_, err := Run(context.Background(), Options{Source: s, Target: target, BlockRows: 5})
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		kills++
		s.add(page("a", 200, start+77)) // what arrives between the runs, in a slice that was copied perhaps
		migrateAll(t, Options{Source: s, Target: target, BlockRows: 5})
		same(t, s, target)
		if t.Failed() {
			t.Fatalf("after a kill at step %d", step)
		}
	}
	if kills < 100 {
		t.Errorf("only %d kill points", kills)
	}
}

// TestKillsEverywhere kills each run a few steps further on, until one gets through.
func TestKillsEverywhere(t *testing.T) {
	f := &fuse{}
	s, target := newMemorySource(f), newMemoryTarget(f)
	for left := 1; ; left++ {
		f.left = left
		_, err := Run(context.Background(), Options{Source: s, Target: target, BlockRows: 3})
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	same(t, s, target)
}

func TestSessionsThatChangeAreReplaced(t *testing.T) {
	s, target := newMemorySource(&fuse{}), newMemoryTarget(&fuse{})
	migrateAll(t, Options{Source: s, Target: target})
	longer, gone := visit(&s.events[0], 4), visit(&s.events[1], 1)
	s.sessions[longer.Ref()] = longer
	delete(s.sessions, gone.Ref())
	own := visit(&s.events[2], 9) // the cluster has made it anew
	delete(target.sessions, own.Ref())
	target.foreign[own.Ref()] = own
	result := migrateAll(t, Options{Source: s, Target: target})
	if result.Copied != (Counts{0, 1}) {
		t.Errorf("copied %+v", result.Copied)
	}
	if _, there := target.sessions[own.Ref()]; there {
		t.Error("a session that the cluster has made was replaced")
	}
	if _, there := target.sessions[gone.Ref()]; there || target.sessions[longer.Ref()].Events != 4 {
		t.Errorf("sessions %v", target.sessions)
	}
}

// An event that came to the target another way is not copied on top of it.
func TestEventsFromElsewhereAreNotDoubled(t *testing.T) {
	s, target := newMemorySource(&fuse{}), newMemoryTarget(&fuse{})
	other := s.events[3]
	other.ReceivedAt += event.LateLimitMillis - 1
	target.events = append(target.events, other)
	migrateAll(t, Options{Source: s, Target: target})
	if len(target.events) != len(s.events) {
		t.Errorf("%d events, want %d", len(target.events), len(s.events))
	}
}

func TestSourceThatMoves(t *testing.T) {
	s, target := newMemorySource(&fuse{}), newMemoryTarget(&fuse{})
	n := byte(100)
	s.onRead = func() { n++; s.add(page("a", n, start+int64(n))) }
	result, err := Run(context.Background(), Options{Source: s, Target: target, Passes: 3})
	if err != nil || result.Passes != 3 {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, day := range result.Days {
		moves := day.Day == Day{"a", start}
		if day.Agrees == moves || day.Moving != moves {
			t.Errorf("%+v", day)
		}
	}
	s.onRead = nil
	migrateAll(t, Options{Source: s, Target: target})
	same(t, s, target)
}

// A target that does not keep what is committed is found out, and no excuse is made for it.
func TestTargetThatLosesRows(t *testing.T) {
	s, target := newMemorySource(&fuse{}), newMemoryTarget(&fuse{})
	lost := s.events[5].ID
	result, err := Run(context.Background(), Options{Source: s, Target: loser{target, lost}})
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range result.Days {
		bad := day.Day == Day{"a", start + dayMillis}
		if day.Agrees == bad || day.Moving || bad && day.Here.Events-day.There.Events != 1 {
			t.Errorf("%+v", day)
		}
	}
}

type loser struct {
	*memoryTarget
	id event.UUID
}

func (l loser) Days(ctx context.Context, websiteID string) (map[int64]Tallies, error) {
	for i := range l.events {
		if l.events[i].ID == l.id {
			l.events = append(l.events[:i], l.events[i+1:]...)
			break
		}
	}
	l.memoryTarget.events = l.events
	return l.memoryTarget.Days(ctx, websiteID)
}

func TestOldDaysAreLeftOut(t *testing.T) {
	s, target := newMemorySource(&fuse{}), newMemoryTarget(&fuse{})
	result := migrateAll(t, Options{Source: s, Target: target, RawFrom: start + dayMillis})
	if result.LeftOut != (LeftOut{2, 8}) || len(target.events) != 16 || len(result.Days) != 5 {
		t.Errorf("%+v, %d events", result, len(target.events))
	}
}

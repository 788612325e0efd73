package session

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

const minute = 60_000

func view(session string, at int64, page string) *event.Event {
	return &event.Event{WebsiteID: "s", SessionID: session, Type: event.Pageview, Timestamp: at, Page: page, Source: "Google"}
}

func TestObserve(t *testing.T) {
	const t0 = 1_763_856_000_000
	s := New(Options{})
	f := func(name string, e *event.Event, want event.SessionInfo, wantKnown bool) {
		t.Helper()
		if got, known := s.Observe(e); got != want || known != wantKnown {
			t.Errorf("%s: got %+v, %v; want %+v, %v", name, got, known, want, wantKnown)
		}
	}
	f("first", view("a", t0, "/"), event.SessionInfo{}, false)
	f("second", view("a", t0+minute, "/b"), event.SessionInfo{StartedAt: t0, Events: 1, EntryPage: "/", Source: "Google"}, true)
	f("another session", view("b", t0+minute, "/b"), event.SessionInfo{}, false)
	f("late but within the gap", view("a", t0-minute, "/early"), event.SessionInfo{StartedAt: t0, Events: 2, EntryPage: "/", Source: "Google"}, true)
	f("entry page is the earliest", view("a", t0+2*minute, "/c"), event.SessionInfo{StartedAt: t0 - minute, Events: 3, EntryPage: "/early", Source: "Google"}, true)
	f("long before", view("a", t0-50*minute, "/old"), event.SessionInfo{}, false)
	f("exactly 30 minutes", view("a", t0+32*minute, "/d"), event.SessionInfo{StartedAt: t0 - minute, Events: 4, EntryPage: "/early", Source: "Google"}, true)
	f("a millisecond more", view("a", t0+62*minute+1, "/new"), event.SessionInfo{}, false)
	engagement := &event.Event{WebsiteID: "s", SessionID: "a", Type: event.Engagement, Timestamp: t0 + 63*minute}
	f("engagement", engagement, event.SessionInfo{StartedAt: t0 + 62*minute + 1, Events: 1, EntryPage: "/new", Source: "Google"}, true)
	f("engagement is not counted", view("a", t0+64*minute, "/x"), event.SessionInfo{StartedAt: t0 + 62*minute + 1, Events: 1, EntryPage: "/new", Source: "Google"}, true)
}

func TestSeenSince(t *testing.T) {
	s := New(Options{})
	s.Touch("s", "visitor", 1000)
	s.Touch("s", "visitor", 500)
	for _, c := range []struct {
		site, id string
		at       int64
		want     bool
	}{{"s", "visitor", 1000, true}, {"s", "visitor", 1001, false}, {"s", "other", 0, false}, {"t", "visitor", 0, false}} {
		if got := s.SeenSince(c.site, c.id, c.at); got != c.want {
			t.Errorf("SeenSince(%q, %q, %d) = %v", c.site, c.id, c.at, got)
		}
	}
}

func TestLearn(t *testing.T) {
	s := New(Options{})
	known := Known{StartedAt: 1000, LastSeen: 5000, Events: 3, EntryPage: "/", EntryAt: 1000, Source: "Google"}
	s.Learn("s", "a", known)
	if info, ok := s.Observe(view("a", 6000, "/b")); !ok || info != (event.SessionInfo{StartedAt: 1000, Events: 3, EntryPage: "/", Source: "Google"}) {
		t.Errorf("learnt: %+v, %v", info, ok)
	}
	s.Learn("s", "a", known) // older than what it has seen itself
	if info, _ := s.Observe(view("a", 7000, "/c")); info.Events != 4 {
		t.Errorf("after an older lesson: %+v", info)
	}
}

func TestBoundAndExpiry(t *testing.T) {
	s := New(Options{MaxSessions: 640})
	for i := range 10_000 {
		s.Observe(view(fmt.Sprint(i), int64(i), "/"))
	}
	if n := s.Len(); n > 640 || n < 600 {
		t.Errorf("%d sessions are kept, the bound is 640", n)
	}
	recent := 0
	for i := 9_000; i < 10_000; i++ {
		if s.SeenSince("s", fmt.Sprint(i), 0) {
			recent++
		}
	}
	if recent < 300 {
		t.Errorf("only %d of the kept ones are recent", recent)
	}
	s.Expire(1 << 40)
	if n := s.Len(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestTextsAreCopiedAndCut(t *testing.T) {
	s := New(Options{})
	buffer := []byte("/" + strings.Repeat("ö", 100))
	s.Observe(view("a", 1, string(buffer)))
	info, _ := s.Observe(view("a", 2, "/"))
	if len(info.EntryPage) > maxTextBytes || strings.ContainsRune(info.EntryPage, '�') {
		t.Errorf("kept %q", info.EntryPage)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := New(Options{MaxSessions: 128})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 2000 {
				s.Observe(view(fmt.Sprint(i%300), int64(i), "/"))
				s.Touch("s", fmt.Sprint(w), int64(i))
				s.SeenSince("s", fmt.Sprint(i), 1)
			}
		}()
	}
	wg.Wait()
	if n := s.Len(); n > 128 {
		t.Errorf("%d sessions are kept, the bound is 128", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	s := New(Options{})
	sessions := make([]string, 4096)
	for i := range sessions {
		sessions[i] = fmt.Sprintf("%016x", i*2654435761)
	}
	e := view("", 0, "/docs")
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		e.SessionID, e.Timestamp = sessions[i%len(sessions)], int64(i)
		s.Observe(e)
	}
}

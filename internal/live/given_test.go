package live

import (
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

// TestGiven: windows and current visitors are those that were handed in; minutes and totals come from events.
func TestGiven(t *testing.T) {
	c := &clock{now: noon}
	hub := New(Options{Now: func() int64 { return c.now }, Given: true})
	hub.Apply([]event.Event{pageview(noon-60_000, 1, "/a")})
	hub.SetCurrent("site", [4]int64{5, 6, 7, 8})
	for threshold, want := range []int64{0, 5, 6, 7, 8, 8} {
		if got := *hub.Realtime("site", uint8(threshold)).CurrentVisitors; got != want {
			t.Errorf("threshold %d: %d current visitors", threshold, got)
		}
	}
	if m := *hub.Realtime("site", 2).Metrics; m != (Metrics{1, 1, 1}) {
		t.Errorf("totals: %+v", m)
	}
	sub := subscribe(t, hub, 2)
	drain(t, sub)
	row := event.Metric{WebsiteID: "site", Start: noon, Pageviews: [4]uint64{3, 1, 9}, Events: [4]uint64{4, 1, 9}, Visitors: [4]uint64{2, 3, 9, 9}, EmittedAt: 10}
	hub.SetWindow(row)
	row.EmittedAt, row.Pageviews = 9, [4]uint64{}
	hub.SetWindow(row) // an older one
	old := row
	old.Start, old.EmittedAt = noon-40*60_000, 11
	hub.SetWindow(old) // out of view
	hub.Push()
	types, last := drain(t, sub)
	if want := `{"type":"metrics","start":1763856000000,"pageviews":4,"events":5,"active_visitors":3,"open":true}`; types != "metrics " || last["metrics"] != want {
		t.Errorf("%q, %s", types, last["metrics"])
	}
	hub.Push()
	if types, _ := drain(t, sub); types != "" {
		t.Errorf("nothing is new: %q", types)
	}
	c.now = noon + 10_000
	hub.Push()
	if _, last := drain(t, sub); !strings.HasSuffix(last["metrics"], `"open":false}`) {
		t.Errorf("the window closes: %s", last["metrics"])
	}
}

func TestAvailableAgainSaysHello(t *testing.T) {
	hub, _ := newHub()
	sub := subscribe(t, hub, 2)
	hub.SetAvailable(false, "away")
	hub.Apply([]event.Event{pageview(noon, 1, "/a")})
	hub.Push()
	if types, _ := drain(t, sub); types != "hello status " {
		t.Errorf("while it is away: %q", types)
	}
	hub.SetAvailable(true, "")
	types, last := drain(t, sub)
	if types != "status hello " || !strings.Contains(last["hello"], `"metrics":{"active_users":1,`) {
		t.Errorf("when it is back: %q, %s", types, last["hello"])
	}
}

func TestForgetAndReset(t *testing.T) {
	c := &clock{now: noon}
	hub := New(Options{Now: func() int64 { return c.now }, Given: true})
	hub.Apply([]event.Event{pageview(noon, 1, "/a")})
	c.now += 3_600_000
	hub.Push()
	if len(hub.sites) != 1 {
		t.Error("a given site was forgotten without being told to")
	}
	sub := subscribe(t, hub, 2)
	if !hub.Watched("site") || hub.Forget("site") {
		t.Error("a site that is watched was forgotten")
	}
	hub.Apply([]event.Event{pageview(c.now, 1, "/a")})
	hub.Reset("site")
	if m := *hub.Realtime("site", 2).Metrics; m != (Metrics{}) || !hub.Watched("site") {
		t.Errorf("after a reset: %+v", m)
	}
	sub.Close()
	if hub.Watched("site") || !hub.Forget("site") || len(hub.sites) != 0 || !hub.Forget("nobody") {
		t.Error("a site that nobody watches was not forgotten")
	}
}

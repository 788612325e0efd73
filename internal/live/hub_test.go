package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is a start of a minute.
const noon = 1_763_856_000_000

// clock is a hub's clock that the test moves.
type clock struct{ now int64 }

func newHub() (*Hub, *clock) {
	c := &clock{now: noon}
	return New(Options{Now: func() int64 { return c.now }}), c
}

func pageview(at int64, user uint64, page string) event.Event {
	return event.Event{
		WebsiteID: "site", Type: event.Pageview, Timestamp: at, SampleKey: user, Page: page, Title: "T" + page,
		Country: "DE", DeviceType: "mobile", Browser: "Firefox",
	}
}

func TestRealtime(t *testing.T) {
	hub, c := newHub()
	bot := pageview(noon-1000, 9, "/bot")
	bot.BotBand = 3
	custom := pageview(noon-2000, 1, "/a")
	custom.Type, custom.Name, custom.Session = event.Custom, "buy", &event.SessionInfo{Source: "Google", Events: 4}
	engaged := pageview(noon-3000, 3, "/a")
	engaged.Type = event.Engagement
	other := pageview(noon, 1, "/other")
	other.WebsiteID = "other"
	hub.Apply([]event.Event{
		pageview(noon-10*60_000, 1, "/a"), pageview(noon-10*60_000, 2, "/b"), custom, engaged, bot, other,
		pageview(noon-40*60_000, 4, "/late"), pageview(noon-31*60_000, 5, "/before"),
	})
	c.now = noon + 500
	got := hub.Realtime("site", 2)
	if len(got.Minutes) != 30 || got.Minutes[29].Start != noon || got.Minutes[0].Start != noon-29*60_000 {
		t.Fatalf("minutes: %+v", got.Minutes)
	}
	if m := got.Minutes[19]; m != (Minute{noon - 10*60_000, Metrics{2, 2, 2}}) {
		t.Errorf("minute ten ago: %+v", m)
	}
	text, err := json.Marshal(struct {
		Current *int64
		Metrics *Metrics
		Top     *Top
	}{got.CurrentVisitors, got.Metrics, got.Top})
	want := `{"Current":2,"Metrics":{"active_users":2,"pageviews":2,"events":3},` +
		`"Top":{"pages":[{"value":"/a","visitors":1},{"value":"/b","visitors":1}],` +
		`"sources":[{"value":"Direct / None","visitors":2},{"value":"Google","visitors":1}],"countries":[{"value":"DE","visitors":2}]}}`
	if err != nil || string(text) != want {
		t.Errorf("got  %s\nwant %s (%v)", text, want, err)
	}
	if all := hub.Realtime("site", 4).Metrics; *all != (Metrics{3, 3, 4}) {
		t.Errorf("all bands: %+v", *all)
	}
}

func TestRealtimeOfAnUnknownSiteIsEmpty(t *testing.T) {
	hub, _ := newHub()
	got := hub.Realtime("nobody", 2)
	if len(got.Minutes) != 30 || *got.CurrentVisitors != 0 || *got.Metrics != (Metrics{}) || got.Top.Pages == nil || !got.Available {
		t.Errorf("got %+v", got)
	}
	hub.SetAvailable(false, "the store is away")
	text, err := json.Marshal(hub.Realtime("nobody", 2))
	want := `{"site_id":"nobody","now":1763856000000,"current_visitors":null,"minutes":null,"metrics":null,"top":null,"available":false}`
	if err != nil || string(text) != want {
		t.Errorf("unavailable: %s, %v", text, err)
	}
}

// drain returns the messages that wait, by type, and the order of types.
func drain(t *testing.T, sub *Subscription) (types string, last map[string]string) {
	t.Helper()
	last = map[string]string{}
	for {
		select {
		case text, ok := <-sub.Messages():
			if !ok {
				return types + "closed", last
			}
			var m struct{ Type string }
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatalf("message %s: %v", text, err)
			}
			types += m.Type + " "
			last[m.Type] = string(text)
		default:
			return types, last
		}
	}
}

func subscribe(t *testing.T, hub *Hub, threshold uint8) *Subscription {
	t.Helper()
	sub, err := hub.Subscribe("site", threshold)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Close)
	return sub
}

func TestMessages(t *testing.T) {
	hub, c := newHub()
	hub.Apply([]event.Event{pageview(noon-5*60_000, 1, "/a")})
	sub := subscribe(t, hub, 2)
	expect := func(step, want string) map[string]string {
		t.Helper()
		types, last := drain(t, sub)
		if strings.TrimSpace(types) != want {
			t.Errorf("%s: got %q, want %q", step, types, want)
		}
		return last
	}
	hello := expect("at once", "hello")["hello"]
	if !strings.HasPrefix(hello, `{"type":"hello","now":1763856000000,"realtime":{"site_id":"site","now":1763856000000,"current_visitors":0,"minutes":[{"start":1763854260000,"active_users":0,`) {
		t.Errorf("hello: %s", hello)
	}

	hub.Push()
	expect("nothing new", "")

	c.now += 1500
	hub.Apply([]event.Event{pageview(noon+1000, 1, "/a"), pageview(noon+1001, 2, "/b")})
	hub.Push()
	last := expect("two events", "metrics minute current totals event event")
	for kind, want := range map[string]string{
		"metrics": `{"type":"metrics","start":1763856000000,"pageviews":2,"events":2,"active_visitors":2,"open":true}`,
		"minute":  `{"type":"minute","start":1763856000000,"active_users":2,"pageviews":2,"events":2}`,
		"current": `{"type":"current","visitors":2}`,
		"totals": `{"type":"totals","active_users":2,"pageviews":3,"events":3,"top":{"pages":[{"value":"/a","visitors":1},{"value":"/b","visitors":1}],` +
			`"sources":[{"value":"Direct / None","visitors":2}],"countries":[{"value":"DE","visitors":2}]}}`,
		"event": `{"type":"event","timestamp":1763856001001,"event_type":"pageview","name":"","page":"/b","title":"T/b","country":"DE","source":"","device_type":"mobile","browser":"Firefox","visit_events":1}`,
	} {
		if last[kind] != want {
			t.Errorf("%s:\ngot  %s\nwant %s", kind, last[kind], want)
		}
	}

	c.now = noon + 10_000
	hub.Push()
	if last := expect("the window closes", "metrics"); !strings.HasSuffix(last["metrics"], `"open":false}`) {
		t.Errorf("closing window: %s", last["metrics"])
	}
	c.now = noon + 12_000
	hub.Push()
	expect("current visitors after ten seconds", "current")
	c.now = noon + 60_000
	hub.Push()
	expect("a minute begins", "minute current")
	c.now = noon + 6*60_000
	hub.Push()
	if last := expect("visitors leave", "minute current"); last["current"] != `{"type":"current","visitors":0}` {
		t.Errorf("current: %s", last["current"])
	}
	hub.SetAvailable(false, "away")
	hub.SetAvailable(false, "away")
	if last := expect("unavailable", "status"); last["status"] != `{"type":"status","available":false,"reason":"away"}` {
		t.Errorf("status: %s", last["status"])
	}
}

// TestThresholds: one event of a bot is not sent to those who count people only, nor does it move their numbers.
func TestThresholds(t *testing.T) {
	hub, _ := newHub()
	people, all := subscribe(t, hub, 2), subscribe(t, hub, 4)
	drain(t, people)
	drain(t, all)
	bot := pageview(noon, 1, "/")
	bot.BotBand = 2
	hub.Apply([]event.Event{bot})
	hub.Push()
	if types, last := drain(t, people); types != "metrics minute " || !strings.Contains(last["metrics"], `"events":0`) {
		t.Errorf("people: %q %v", types, last)
	}
	if types, _ := drain(t, all); types != "metrics minute current totals event " {
		t.Errorf("all: %q", types)
	}
}

func TestFeedSendsTheNewestTen(t *testing.T) {
	hub, _ := newHub()
	sub := subscribe(t, hub, 2)
	for i := range 100 {
		e := pageview(noon, uint64(i), fmt.Sprint("/", i))
		e.BotBand = uint8(i % 4)
		hub.Apply([]event.Event{e})
	}
	hub.Push()
	types, last := drain(t, sub)
	if n := strings.Count(types, "event "); n != 10 || !strings.Contains(last["event"], `"page":"/97"`) {
		t.Errorf("%d events, last %s", n, last["event"])
	}
}

func TestWaveOfLateEventsDoesNotEndAWatcher(t *testing.T) {
	hub, c := newHub()
	sub := subscribe(t, hub, 2)
	drain(t, sub)
	for at := noon - 34*60_000; at < noon; at += 5000 {
		hub.Apply([]event.Event{pageview(int64(at), 1, "/")})
	}
	sent := 0
	for range 30 {
		c.now += 100
		hub.Push()
		types, _ := drain(t, sub)
		if strings.Contains(types, "closed") {
			t.Fatalf("the watcher was ended: %v", sub.Err())
		}
		sent += strings.Count(types, "metrics")
	}
	if sent != 34*6 {
		t.Errorf("%d windows were sent", sent)
	}
}

func TestSlowWatcherIsEndedAndDelaysNobody(t *testing.T) {
	hub, c := newHub()
	slow, quick := subscribe(t, hub, 2), subscribe(t, hub, 2)
	for i := range 100 {
		c.now += 1000
		hub.Apply([]event.Event{pageview(c.now, uint64(i), "/")})
		hub.Push()
		if types, _ := drain(t, quick); strings.Contains(types, "closed") {
			t.Fatalf("the quick watcher was ended: %v", quick.Err())
		}
	}
	types, _ := drain(t, slow)
	if !strings.HasSuffix(types, "closed") || !errors.Is(slow.Err(), ErrTooSlow) {
		t.Errorf("the slow watcher: %q, %v", types, slow.Err())
	}
}

// events is a Source.
type events []event.Event

func (s events) Recent(_ context.Context, from int64, yield func(*event.Event)) error {
	for i := range s {
		if s[i].Timestamp >= from {
			yield(&s[i])
		}
	}
	return nil
}

func TestRestoreEqualsHavingBeenThere(t *testing.T) {
	stored := events{pageview(noon-34*60_000, 1, "/"), pageview(noon-60_000, 1, "/a"), pageview(noon-1, 2, "/b"), pageview(noon-3_600_000, 3, "/old")}
	there, _ := newHub()
	there.Apply(stored)
	restored, _ := newHub()
	if err := restored.Restore(context.Background(), stored); err != nil {
		t.Fatal(err)
	}
	a, errA := json.Marshal(there.Realtime("site", 2))
	b, errB := json.Marshal(restored.Realtime("site", 2))
	if string(a) != string(b) || errA != nil || errB != nil {
		t.Errorf("restored %s\nwant     %s", b, a)
	}
}

func TestRunEndsSubscriptions(t *testing.T) {
	hub := New(Options{Tick: time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- hub.Run(ctx) }()
	sub := subscribe(t, hub, 2)
	hub.Apply([]event.Event{pageview(time.Now().UnixMilli(), 1, "/")})
	for text := range sub.Messages() {
		if strings.Contains(string(text), `"type":"totals"`) {
			break
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	for range sub.Messages() { // ends, since the channel is closed
	}
	if _, err := hub.Subscribe("site", 2); !errors.Is(sub.Err(), ErrClosed) || !errors.Is(err, ErrClosed) {
		t.Errorf("subscription: %v; after the end: %v", sub.Err(), err)
	}
}

func TestSitesWithoutTrafficAreForgotten(t *testing.T) {
	hub, c := newHub()
	hub.Apply([]event.Event{pageview(noon, 1, "/")})
	hub.Push()
	if len(hub.sites) != 1 {
		t.Fatalf("%d sites", len(hub.sites))
	}
	c.now += 37 * 60_000
	hub.Push()
	if len(hub.sites) != 0 {
		t.Errorf("%d sites are held", len(hub.sites))
	}
}

package redis

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

func TestEntry(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var n entry
	var positions []int64
	var want []event.Event
	at := r.Int64N(1 << 40)
	for range 50 {
		at += 1 + r.Int64N(1<<14)
		e := event.Event{
			WebsiteID: "other", Type: event.Pageview, Timestamp: r.Int64(), SampleKey: r.Uint64(), Page: "/ö", UserID: "left out",
			BotScore: 60, BotBand: 2, ScrollDepth: event.NoScroll,
		}
		if r.IntN(2) == 0 {
			e.Session = &event.SessionInfo{StartedAt: 1, EntryPage: "left out", Events: 3, Source: "Google"}
		}
		n.add(at, &e)
		positions = append(positions, at)
		e.WebsiteID, e.UserID = "site", ""
		if e.Session != nil {
			e.Session = &event.SessionInfo{Events: 3, Source: "Google"}
		}
		want = append(want, e)
	}
	for _, skip := range []int{0, 1, 30, 49} {
		var got []event.Event
		err := readEntry(string(n.body), "site", positions[skip], func(e *event.Event) { got = append(got, *e) })
		if err != nil || !reflect.DeepEqual(got, want[skip:]) {
			t.Errorf("from event %d: %d events, %v", skip, len(got), err)
		}
	}
	if err := readEntry(string(n.body), "site", n.last+1, func(*event.Event) { t.Error("an event that was taken before") }); err != nil {
		t.Error(err)
	}
}

func TestIDs(t *testing.T) {
	for _, position := range []int64{0, 1, 4095, 4096, 1<<52 + 17} {
		if got, err := behindOf(id(position)); got != position || err != nil {
			t.Errorf("%d: %s, %d, %v", position, id(position), got, err)
		}
	}
	if id(1) == "0-0" {
		t.Error("the first entry has the id that no stream takes")
	}
	for _, bad := range []string{"", "1", "a-b", "1-"} {
		if _, err := behindOf(bad); err == nil {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}

func TestReadStatus(t *testing.T) {
	const now = 1_000_000
	full := map[string]string{"n/events": "2", "n/metrics": "1", "events/0": "999000", "events/1": "990000", "metrics/0": "985000"}
	since := map[string]string{"since/events/0": "a", "since/events/1": "b"}
	without := func(m map[string]string, key, value string) map[string]string {
		out := map[string]string{}
		for k, v := range m {
			out[k] = v
		}
		if delete(out, key); value != "" {
			out[key] = value
		}
		return out
	}
	for _, c := range []struct {
		name             string
		status, position map[string]string
		ready            bool
	}{
		{"all", full, since, true},
		{"empty", nil, nil, false},
		{"a partition is missing", without(full, "events/1", ""), since, false},
		{"a partition is old", without(full, "metrics/0", "984999"), since, false},
		{"no number of partitions", without(full, "n/metrics", ""), since, false},
		{"no partitions", without(full, "n/events", "0"), since, false},
		{"a partition has no generation", full, without(since, "since/events/1", ""), false},
	} {
		got := readStatus(c.status, c.position, now)
		if got.ready != c.ready || got.ready == (got.reason != "") || got.ready != (got.generation != "") {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	other := readStatus(full, without(since, "since/events/1", "c"), now)
	if same := readStatus(full, since, now); other.generation == same.generation || same.partitions != 2 {
		t.Errorf("generations %q and %q, %d partitions", other.generation, same.generation, same.partitions)
	}
}

func FuzzReadEntry(f *testing.F) {
	var n entry
	n.add(7, &event.Event{Type: event.Pageview, Timestamp: 1, Page: "/"})
	n.add(9, &event.Event{Type: event.Custom, Timestamp: 2, Session: &event.SessionInfo{Source: "x"}})
	f.Add(string(n.body))
	f.Add(string(n.body[:len(n.body)-3]))
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Fuzz(func(t *testing.T, body string) {
		events := 0
		_ = readEntry(body, "site", 0, func(e *event.Event) {
			if events++; e.WebsiteID != "site" || int(e.BotBand) >= event.Bands {
				t.Errorf("event %+v", e)
			}
		})
		if events > len(body) {
			t.Errorf("%d events in %d bytes", events, len(body))
		}
	})
}

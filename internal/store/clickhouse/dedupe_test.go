package clickhouse

import (
	"context"
	"fmt"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

func TestDedupe(t *testing.T) {
	s := openTest(t)
	ctx := context.Background()
	const at, week = 1_750_000_000_000, event.LateLimitMillis
	one := func(n byte, received int64) event.Event {
		return event.Event{ID: event.UUID{n, 15: n}, WebsiteID: "s", Type: event.Pageview, Timestamp: received - 5, ReceivedAt: received, UserID: "u", SessionID: "u", ScrollDepth: event.NoScroll}
	}
	if err := s.InsertEvents(ctx, "stream", []event.Event{one(1, at)}, Provenance{"events", 0, []int64{500}}); err != nil {
		t.Fatal(err)
	}
	w := s.Writer(WriterOptions{})
	d := w.Dedupe()
	key := func(n byte, offset, received int64) event.DedupeKey {
		return event.DedupeKey{WebsiteID: "s", EventID: event.UUID{n, 15: n}, Offset: offset, ReceivedAt: received}
	}
	f := func(want string, keys ...event.DedupeKey) {
		t.Helper()
		got, err := d.Resolve(ctx, keys)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("got %v, %v; want %s", got, err, want)
		}
	}
	f("[]")
	f("[true true false false]", key(1, 0, at+week), key(1, 1, at-week), key(1, 2, at+week+1), key(9, 3, at)) // of one that came by the stream
	f("[false true false]", key(2, 10, at), key(2, 11, at+1), key(3, 12, at))                                 // twice in one call
	f("[false true true]", key(2, 10, at), key(2, 11, at+1), key(3, 13, at))                                  // again, and one that is not stored yet
	f("[true false]", key(2, 11, at+1), key(2, 10, at))                                                       // whatever the order
	other := key(2, 11, at)
	other.WebsiteID = "other"
	f("[false]", other)
	batch := &store.Batch{Events: []event.Event{one(2, at), one(3, at)}, Offsets: []int64{10, 12}, Next: 14}
	if err := w.Commit(ctx, batch); err != nil {
		t.Fatal(err)
	}
	f("[false true false true]", key(2, 10, at), key(2, 11, at), key(3, 12, at), key(3, 20, at)) // stored: not a duplicate of itself
	if len(d.recent) != 0 {
		t.Errorf("%d ids are remembered behind the store", len(d.recent))
	}
	d = s.Writer(WriterOptions{Partition: 1}).Dedupe() // for another partition they came another way
	f("[true]", key(3, 5, at))
}

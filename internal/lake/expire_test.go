package lake

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/object"
)

// TestExpire: files of days before the time go, as often as it is called and however many there are; all else stays.
func TestExpire(t *testing.T) {
	ctx, store := t.Context(), object.Folder(t.TempDir())
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	put := func(key string) string {
		if err := store.Put(ctx, key, bytes.NewReader(nil), 0); err != nil {
			t.Fatal(err)
		}
		return key
	}
	for i := range expireAtOnce + 100 {
		put(fileKey(day.AddDate(0, 0, -1-i%20).UnixMilli(), fmt.Sprint("events-0-", i)))
	}
	stay := map[string]bool{put(fileKey(day.UnixMilli(), "events-0-7")): true, put("erasures/2026-01-01.json"): true, put("events/notes"): true, put("events/2025-01-01/notes"): true}
	for _, want := range []int{expireAtOnce + 100, 0} {
		if n, err := Expire(ctx, store, day.Add(time.Hour)); n != want || err != nil {
			t.Fatalf("%d files went, %v; want %d", n, err, want)
		}
	}
	err := store.List(ctx, "", func(o object.Object) error {
		if !stay[o.Key] {
			t.Errorf("%q has stayed", o.Key)
		}
		delete(stay, o.Key)
		return nil
	})
	if err != nil || len(stay) > 0 {
		t.Errorf("%v; %v went", err, stay)
	}
	ended, end := context.WithCancel(ctx)
	end()
	if _, err := Expire(ended, store, day.AddDate(1, 0, 0)); err == nil {
		t.Error("it goes on without a context")
	}
}

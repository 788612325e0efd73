package enrich

import (
	"math"
	"testing"
)

func TestEventTime(t *testing.T) {
	const now = 1_763_856_000_000
	f := func(name string, timestamp, sentAt, want int64, wantAhead bool) {
		t.Helper()
		if got, ahead := EventTime(timestamp, sentAt, now); got != want || ahead != wantAhead {
			t.Errorf("%s: got %d, %v; want %d, %v", name, got-now, ahead, want-now, wantAhead)
		}
	}
	f("none sent", 0, 0, now, false)
	f("negative", -5, 0, now, false)
	f("plain", now-500, 0, now-500, false)
	f("small skew stays", now-500, now-10_000, now-500, false)
	f("clock behind", now-60_000, now-50_000, now-10_000, false)
	f("clock ahead, corrected", now+3_600_000-7_000, now+3_600_000, now-7_000, false)
	f("skew just over", now-500, now+10_001, now-10_501, false)
	f("ahead a little", now+300_000, 0, now, false)
	f("ahead much", now+300_001, 0, now, true)
	f("ahead after correction", now+900_000, now+60_000, now, true)
	f("queued offline for a day", now-86_400_000, now-200, now-86_400_000, false)
	f("hostile timestamp", math.MaxInt64, 1, now, true)
	f("hostile sent_at", now, math.MaxInt64, 2*now-math.MaxInt64, false)
	f("negative sent_at means none", now-1, math.MinInt64, now-1, false)
}

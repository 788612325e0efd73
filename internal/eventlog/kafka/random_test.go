package kafka

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/logtest"
)

// TestRandomReads: whatever order many readers of one partition read in, each gets what stands there.
func TestRandomReads(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	l := openLog(t, 1, Options{FetchBytes: 2000, Codec: "none"}, eventlog.RawEvents)
	number := 0
	for range 150 {
		values := make([]string, r.IntN(5)+1)
		for i := range values {
			values[i] = fmt.Sprint(number, " ", strings.Repeat("x", r.IntN(300)))
			number++
		}
		appendTo(t, l, eventlog.RawEvents, "", values...)
	}
	all := logtest.Entries(t, l, 0, 1<<20)
	if len(all) != number {
		t.Fatalf("%d entries, want %d", len(all), number)
	}
	var wg sync.WaitGroup
	for reader := range 6 {
		random := rand.New(rand.NewPCG(seed, uint64(reader+2)))
		wg.Go(func() {
			at := 0
			for range 150 {
				at = readSome(t, l, all, at, random)
			}
		})
	}
	wg.Wait()
}

// readSome reads at entry number at, from one of the offsets that lead to it, and returns where to read next: mostly behind.
func readSome(t *testing.T, l *Log, all []eventlog.Entry, at int, r *rand.Rand) int {
	offset := int64(0)
	switch {
	case at < len(all) && r.IntN(2) == 0:
		offset = all[at].Offset
	case at > 0:
		offset = all[at-1].Offset + 1
	}
	if at < len(all) && r.IntN(4) == 0 {
		if err := l.Wait(t.Context(), eventlog.RawEvents, 0, offset); err != nil {
			t.Errorf("wait at %d: %v", offset, err)
		}
	}
	got, err := l.Read(t.Context(), eventlog.RawEvents, 0, offset, r.IntN(3000))
	if err != nil || len(got) == 0 && at < len(all) || len(got) > len(all)-at {
		t.Errorf("read at %d: %d entries, %v; %d are there", offset, len(got), err, len(all)-at)
		return 0
	}
	for i, e := range got {
		if want := all[at+i]; e.Offset != want.Offset || string(e.Value) != string(want.Value) {
			t.Errorf("read at %d: entry %d is %d %.20q, want %d %.20q", offset, i, e.Offset, e.Value, want.Offset, want.Value)
			return 0
		}
	}
	if r.IntN(5) == 0 {
		return r.IntN(len(all) + 1)
	}
	return at + len(got)
}

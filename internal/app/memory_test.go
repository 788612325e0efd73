package app

import "testing"

func TestMemoryState(t *testing.T) {
	before, _ := memoryState()
	garbage := make([]byte, 64<<20)
	_, spare := memoryState()
	if garbage[0] != 0 || spare < 32<<20 {
		t.Errorf("%d bytes are to spare with 64 MiB of garbage", spare)
	}
	if after, _ := memoryState(); after < before {
		t.Errorf("%d collections, %d before", after, before)
	}
}

// The program works on after its code was taken out of memory.
func TestDropPages(t *testing.T) {
	dropPages()
	if _, spare := memoryState(); spare == 0 {
		t.Error("nothing is to spare")
	}
}

// The limit is above what is alive, however much that is.
func TestMemoryLimit(t *testing.T) {
	for live, want := range map[int64]int64{0: goMemory + slackBytes, 100 << 20: goMemory + slackBytes, 1 << 30: 3 << 29} {
		if got := memoryLimit(live); got != want {
			t.Errorf("%d bytes are alive: the limit is %d, want %d", live, got, want)
		}
	}
}

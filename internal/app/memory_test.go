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

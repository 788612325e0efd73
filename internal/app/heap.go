package app

import "runtime"

// slackBytes is how much garbage may gather beyond what the collector would let.
const slackBytes = 32 << 20

// heapSlack keeps the garbage collector from running several times a second. It runs when the live heap has doubled, and that of
// a door under load is a few megabytes. This much memory that is never touched, and so never resident, counts as live: the
// process grows by that much at most, however large its heap, where a higher GOGC would multiply the heap of large queries.
type heapSlack struct{ untouched []byte }

func (s *heapSlack) take() { s.untouched = make([]byte, slackBytes) }

func (s *heapSlack) drop() {
	runtime.KeepAlive(s.untouched)
	s.untouched = nil
}

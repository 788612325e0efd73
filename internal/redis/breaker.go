package redis

import (
	"sync"
	"time"
)

const (
	// maxFailed is how many questions in a row may fail before no more are asked.
	maxFailed = 3
	// rest is how long no more are asked; then one is, to see.
	rest = time.Second
)

// Breaker keeps callers from waiting, each for itself, for a Redis that does not answer. The zero value lets them ask. It is safe for
// concurrent use.
type Breaker struct {
	mu     sync.Mutex
	failed int
	until  time.Time // while open: when one may try
}

// Allow reports whether a question may be asked. Each one that is should be followed by Done.
func (b *Breaker) Allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed < maxFailed {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(rest) // this one tries; the others go on without
	return true
}

// Done tells how a question ended.
func (b *Breaker) Done(now time.Time, answered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answered {
		b.failed = 0
		return
	}
	if b.failed++; b.failed >= maxFailed {
		b.until = now.Add(rest)
	}
}

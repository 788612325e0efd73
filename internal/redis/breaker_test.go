package redis

import (
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	var b Breaker
	now := time.Unix(1000, 0)
	for i := range maxFailed {
		if !b.Allow(now) {
			t.Fatalf("question %d is not allowed", i)
		}
		b.Done(now, false)
	}
	if b.Allow(now.Add(rest - 1)) {
		t.Error("a question is allowed while it rests")
	}
	if !b.Allow(now.Add(rest)) || b.Allow(now.Add(rest)) {
		t.Error("not exactly one question is allowed after the rest")
	}
	b.Done(now.Add(rest), false)
	if b.Allow(now.Add(2*rest - 1)) {
		t.Error("it does not rest again")
	}
	if !b.Allow(now.Add(2 * rest)) {
		t.Error("no second try")
	}
	b.Done(now.Add(2*rest), true)
	for range 2 {
		if !b.Allow(now.Add(2 * rest)) {
			t.Error("it rests after an answer")
		}
	}
}

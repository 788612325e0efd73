package account

import (
	"container/list"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

const (
	maxTries    = 10
	triesWindow = 15 * time.Minute
	// maxTracked bounds the memory of tries: about 200 bytes each. Beyond it the pair tried longest ago is forgotten.
	maxTracked = 50_000
)

// tries counts the wrong logins of each pair of email and address. A try counts from its start, so that tries at the same
// time cannot slip past the limit together.
type tries struct {
	mu    sync.Mutex
	pairs map[tryKey]*list.Element // of *tryPair
	order *list.List               // last tried first
}

type tryKey [sha256.Size]byte

// tryPair holds the times of the tries that count, oldest first.
type tryPair struct {
	key   tryKey
	times []time.Time
}

// tryAttempt names one try.
type tryAttempt struct {
	key tryKey
	at  time.Time
}

func newTries() *tries { return &tries{pairs: map[tryKey]*list.Element{}, order: list.New()} }

// start counts a try, or refuses it with a TooManyError.
func (t *tries) start(email, address string, now time.Time) (tryAttempt, error) {
	key := tryKey(sha256.Sum256([]byte(email + "\x00" + network(address))))
	t.mu.Lock()
	defer t.mu.Unlock()
	pair := t.touch(key)
	for len(pair.times) > 0 && now.Sub(pair.times[0]) >= triesWindow {
		pair.times = pair.times[1:]
	}
	if len(pair.times) >= maxTries {
		return tryAttempt{}, &TooManyError{RetryAfter: triesWindow - now.Sub(pair.times[0])}
	}
	pair.times = append(pair.times, now)
	return tryAttempt{key, now}, nil
}

// touch returns the pair of key as the last tried, made when missing.
func (t *tries) touch(key tryKey) *tryPair {
	if element, ok := t.pairs[key]; ok {
		t.order.MoveToFront(element)
		return element.Value.(*tryPair)
	}
	if t.order.Len() >= maxTracked {
		oldest := t.order.Remove(t.order.Back()).(*tryPair)
		delete(t.pairs, oldest.key)
	}
	pair := &tryPair{key: key}
	t.pairs[key] = t.order.PushFront(pair)
	return pair
}

// succeed forgets all tries of the attempt's pair: the right password was given.
func (t *tries) succeed(attempt tryAttempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if element, ok := t.pairs[attempt.key]; ok {
		t.order.Remove(element)
		delete(t.pairs, attempt.key)
	}
}

// forget takes back one try.
func (t *tries) forget(attempt tryAttempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	element, ok := t.pairs[attempt.key]
	if !ok {
		return
	}
	pair := element.Value.(*tryPair)
	for i, at := range pair.times {
		if at.Equal(attempt.at) {
			pair.times = append(pair.times[:i:i], pair.times[i+1:]...)
			return
		}
	}
}

// network is what counts as one address: the holder of an IPv6 /64 has 2^64 of them.
func network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, _ := addr.Prefix(64) // 64 bits fit any IPv6 address
	return prefix.String()
}

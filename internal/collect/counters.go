package collect

import (
	"sync"
	"sync/atomic"
	"time"
)

// Counters are totals since start, for operators. They may be read at any time.
type Counters struct {
	Requests      atomic.Int64
	Bytes         atomic.Int64 // of bodies, as sent
	Received      atomic.Int64 // events
	Accepted      atomic.Int64 // events in the log
	Unreadable    atomic.Int64 // bodies answered 400
	TooLarge      atomic.Int64 // requests answered 413
	Limited       atomic.Int64 // requests answered 429
	Unavailable   atomic.Int64 // requests answered 503
	SaltErrors    atomic.Int64 // tries to write the salts that failed
	Appends       atomic.Int64
	AppendMicros  atomic.Int64 // sum over all appends
	AppendLatency [len(latencyBounds) + 1]atomic.Int64

	mu      sync.Mutex
	reasons map[string]int64
}

// latencyBounds are the upper bounds of AppendLatency's buckets; the last bucket has none.
var latencyBounds = [...]time.Duration{time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond, time.Second}

// LatencyBounds returns the upper bounds of AppendLatency's buckets but the last.
func LatencyBounds() []time.Duration { return append([]time.Duration(nil), latencyBounds[:]...) }

func (c *Counters) appended(took time.Duration) {
	c.Appends.Add(1)
	c.AppendMicros.Add(took.Microseconds())
	at := 0
	for at < len(latencyBounds) && took > latencyBounds[at] {
		at++
	}
	c.AppendLatency[at].Add(1)
}

// refused counts events by reason, which is "filtered:..." or "failed:...".
func (c *Counters) refused(outcome, reason string, n int64) {
	if len(reason) > 40 {
		reason = reason[:40]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reasons == nil {
		c.reasons = map[string]int64{}
	}
	c.reasons[outcome+":"+reason] += n
}

// Refused returns the number of events by reason, as "filtered:dnt" or "failed:missing_type".
func (c *Counters) Refused() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]int64, len(c.reasons))
	for reason, n := range c.reasons {
		out[reason] = n
	}
	return out
}

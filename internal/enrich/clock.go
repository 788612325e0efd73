package enrich

import (
	"math"

	"github.com/footfall-analytics/footfall/internal/event"
)

// EventTime returns the event time for a timestamp of the client, all in milliseconds: corrected by the difference of
// the clocks where that exceeds event.ClockSkewMillis, and never later than receivedAt. ahead reports that even the
// corrected time was more than event.ClockAheadMillis ahead. A timestamp or sentAt of 0 or less means "not sent".
func EventTime(timestamp, sentAt, receivedAt int64) (t int64, ahead bool) {
	if timestamp <= 0 {
		return receivedAt, false
	}
	if skew := receivedAt - sentAt; sentAt > 0 && (skew > event.ClockSkewMillis || skew < -event.ClockSkewMillis) {
		timestamp = addSaturated(timestamp, skew)
	}
	if timestamp <= receivedAt {
		return timestamp, false
	}
	return receivedAt, timestamp-receivedAt > event.ClockAheadMillis
}

// addSaturated returns a+b for a > 0, at most math.MaxInt64.
func addSaturated(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

package batch

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// Range is a run of whole days, UTC, half open.
type Range struct{ From, To time.Time }

// Days returns the range from one date to another, both included.
func Days(first, last time.Time) (Range, error) {
	r := Range{first.UTC().Truncate(day), last.UTC().Truncate(day).Add(day)}
	if !r.From.Before(r.To) {
		return Range{}, fmt.Errorf("cannot use the days from %s to %s: the last is before the first", first.Format(time.DateOnly), last.Format(time.DateOnly))
	}
	return r, nil
}

// Each returns the starts of the days.
func (r Range) Each() (days []time.Time) {
	for d := r.From; d.Before(r.To); d = d.Add(day) {
		days = append(days, d)
	}
	return days
}

// Last returns the start of the last day.
func (r Range) Last() time.Time { return r.To.Add(-day) }

// String returns the first and the last day.
func (r Range) String() string {
	return r.From.Format(time.DateOnly) + ".." + r.Last().Format(time.DateOnly)
}

package query

import (
	"fmt"
	"time"
)

// The time dimensions. timeAuto becomes one of the others by the length of the range.
const (
	timeAuto   = "time"
	timeMinute = "time:minute"
	timeHour   = "time:hour"
	timeDay    = "time:day"
	timeWeek   = "time:week"
	timeMonth  = "time:month"
)

var intervals = []string{timeAuto, timeMinute, timeHour, timeDay, timeWeek, timeMonth}

// maxBuckets bounds the rows of a graph.
const maxBuckets = 20_000

// autoInterval is the interval of the dimension "time".
func autoInterval(s span) string {
	switch length := s.to - s.from; {
	case length <= 2*dayMillis+2*60*60*1000: // two days, one of them with 25 hours
		return timeHour
	case length <= 92*dayMillis:
		return timeDay
	}
	return timeMonth
}

// buckets cuts s at the interval's edges. edges has one more item than labels: the last is the end of s. Labels are
// local: dates, or date-times for hours and minutes; an hour that the clock repeats makes two buckets of one label.
func (c calendar) buckets(interval string, s span) (edges []int64, labels []string, err error) {
	if interval == timeMinute && s.to-s.from > dayMillis+60*60*1000 {
		return nil, nil, invalid("dimensions", "time:minute takes ranges of up to 24 hours")
	}
	for at := s.from; at < s.to; {
		if len(edges) == maxBuckets {
			return nil, nil, invalid("dimensions", "the range has more than %d buckets of %s", maxBuckets, interval)
		}
		next, label := c.bucket(interval, at)
		if next <= at {
			return nil, nil, fmt.Errorf("BUG: the bucket of %s at %d does not end", interval, at)
		}
		edges, labels = append(edges, at), append(labels, label)
		at = next
	}
	return append(edges, s.to), labels, nil
}

// bucket returns the end and label of the bucket that ms lies in.
func (c calendar) bucket(interval string, ms int64) (next int64, label string) {
	d := c.dateOf(ms)
	switch interval {
	case timeDay:
		return c.after(d, ms), d.utc().Format(dateForm)
	case timeWeek: // as the first week of a range may be cut, its label is the first day that is in the range
		return c.start(d.monday().plus(0, 7)), d.utc().Format(dateForm)
	case timeMonth:
		return c.start(d.first().plus(1, 0)), d.first().utc().Format(dateForm)
	}
	step := time.Minute
	if interval == timeHour {
		step = time.Hour
	}
	local := c.at(ms)
	_, offset := local.Zone()
	into := (ms + int64(offset)*1000) % step.Milliseconds() // since the local full hour
	label = time.UnixMilli(ms + int64(offset)*1000 - into).UTC().Format("2006-01-02 15:04:05")
	return c.clipJump(local, ms+step.Milliseconds()-into), label
}

// after returns the start of the day behind d. A zone that repeats a midnight has instants of d in the next day's span.
func (c calendar) after(d date, ms int64) int64 {
	for n := 1; ; n++ {
		if next := c.start(d.plus(0, n)); next > ms {
			return next
		}
	}
}

// clipJump ends a bucket at a change of the offset by a part of an hour, so that the next starts on a full local hour.
func (c calendar) clipJump(local time.Time, next int64) int64 {
	_, jump := local.ZoneBounds()
	if jump.IsZero() || jump.UnixMilli() >= next || jump.UnixMilli() <= local.UnixMilli() {
		return next
	}
	_, before := local.Zone()
	_, after := jump.Zone()
	if (after-before)%3600 == 0 {
		return next
	}
	return jump.UnixMilli()
}

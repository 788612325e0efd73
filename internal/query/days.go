package query

import "time"

// DayEdges returns the starts of the days of a zone that meet [from, to), and behind them the end of the last one: what
// a builder of daily rollups cuts by, equal to the buckets of time:day.
func DayEdges(loc *time.Location, from, to int64) []int64 {
	c := calendar{loc}
	at := c.start(c.dateOf(from))
	edges := []int64{at}
	for at < to {
		at = c.after(c.dateOf(at), at)
		edges = append(edges, at)
	}
	return edges
}

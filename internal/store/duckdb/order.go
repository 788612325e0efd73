package duckdb

import (
	"cmp"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
)

// orderFrom is the size from which a batch is put in order: a smaller one shares its row groups with others.
const orderFrom = 1024

// visitOrder returns the indexes of events in the order in which they are stored: by the time at which their visit began,
// so that equal values stand together and compress, and row groups stay short in time.
func visitOrder(events []event.Event) []int32 {
	order := make([]int32, len(events))
	for i := range order {
		order[i] = int32(i)
	}
	if len(events) < orderFrom {
		return order
	}
	began := visitStarts(events)
	slices.SortStableFunc(order, func(a, b int32) int {
		if c := cmp.Compare(began[a], began[b]); c != 0 {
			return c
		}
		return cmp.Compare(events[a].SampleKey, events[b].SampleKey)
	})
	return order
}

// visitStarts returns for each event the time of the first event of its visitor in the batch, at most an hour before.
func visitStarts(events []event.Event) []int64 {
	began := make([]int64, len(events))
	current := make(map[uint64]int64, len(events)/2)
	for i := range events {
		at := events[i].Timestamp
		start, ok := current[events[i].SampleKey]
		if !ok || at-start > hourMillis || at < start-hourMillis {
			start = at
			current[events[i].SampleKey] = at
		}
		began[i] = start
	}
	return began
}

// sortRollupKeys puts the rows of a dimension together, as they are read.
func sortRollupKeys(keys []rollupKey) {
	slices.SortFunc(keys, func(a, b rollupKey) int {
		return cmp.Or(cmp.Compare(a.dimension, b.dimension), cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.value, b.value), cmp.Compare(a.band, b.band))
	})
}

func sortDays(days []Day) {
	slices.SortFunc(days, func(a, b Day) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
}

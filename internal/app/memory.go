package app

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// goMemory is what the garbage collector aims to stay below, the store's own memory apart: it works harder near it, so that a
	// backlog does not double the process.
	goMemory = 200 << 20

	// restAfterStart is when a start is over.
	restAfterStart = time.Second
	// restEvery and restFrom: a process that has not collected for that long and could give that much back does so. By itself it
	// would keep what a backlog leaves behind for minutes.
	restEvery = 10 * time.Second
	// breatheEvery is how often the limit follows what is alive.
	breatheEvery = time.Second
	restFrom     = 8 << 20
)

// limitMemory sets the limit and returns whether it is ours: the owner's own GOMEMLIMIT stays as it is.
func limitMemory() bool {
	ours := debug.SetMemoryLimit(-1) == math.MaxInt64 // the runtime has read GOMEMLIMIT
	if ours {
		debug.SetMemoryLimit(memoryLimit(0))
	}
	return ours
}

// memoryLimit returns the limit for live bytes of heap. Where as much is alive as the process should have, the collector would run all
// the time and free nothing.
func memoryLimit(live int64) int64 { return max(goMemory+slackBytes, live+live/2) }

// breathe keeps the limit above what is alive until ctx ends.
func breathe(ctx context.Context) error {
	ticker := time.NewTicker(breatheEvery)
	defer ticker.Stop()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for last := int64(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		metrics.Read(sample)
		if limit := memoryLimit(int64(sample[0].Value.Uint64())); limit != last {
			debug.SetMemoryLimit(limit)
			last = limit
		}
	}
}

// rest gives memory back to the system when the start, or a busy time later, is over, until ctx ends.
func rest(ctx context.Context) error {
	timer := time.NewTimer(restAfterStart)
	defer timer.Stop()
	for first, collections := true, uint64(0); ; first = false {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now, spare := memoryState()
		quiet := now == collections && spare > restFrom
		if quiet {
			debug.FreeOSMemory()
			now, _ = memoryState()
		}
		if first || quiet {
			dropPages()
		}
		collections = now
		timer.Reset(restEvery)
	}
}

// memoryState returns how often memory has been collected, and how many bytes are garbage, as far as can be told, or free.
func memoryState() (collections, spare uint64) {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	objects, live := samples[1].Value.Uint64(), samples[2].Value.Uint64()
	return samples[0].Value.Uint64(), samples[3].Value.Uint64() + objects - min(live, objects)
}

package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	memoryTime   = 60 * time.Second
	memoryRate   = 5000 // events a second
	memoryBatch  = 20
	memoryPanels = 5 * time.Second // between two rounds of the overview
)

// benchMemory measures the resident memory at 5,000 events a second on a store of -events events (or what -data holds) while
// the overview is asked every 5 seconds.
func benchMemory() error {
	ops := freeAddr()
	s, err := startFootfall(*data, "FOOTFALL_OPS_LISTEN="+ops)
	if err != nil {
		return err
	}
	defer func() { s.stop() }()
	if *data == "" {
		if err := history(s, *events); err != nil {
			return err
		}
	}
	if err := drained(ops); err != nil {
		return err
	}
	if err := s.awaitRollups(); err != nil {
		return err
	}
	s.stop() // what filling has left behind is not to be measured
	again, err := startFootfall(s.dir, "FOOTFALL_OPS_LISTEN="+ops)
	if err != nil {
		return err
	}
	s = again
	time.Sleep(2 * time.Second)
	idle, _ := s.memory()
	var peak memoryPeak
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { peak.watch(s, ops, stop) })
	wg.Go(func() { peak.ask(s, stop) })
	r := send(s, "/v1/events", bodies(int(memoryTime.Seconds())*memoryRate/memoryBatch, memoryBatch, s.tracking), memoryBatch, 16, memoryRate/memoryBatch)
	close(stop)
	wg.Wait()
	if err := drained(ops); err != nil {
		return err
	}
	fmt.Printf("memory: %.0f MiB before, at most %.0f MiB resident (%.0f MiB of it its own, %.0f MiB Go's), mean %.0f MiB; %d events acknowledged in %v, p99 %v; %d panels answered, %d failed, slowest %v; data in %s\n",
		idle, peak.rss, peak.anon, peak.golang, peak.sum/float64(max(peak.samples, 1)), r.acked, r.wall.Round(time.Second), quantile(r.latencies, .99),
		peak.answered.Load(), peak.failed.Load(), time.Duration(peak.slowest.Load()).Round(time.Millisecond), s.dir)
	return nil
}

type memoryPeak struct {
	rss, anon, sum   float64
	golang           float64 // at the peak
	samples          int
	answered, failed atomic.Int64
	slowest          atomic.Int64 // ns
}

// watch looks each second.
func (p *memoryPeak) watch(s *server, ops string, stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		rss, anon := s.memory()
		if rss > p.rss {
			all, _ := metric(ops, "go_memstats_sys_bytes")
			released, _ := metric(ops, "go_memstats_heap_released_bytes")
			p.golang = (all - released) / (1 << 20)
		}
		p.rss, p.anon, p.sum = max(p.rss, rss), max(p.anon, anon), p.sum+rss
		p.samples++
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

// ask puts the panels of the overview side by side, as a browser does: 30 days and 7 days in turn.
func (p *memoryPeak) ask(s *server, stop <-chan struct{}) {
	tick := time.NewTicker(memoryPanels)
	defer tick.Stop()
	for round := 0; ; round++ {
		var wg sync.WaitGroup
		for _, panel := range panels {
			wg.Go(func() {
				begin := time.Now()
				if _, err := s.ask(panel, [...]string{"30d", "7d"}[round%2], 10+round); err != nil {
					p.failed.Add(1)
					return
				}
				p.answered.Add(1)
				p.slowest.Store(max(p.slowest.Load(), int64(time.Since(begin))))
			})
		}
		wg.Wait()
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// benchStart measures an empty directory: start to ready, and to the first accepted event.
func benchStart() error {
	for range 3 {
		dir, err := os.MkdirTemp("", "footfall-bench")
		if err != nil {
			return err
		}
		s, err := startFootfall(dir)
		if err != nil {
			return err
		}
		time.Sleep(2 * time.Second)
		rss, anon := s.memory()
		fmt.Printf("empty directory to ready %v; idle memory %.0f MiB resident, %.0f MiB of it its own\n", s.ready.Round(time.Millisecond), rss, anon)
		s.stop()
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// benchIngest puts the same load to a bare handler and to the door, in turn. The server runs the role collect only, so that
// work behind the answer is not counted.
func benchIngest() error {
	const single, batch = 60_000, 20
	floor, err := startBare()
	if err != nil {
		return err
	}
	defer floor.stop()
	ops := freeAddr()
	door, err := startDoor("FOOTFALL_OPS_LISTEN=" + ops)
	if err != nil {
		return err
	}
	defer door.stop()
	if *prof != "" {
		if err := profile(ops, door, single); err != nil {
			return err
		}
	}
	for round := range 3 {
		a := send(floor, "/v1/events", bodies(single, 1, door.tracking), 1, 64, 0)
		b := send(door, "/v1/events", bodies(single, 1, door.tracking), 1, 64, 0)
		fmt.Printf("one event a request: bare %.1f us CPU, footfall %.1f us CPU an event, ratio %.2f (%d acknowledged, %.0f/s)\n",
			a.cpuPerEvent(), b.cpuPerEvent(), b.cpuPerEvent()/a.cpuPerEvent(), b.acked, float64(b.acked)/b.wall.Seconds())
		c := send(door, "/v1/events", bodies(15_000, batch, door.tracking), batch, 64, 0)
		fmt.Printf("batches of %d: %.1f us CPU an event (%.0f events/s) in round %d\n", batch, c.cpuPerEvent(), float64(c.acked)/c.wall.Seconds(), round+1)
	}
	return nil
}

// startDoor makes a site with the whole binary, then runs the door alone on the same directory.
func startDoor(environ ...string) (*server, error) {
	whole, err := startFootfall("")
	if err != nil {
		return nil, err
	}
	whole.stop()
	return startFootfall(whole.dir, append(environ, "FOOTFALL_ROLES=collect")...)
}

// profile writes a CPU profile of the door under single events.
func profile(ops string, door *server, events int) error {
	const seconds = 5
	taken := make(chan error, 1)
	go func() {
		resp, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", ops, seconds))
		if err != nil {
			taken <- err
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil {
			err = os.WriteFile(*prof, text, 0o600)
		}
		taken <- err
	}()
	for {
		send(door, "/v1/events", bodies(events/4, 1, door.tracking), 1, 64, 0)
		select {
		case err := <-taken:
			return err
		default:
		}
	}
}

// benchLatency paces single events and prints how long the durable answer took, from when each was due.
func benchLatency() error {
	s, err := startFootfall("")
	if err != nil {
		return err
	}
	defer s.stop()
	r := send(s, "/v1/events", bodies(40_000, 1, s.tracking), 1, 256, 2000)
	fmt.Printf("2,000 events/s: p50 %v, p99 %v, p99.9 %v (%d acknowledged); CPU %.1f us an event with all processing\n",
		quantile(r.latencies, .5), quantile(r.latencies, .99), quantile(r.latencies, .999), r.acked, r.cpuPerEvent())
	rss, anon := s.memory()
	fmt.Printf("memory %.0f MiB resident, %.0f MiB of it its own\n", rss, anon)
	http.DefaultClient.CloseIdleConnections()
	return nil
}

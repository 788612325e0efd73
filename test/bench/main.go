// Command bench prints figures of the built binary on this machine: CPU per event of the door beside a bare handler, latency,
// the way from the log to the row, query times, memory, size and start. It checks nothing.
//
//	go run ./test/bench -binary bin/footfall [-events 1000000] [-only ingest,latency,...] [-data DIR] [-profile FILE]
//
// CPU is user + system time of the server process. Load goes to loopback and is bounded.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

var (
	binary = flag.String("binary", "bin/footfall", "the built binary")
	only   = flag.String("only", "", "comma list of parts; empty runs all")
	events = flag.Int("events", 1_000_000, "events of the store that queries are put to")
	data   = flag.String("data", "", "for queries and memory: the data directory of an earlier run, whose store is used as it is")
	prof   = flag.String("profile", "", "for ingest: write a CPU profile of single events into this file")
	bare   = flag.String("bare", "", "internal: serve the bare handler on this address")
)

type part struct {
	name string
	run  func() error
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	if *bare != "" {
		log.Fatal(serveBare(*bare))
	}
	parts := []part{{"start", benchStart}, {"ingest", benchIngest}, {"latency", benchLatency}, {"backlog", benchBacklog}, {"queries", benchQueries}, {"memory", benchMemory}}
	for _, p := range parts {
		if *only != "" && !strings.Contains(","+*only+",", ","+p.name+",") {
			continue
		}
		fmt.Printf("== %s\n", p.name)
		if err := p.run(); err != nil {
			log.Fatalf("%s: %v", p.name, err)
		}
	}
}

// serveBare is the floor: net/http, reads the body, answers.
func serveBare(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
}

func self() string {
	path, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	return path
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// benchBacklog fills the log with the door alone, then lets processing alone take it in: log to queryable row.
func benchBacklog() error {
	const batch = 100
	door, err := startDoor()
	if err != nil {
		return err
	}
	n := *events / batch
	r := send(door, "/v1/events", bodies(n, batch, door.tracking), batch, 8, 0)
	door.stop()
	ops := freeAddr()
	s, err := startFootfall(door.dir, "FOOTFALL_ROLES=process", "FOOTFALL_OPS_LISTEN="+ops)
	if err != nil {
		return err
	}
	defer s.stop()
	begin := time.Now()
	if err := drained(ops); err != nil {
		return err
	}
	fmt.Printf("log to row: %d events, %.2f us CPU an event, %.0f events/s\n", r.acked, float64(s.cpu().Microseconds())/float64(r.acked), float64(r.acked)/time.Since(begin).Seconds())
	time.Sleep(3 * time.Second)
	printSize(door.dir, r.acked)
	return nil
}

func printSize(dir string, events int64) {
	var size int64
	for _, name := range []string{"events.duckdb", "events.duckdb.wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			size += info.Size()
		}
	}
	fmt.Printf("DuckDB file: %.1f bytes an event\n", float64(size)/float64(events))
}

// drained waits until the processor has everything. It asks seldom: the answer costs the process about a millisecond.
func drained(ops string) error {
	for deadline := time.Now().Add(30 * time.Minute); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		if lag, err := metric(ops, "footfall_processor_lag_records"); err == nil && lag == 0 {
			return nil
		}
	}
	return fmt.Errorf("the backlog was not taken in")
}

func metric(ops, name string) (float64, error) {
	resp, err := http.Get("http://" + ops + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}

// history imports n events of the last 30 whole days: visits of one to eight pages from Zipf pages and visitors.
func history(s *server, n int) error {
	const batch = 500
	random := rand.New(rand.NewPCG(3, 5))
	pages := rand.NewZipf(random, 1.1, 5, 2000)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	work := make(chan []byte, 8)
	failed := make(chan error, 4)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for body := range work {
				if err := importBody(s, body); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var b bytes.Buffer
	count := 0
	flush := func() {
		if count > 0 {
			work <- append(append([]byte{'['}, bytes.TrimSuffix(b.Bytes(), []byte(","))...), ']')
			b.Reset()
			count = 0
		}
	}
	for made := 0; made < n && len(failed) == 0; {
		at := today.AddDate(0, 0, -30).UnixMilli() + int64(float64(made)/float64(n)*30*24*3600*1000)
		visitor := int(float64(n/12) * math.Abs(random.NormFloat64()) / 3)
		for range min(1+random.IntN(8), n-made) {
			writePast(&b, random, s.tracking, visitor, pages.Uint64(), at)
			at += int64(random.IntN(120_000))
			made++
			if count++; count == batch {
				flush()
			}
		}
	}
	flush()
	close(work)
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

var (
	sources   = []string{"", "", "", "https://www.google.com/", "https://www.google.com/", "https://www.bing.com/", "https://www.reddit.com/r/go", "https://news.ycombinator.com/", "https://chatgpt.com/"}
	addresses = []string{"91.12.8.1", "81.2.69.142", "8.8.8.8", "2.16.7.9", "133.11.5.1", "200.147.3.1", "5.135.1.1", "62.4.15.1"}
)

func writePast(b *bytes.Buffer, random *rand.Rand, tracking string, visitor int, page uint64, at int64) {
	fmt.Fprintf(b, `{"id":"%08x-%04x-7%03x-8%03x-%012x","type":"pageview","tracking_id":%q,"user_id":"v%09d","received_at":%d,`+
		`"data":{"page":"/articles/topic-%d","title":"An article about topic %d","referrer":%q,"timestamp":%d},`+
		`"context":{"hostname":"www.example.com","screen":"1920x1080","language":"de-DE","user_agent":%q,"ip":%q}},`,
		at>>16, at&0xffff, random.IntN(0x1000), random.IntN(0x1000), random.Uint64()&0xffffffffffff, tracking, visitor, at, page, page,
		sources[random.IntN(len(sources))], at, agents[visitor%len(agents)], addresses[visitor%len(addresses)])
}

func importBody(s *server, body []byte) error {
	req, err := http.NewRequest("POST", s.url+"/v1/import", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || bytes.Contains(answer, []byte("rejected")) {
		return fmt.Errorf("import: %d %s", resp.StatusCode, answer[:min(len(answer), 300)])
	}
	return nil
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// agents are those of common browsers, by their share of the traffic.
var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
}

// run is what a load did.
type run struct {
	acked     int64
	wall      time.Duration
	cpu       time.Duration
	latencies []time.Duration
}

func (r run) cpuPerEvent() float64 { return float64(r.cpu.Microseconds()) / float64(max(r.acked, 1)) }

// bodies returns n request bodies of batch events each, of some 560 bytes an event, with ids that no other body has.
func bodies(n, batch int, tracking string) [][]byte {
	random := rand.New(rand.NewPCG(7, uint64(n)))
	out := make([][]byte, n)
	now := time.Now().UnixMilli()
	for i := range out {
		var b bytes.Buffer
		b.WriteByte('[')
		for j := range batch {
			if j > 0 {
				b.WriteByte(',')
			}
			writeEvent(&b, random, tracking, now)
		}
		b.WriteByte(']')
		out[i] = b.Bytes()
	}
	return out
}

func writeEvent(b *bytes.Buffer, random *rand.Rand, tracking string, now int64) {
	visitor, page := random.IntN(20_000), random.IntN(400)
	fmt.Fprintf(b, `{"id":"%08x-%04x-7%03x-8%03x-%012x","type":"pageview","tracking_id":%q,"session_id":"s%010d","user_id":"v%010d",`+
		`"data":{"page":"/articles/2026/some-topic-of-interest-%d","title":"An article about some topic of interest, number %d","referrer":"https://www.google.com/","timestamp":%d},`+
		`"context":{"url":"https://www.example.com/articles/2026/some-topic-of-interest-%d?utm_source=newsletter&utm_medium=email","hostname":"www.example.com","screen":"1920x1080","language":"de-DE","timezone":"Europe/Berlin","sdk":"js/1.0"}}`,
		now>>16, now&0xffff, random.IntN(0x1000), random.IntN(0x1000), random.Uint64()&0xffffffffffff, tracking, visitor, visitor, page, page, now, page)
}

// send puts the bodies to url from the given number of connections, each once, as fast as they are answered or, with
// rate > 0, at that many requests a second (latency then counts from when a request was due).
func send(s *server, path string, requests [][]byte, batch, connections, rate int) run {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	latencies := make([]time.Duration, len(requests))
	var next, acked atomic.Int64
	begin, cpu := time.Now(), s.cpu()
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(requests) {
					return
				}
				due := time.Now()
				if rate > 0 {
					due = begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
					time.Sleep(time.Until(due))
				}
				if post(client, s.url+path, requests[i], i) {
					acked.Add(int64(batch))
				}
				latencies[i] = time.Since(due)
			}
		})
	}
	wg.Wait()
	return run{acked: acked.Load(), wall: time.Since(begin), cpu: s.cpu() - cpu, latencies: latencies}
}

func post(client *http.Client, url string, body []byte, i int) bool {
	req, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("User-Agent", agents[i%len(agents)])
	req.Header.Set("Accept-Language", "de-DE,de;q=0.9")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("91.%d.%d.%d", i>>16&0x7f, i>>8&0xff, i&0xff))
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode/100 == 2
}

func quantile(d []time.Duration, q float64) time.Duration {
	sorted := slices.Clone(d)
	slices.Sort(sorted)
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

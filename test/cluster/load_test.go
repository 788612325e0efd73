package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

// load sends events to the collectors until it is stopped. What is not acknowledged is sent again, with the same ids, as an SDK does.
type load struct {
	deployment *deployment
	site       harness.Site
	client     *http.Client

	mu      sync.Mutex
	acked   map[string]bool
	failed  map[string]int  // answers that were no acknowledgement
	slowest time.Duration   // of an acknowledgement
	took    []time.Duration // of acknowledgements at the first try
}

const (
	batchEvents = 5
	batchPause  = 50 * time.Millisecond // of each sender
)

// startLoad begins to send; stop ends it when everything that was begun is acknowledged.
func startLoad(d *deployment, site harness.Site, collectors ...string) (l *load, stop func()) {
	l = &load{deployment: d, site: site, client: &http.Client{Timeout: 15 * time.Second}, acked: map[string]bool{}, failed: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	var senders sync.WaitGroup
	for _, name := range collectors {
		for range 2 {
			senders.Go(func() { l.send(ctx, name) })
		}
	}
	return l, func() { cancel(); senders.Wait() }
}

func (l *load) send(ctx context.Context, collector string) {
	for ctx.Err() == nil {
		ids, body := l.batch()
		for first := true; ; first = false { // ends with the patience of the test
			begin := time.Now()
			if l.post(collector, body) {
				l.acknowledge(ids, time.Since(begin), first)
				break
			}
			time.Sleep(250 * time.Millisecond)
		}
		time.Sleep(batchPause)
	}
}

func (l *load) batch() (ids []string, body []byte) {
	session := fmt.Sprintf("session-%d", mathrand.IntN(300))
	var events []map[string]any
	for range batchEvents {
		id := uuid()
		ids = append(ids, id)
		events = append(events, map[string]any{"type": "pageview", "tracking_id": l.site.TrackingID, "id": id, "session_id": session, "user_id": session,
			"data": map[string]any{"page": fmt.Sprintf("/page/%d", mathrand.IntN(20))}})
	}
	body, _ = json.Marshal(events)
	return ids, body
}

// uuid returns an id of version 4.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (l *load) post(collector string, body []byte) (acknowledged bool) {
	resp, err := l.client.Post(l.deployment.url(collector)+"/v1/events", "application/json", bytes.NewReader(body))
	outcome := "no answer"
	if err == nil {
		resp.Body.Close()
		outcome = resp.Status
		if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
			outcome = "503 without Retry-After"
		}
	}
	if err == nil && resp.StatusCode == http.StatusOK {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed[outcome]++
	return false
}

func (l *load) acknowledge(ids []string, took time.Duration, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.acked[id] = true
	}
	l.slowest = max(l.slowest, took)
	if first {
		l.took = append(l.took, took)
	}
}

// count returns how many events are acknowledged.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// since returns the acknowledgements at the first try from the nth on, sorted.
func (l *load) since(n int) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := slices.Clone(l.took[n:])
	slices.Sort(took)
	return took
}

// quantile returns a quantile of sorted times, 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))].Round(100 * time.Microsecond)
}

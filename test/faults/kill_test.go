// Package faults breaks a running server on purpose and counts what is left.
package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

const (
	kills   = 20
	senders = 8
	batch   = 5
)

// load sends events with a page of their own until it is told to stop, and remembers which were acknowledged.
type load struct {
	server *harness.Server
	site   harness.Site
	next   atomic.Int64
	mu     sync.Mutex
	acked  map[string]bool
	sent   map[string]bool
}

// TestKillsLoseAndDoubleNothing kills the server at random moments under load. Every acknowledged event must be stored
// once, no event twice, the audit must find nothing, and each restart must be quick.
func TestKillsLoseAndDoubleNothing(t *testing.T) {
	rounds := kills
	if testing.Short() {
		rounds = 2
	}
	server := harness.Start(t)
	l := &load{server: server, site: server.AddSite("kill.example", "UTC"), acked: map[string]bool{}, sent: map[string]bool{}}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	slowest := time.Duration(0)
	for range rounds {
		l.run(time.Duration(20+random.IntN(700)) * time.Millisecond)
		server.Restart()
		slowest = max(slowest, server.Started)
	}
	t.Logf("%d kills: %d sent, %d acknowledged; slowest restart to ready %v", rounds, len(l.sent), len(l.acked), slowest.Round(time.Millisecond))
	if len(l.acked) < rounds*batch {
		t.Errorf("only %d events were acknowledged: the load was no load", len(l.acked))
	}
	if slowest > 10*time.Second { // 2 s is the aim on a quiet machine; the margin is for busy ones
		t.Errorf("a restart took %v", slowest)
	}
	l.check(t)
}

// run sends for d, kills the server in the middle of it and waits for the senders.
func (l *load) run(d time.Duration) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() { l.send(stop) })
	}
	time.Sleep(d)
	l.server.Kill()
	close(stop)
	wg.Wait()
}

func (l *load) send(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		var events []any
		var pages []string
		for range batch {
			n := l.next.Add(1)
			page := fmt.Sprintf("/p/%d", n)
			pages = append(pages, page)
			events = append(events, map[string]any{"type": "pageview", "tracking_id": l.site.TrackingID, "id": fmt.Sprintf("00000000-0000-4000-8000-%012d", n),
				"user_id": fmt.Sprintf("visitor-%d", n%97), "data": map[string]any{"page": page}})
		}
		body, _ := json.Marshal(events)
		l.note(l.sent, pages)
		for range 2 { // a sender that got no answer sends again: the same ids
			status, answer, err := harness.Try("POST", l.server.URL+"/v1/events", "", body)
			if err != nil {
				break
			}
			var reply struct{ Received int }
			if status == 200 && json.Unmarshal(answer, &reply) == nil && reply.Received == batch {
				l.note(l.acked, pages)
			}
		}
	}
}

func (l *load) note(in map[string]bool, pages []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, page := range pages {
		in[page] = true
	}
}

func (l *load) check(t *testing.T) {
	stored := map[string]int{}
	harness.Eventually(t, "the log is taken in", func() string {
		stored = l.stored(t)
		for page := range l.acked {
			if stored[page] == 0 {
				return fmt.Sprintf("%s was acknowledged and is not stored (%d of %d are)", page, len(stored), len(l.acked))
			}
		}
		return ""
	})
	for page, n := range stored {
		if n != 1 {
			t.Errorf("%s is stored %d times", page, n)
		}
		if !l.sent[page] {
			t.Errorf("%s is stored and was never sent", page)
		}
	}
	out, errOut, code := l.server.TryRun("", "audit", "--json")
	if code != 0 {
		t.Errorf("the audit found differences (exit status %d):\n%.2000s%s", code, out, errOut)
	}
}

// stored asks for every page with its page views.
func (l *load) stored(t *testing.T) map[string]int {
	out := map[string]int{}
	for offset := 0; ; offset += 10000 {
		query := map[string]any{"site_id": l.site.WebsiteID, "date_range": "24h", "metrics": []string{"pageviews"}, "dimensions": []string{"event:page"},
			"pagination": map[string]int{"limit": 10000, "offset": offset}}
		body, _ := json.Marshal(query)
		status, answer := harness.Do(t, "POST", l.server.URL+"/api/v2/query", l.site.Key, body)
		var reply struct {
			Results []struct {
				Dimensions []string
				Metrics    []int
			}
		}
		if err := json.Unmarshal(answer, &reply); err != nil || status != 200 {
			t.Fatalf("query: %d %s", status, answer)
		}
		for _, row := range reply.Results {
			out[row.Dimensions[0]] = row.Metrics[0]
		}
		if len(reply.Results) < 10000 {
			return out
		}
	}
}

// TestSecondServerNamesTheFirst starts a second process on the same directory.
func TestSecondServerNamesTheFirst(t *testing.T) {
	server := harness.Start(t)
	_, stderr, code := server.TryRun("", "serve", "--listen", "127.0.0.1:0", "--ops-listen", "off")
	if code == 0 {
		t.Fatal("the second server ran")
	}
	if want := fmt.Sprintf("pid %d", server.PID()); !strings.Contains(stderr, want) {
		t.Errorf("no %q in %q", want, stderr)
	}
}

// TestASeedingThatIsKilledIsFinished kills the server while the demo traffic goes in; the second start must finish it
// without doubling anything.
func TestASeedingThatIsKilledIsFinished(t *testing.T) {
	if testing.Short() {
		t.Skip("takes in 300,000 events twice")
	}
	server := harness.Start(t, "--demo")
	time.Sleep(1500 * time.Millisecond)
	server.Kill()
	server.Restart()
	harness.Eventually(t, "the seeding ends", func() string {
		if !strings.Contains(server.Output(), "the demo traffic is in") {
			return server.Output()
		}
		return ""
	})
	if out, errOut, code := server.TryRun("", "audit", "--json"); code != 0 {
		t.Errorf("the audit found differences (exit status %d):\n%.2000s%s", code, out, errOut)
	}
}

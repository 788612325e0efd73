package cluster

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

var throughput = flag.Int("throughput", 0, "events that TestThroughput sends; 0: it is skipped")

// TestThroughput prints what each stage takes of a processor for one event. It is a figure of the machine, not a check, but for the
// count at the end.
func TestThroughput(t *testing.T) {
	if *throughput == 0 {
		t.Skip("no -throughput")
	}
	d := deploy(t, 7, "process", "collect", "web")
	site := d.addSite("load.example")
	d.fresh("web", site)
	stages := map[string]func() int{
		"collector":         func() int { return d.servers["collect"].PID() },
		"process (loaders)": func() int { return d.servers["process"].PID() },
		"kafka":             func() int { return enginePID(t, "kafka") },
		"flink taskmanager": func() int { return enginePID(t, "flink-taskmanager") },
		"clickhouse":        func() int { return enginePID(t, "clickhouse") },
		"redis":             func() int { return enginePID(t, "redis") },
	}
	before := map[string]time.Duration{}
	for name, pid := range stages {
		before[name] = cpuOf(t, pid())
	}
	begin := time.Now()
	sendAll(d, site, *throughput)
	sent := time.Since(begin)
	d.await("all events are stored", func() string {
		if rows := d.clickhouse("select count() from events where page like '/page/%'"); rows[0] != strconv.Itoa(*throughput) {
			return rows[0]
		}
		return ""
	})
	stored := time.Since(begin)
	t.Logf("%d events in batches of %d: acknowledged in %v (%.0f/s), stored after %v (%.0f/s)", *throughput, sendBatch, sent.Round(time.Millisecond),
		float64(*throughput)/sent.Seconds(), stored.Round(time.Millisecond), float64(*throughput)/stored.Seconds())
	for name, pid := range stages {
		used := cpuOf(t, pid()) - before[name]
		t.Logf("%-18s %6.1f us of CPU an event, %7.0f events a CPU second", name, float64(used.Microseconds())/float64(*throughput), float64(*throughput)/used.Seconds())
	}
}

const sendBatch = 20

func sendAll(d *deployment, site harness.Site, n int) {
	bodies := make(chan []byte, 64)
	var senders sync.WaitGroup
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	l := &load{deployment: d, site: site, client: client, acked: map[string]bool{}, failed: map[string]int{}}
	for range 16 {
		senders.Go(func() {
			for body := range bodies {
				for !l.post("collect", body) {
					time.Sleep(100 * time.Millisecond)
				}
			}
		})
	}
	for i := 0; i < n; i += sendBatch {
		var body strings.Builder
		for k := range sendBatch {
			comma := map[bool]string{true: "[", false: ","}[k == 0]
			fmt.Fprintf(&body, `%s{"type":"pageview","tracking_id":%q,"id":%q,"session_id":"s%d","user_id":"s%d","data":{"page":"/page/%d"},"context":{"language":"en","screen":"1920x1080"}}`,
				comma, site.TrackingID, uuid(), i/100, i/100, (i+k)%200)
		}
		body.WriteByte(']')
		bodies <- []byte(body.String())
	}
	close(bodies)
	senders.Wait()
}

// enginePID returns the process that test/engines has started.
func enginePID(t *testing.T, process string) int {
	text, err := os.ReadFile(filepath.Join(enginesData(), "run", process+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.Fields(string(text))[0])
	return pid
}

// cpuOf returns the user and system time of a process.
func cpuOf(t *testing.T, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

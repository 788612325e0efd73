package cluster

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

// shortOutage is how long engines stay away in all rounds but the first.
const shortOutage = 15 * time.Second

var (
	rounds = flag.Int("rounds", 1, "how often each part is killed")
	outage = flag.Duration("outage", shortOutage, "how long ClickHouse stays down, and thrice as long as Kafka, in the first round")
	only   = flag.String("kill", "", "comma list of the faults to try; empty: all")
)

// fault ends something under load and brings it back.
type fault struct {
	name string
	do   func(d *deployment)
}

func faults() []fault {
	engine := func(process string, down time.Duration) func(*deployment) {
		return func(d *deployment) {
			d.script(nil, "kill.sh", process)
			time.Sleep(down)
			d.script(nil, "up.sh", strings.SplitN(process, "-", 2)[0])
		}
	}
	process := func(name string) func(*deployment) {
		return func(d *deployment) { d.servers[name].Kill(); revive(d); d.servers[name].Restart() }
	}
	return []fault{
		{"collector", process("collect1")},
		{"process", process("process1")},
		{"both processes", func(d *deployment) {
			d.servers["process1"].Kill()
			d.servers["process2"].Kill()
			revive(d)
			d.servers["process1"].Restart()
			d.servers["process2"].Restart()
		}},
		{"taskmanager", engine("flink-taskmanager", 2*time.Second)},
		{"clickhouse", func(d *deployment) { engine("clickhouse", *outage)(d) }},
		{"redis", engine("redis", 0)},
		{"kafka", func(d *deployment) { engine("kafka", *outage/3)(d) }},
		{"postgres", engine("postgres", 2*time.Second)},
		{"jobmanager", killJobManager},
		{"upgrade", func(d *deployment) { d.submit(d.script(nil, "stop-with-savepoint.sh", d.job)) }},
		{"several at once", func(d *deployment) {
			d.servers["collect1"].Kill()
			d.servers["process1"].Kill()
			revive(d) // to be killed
			d.script(nil, "kill.sh", "clickhouse", "flink-taskmanager")
			d.servers["collect1"].Restart()
			d.script(nil, "up.sh", "clickhouse", "flink")
			d.servers["process1"].Restart()
		}},
	}
}

// revive starts ClickHouse again if it has gone: a client that is killed in the middle of an insert can take this build of the
// server along.
func revive(d *deployment) {
	time.Sleep(time.Second)
	d.script(nil, "up.sh", "clickhouse")
}

// killJobManager resubmits the job from its last checkpoint, as an operator without high availability does.
func killJobManager(d *deployment) {
	d.script(nil, "kill.sh", "flink-jobmanager")
	from := lastCheckpoint(d)
	d.script(nil, "up.sh", "flink")
	d.submit(from)
}

// enginesData is where test/engines keeps its state.
func enginesData() string {
	if data := os.Getenv("FOOTFALL_ENGINES_DATA"); data != "" {
		return data
	}
	cache := os.Getenv("CACHE")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache", "footfall")
	}
	return filepath.Join(cache, "engines-data")
}

func lastCheckpoint(d *deployment) string {
	dirs, err := filepath.Glob(filepath.Join(enginesData(), "flink", "checkpoints", d.job, "chk-*", "_metadata"))
	if err != nil || len(dirs) == 0 {
		d.t.Fatalf("no checkpoint of job %s in %s: %v", d.job, enginesData(), err)
	}
	number := func(path string) int {
		n, _ := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "chk-"))
		return n
	}
	return filepath.Dir(slices.MaxFunc(dirs, func(a, b string) int { return number(a) - number(b) }))
}

// Whatever is killed under load: each acknowledged event is stored once, the ledger adds up, sessions and views are what the
// events say.
func TestKills(t *testing.T) {
	d := deploy(t, 7, "process1", "process2", "collect1", "collect2", "web1", "web2")
	site := d.addSite("kills.example")
	d.await("the collectors know the site", func() string {
		for _, c := range []string{"collect1", "collect2"} {
			if status, raw, err := harness.Try("POST", d.url(c)+"/v1/events", "", []byte(`[{"type":"pageview","tracking_id":"kills.example","data":{"page":"/first"}}]`)); err != nil || status != 200 || strings.Contains(string(raw), "rejected") {
				return fmt.Sprint(c, status, string(raw), err)
			}
		}
		return ""
	})
	l, stop := startLoad(d, site, "collect1", "collect2")
	time.Sleep(warmUp)
	for round := range *rounds {
		if round > 0 {
			*outage = min(*outage, shortOutage)
		}
		for _, f := range faults() {
			if *only != "" && !slices.Contains(strings.Split(*only, ","), f.name) {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", f.name, round+1), func(t *testing.T) {
				d.t = t
				quiet := l.since(0)
				before, begin := l.count(), time.Now()
				f.do(d)
				revive(d)
				back := time.Since(begin)
				for _, web := range []string{"web1", "web2"} {
					d.fresh(web, site)
				}
				during := l.since(len(quiet))
				t.Logf("back after %v, answers fresh after %v; %d events acknowledged meanwhile, p50 %v p99 %v (all before: p50 %v p99 %v)", back.Round(time.Millisecond),
					time.Since(begin).Round(time.Millisecond), l.count()-before, quantile(during, .5), quantile(during, .99), quantile(quiet, .5), quantile(quiet, .99))
			})
			d.t = t
			if t.Failed() {
				break
			}
		}
	}
	stop()
	if t.Failed() {
		return
	}
	t.Logf("%d events acknowledged; other answers: %v", l.count(), l.failed)
	if n := l.failed["503 without Retry-After"]; n > 0 {
		t.Errorf("%d answers 503 without Retry-After", n)
	}
	d.fresh("web1", site)
	verifyStored(t, d, l)
	verifyAudit(t, d)
}

// verifyStored compares the stored events with the acknowledged ones.
func verifyStored(t *testing.T, d *deployment, l *load) {
	stored := map[string]int{}
	for _, id := range d.clickhouse("select toString(event_id) from events where page like '/page/%'") {
		stored[id]++
	}
	lost, doubled := 0, 0
	for id := range l.acked {
		if stored[id] == 0 {
			lost++
		}
	}
	for _, n := range stored {
		if n > 1 {
			doubled++
		}
	}
	t.Logf("%d events stored", len(stored))
	if lost > 0 || doubled > 0 || len(stored) != len(l.acked) {
		t.Errorf("%d acknowledged, %d stored: %d lost, %d doubled", len(l.acked), len(stored), lost, doubled)
	}
}

// verifyAudit waits until the audit's cut is behind the load.
func verifyAudit(t *testing.T, d *deployment) {
	time.Sleep(auditCut)
	out := d.run("audit", "--json")
	t.Log(strings.TrimSpace(out))
}

// warmUp is how long the load runs before anything is killed, so that there is something to compare with.
const warmUp = 10 * time.Second

// auditCut is a little more than the time that an audit leaves out.
const auditCut = 125 * time.Second

package realtime

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
)

var (
	kafka   = flag.String("kafka", "", "address of Kafka")
	rest    = flag.String("flink", "", "URL of Flink's REST interface")
	events  = flag.Int("events", 200_000, "how many distinct events")
	hours   = flag.Int64("hours", 6, "over how many hours of event time")
	rate    = flag.Int("rate", 0, "Kafka records a second; 0: a backlog")
	seed    = flag.Uint64("seed", 0, "0: another one each time")
	pid     = flag.Int("pid", 0, "process of the TaskManager, whose processor time is reported")
	upgrade = flag.Bool("upgrade", false, "stop with a savepoint when half of the events are sent, and go on from it with parallelism 1")
	fault   = flag.String("fault", "", "command for bash, run when half of the events are sent")
)

const jar = "../../jobs/realtime/target/footfall-realtime.jar"

func TestJob(t *testing.T) {
	if *kafka == "" || *rest == "" {
		t.Skip("no -kafka and -flink")
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano() % 1e6)
	}
	prefix := fmt.Sprintf("rt%d_", time.Now().UnixNano())
	t.Logf("seed %d, topics %s*", *seed, prefix)
	h := makeHistory(*seed, *events, *hours, time.Now().UnixMilli()-5_000)
	client := makeTopics(t, *kafka, prefix)
	backlog := *rate == 0 && *fault == "" && !*upgrade
	if backlog {
		produce(t, client, prefix+"raw_events", h.values, 0)
	}
	f := flink{t, *rest}
	before := cpu(t)
	begin := time.Now()
	args := []string{"--bootstrap", *kafka, "--prefix", prefix}
	job := f.submit(jar, "", 2, args...)
	eventually(t, "the job runs", func() bool { return f.running(job) })
	t.Logf("running after %v", time.Since(begin).Round(time.Millisecond))
	o := follow(t, *kafka, prefix)
	if !backlog {
		half := len(h.values) / 2
		produce(t, client, prefix+"raw_events", h.values[:half], *rate)
		runFault(t)
		if *upgrade {
			savepoint := f.stop(job)
			job = f.submit(jar, savepoint, 1, args...)
			t.Logf("goes on from %s as %s", savepoint, job)
		}
		produce(t, client, prefix+"raw_events", h.values[half:], *rate)
	}
	eventually(t, "all events are stored", func() bool {
		o.Lock()
		defer o.Unlock()
		return o.stored >= len(h.events)
	})
	took := time.Since(begin)
	used := cpu(t) - before
	settle(t, f, o, job)
	_, line := f.checkpoints(job)
	t.Logf("checkpoints: %s", line)
	t.Logf("%d events stored in %v: %.0f a second", len(h.events), took.Round(time.Millisecond), float64(len(h.events))/took.Seconds())
	if *pid != 0 {
		t.Logf("TaskManager: %.1f s of processor time, %.0f events a processor second", used.Seconds(), float64(len(h.events))/used.Seconds())
	}
	o.Lock()
	defer o.Unlock()
	if e := f.exceptions(job); *fault == "" && e != "" {
		t.Errorf("the job failed: %s", e)
	}
	compareEvents(t, h, o)
	compareSessions(t, h, o)
	compareWindows(t, h, o)
	compareLedger(t, h, o)
	compareTicks(t, h, o)
}

// settle waits until a checkpoint that began after all was read has been committed, and nothing more comes.
func settle(t *testing.T, f flink, o *outcome, job string) {
	size := func() [5]int {
		o.Lock()
		defer o.Unlock()
		return [5]int{o.upserts, o.withdrawn, o.rows, o.ledgers, o.failed}
	}
	n, _ := f.checkpoints(job)
	was := size()
	eventually(t, "nothing more comes", func() bool {
		m, _ := f.checkpoints(job)
		if now := size(); now != was || m < n+4 {
			if now != was {
				was, n = now, m
			}
			return false
		}
		return true
	})
}

func runFault(t *testing.T) {
	if *fault == "" {
		return
	}
	text, err := exec.Command("bash", "-c", *fault).CombinedOutput()
	t.Logf("fault: %s (%v)", strings.TrimSpace(string(text)), err)
	if err != nil {
		t.Fatal("the fault did not work")
	}
}

// cpu returns the processor time that the TaskManager has used.
func cpu(t *testing.T) time.Duration {
	if *pid == 0 {
		return 0
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", *pid))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')'):]))
	user, _ := strconv.ParseInt(words[12], 10, 64)
	system, _ := strconv.ParseInt(words[13], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func compareEvents(t *testing.T, h *history, o *outcome) {
	if o.stored != len(h.events) || len(o.events) != len(h.events) {
		t.Errorf("events: %d frames, %d ids, %d expected", o.stored, len(o.events), len(h.events))
	}
	other := 0
	for id, record := range o.events {
		var e, first event.Event
		if e.DecodeEvent([]byte(record)) != nil || first.DecodeEvent([]byte(h.records[id])) != nil {
			t.Fatalf("event %s cannot be read", id)
		}
		first.ReceivedAt = e.ReceivedAt // which of the copies is stored depends on the order of partitions
		if string(first.AppendRecord(nil)) != record {
			other++
		}
	}
	if other > 0 {
		t.Errorf("events: %d have other bytes", other)
	}
	t.Logf("events: %d of %d", len(o.events), len(h.events))
}

func compareSessions(t *testing.T, h *history, o *outcome) {
	want := recountSessions(h.events)
	equal, shown := 0, 0
	for ref, s := range want {
		if reflect.DeepEqual(o.sessions[ref], s) {
			equal++
		} else if shown++; shown < 4 {
			t.Errorf("session\n got %+v\nwant %+v", o.sessions[ref], s)
		}
	}
	if equal != len(want) || len(o.sessions) != len(want) {
		t.Errorf("sessions: %d, of %d expected ones %d are equal", len(o.sessions), len(want), equal)
	}
	t.Logf("sessions: %d of %d, %d upserts, %d withdrawals", equal, len(want), o.upserts, o.withdrawn)
}

// compareWindows compares all windows but those that events which are hours late belong to: whether they still count
// depends on how far event time has come.
func compareWindows(t *testing.T, h *history, o *outcome) {
	equal, want := 0, 0
	for key, m := range recountWindows(h.events) {
		if h.tardy[key] {
			continue
		}
		want++
		got := o.metrics[key]
		if got.EmittedAt = 0; got == m {
			equal++
		} else if want-equal < 4 {
			t.Errorf("window\n got %+v\nwant %+v", got, m)
		}
	}
	if equal != want || len(o.metrics) > want+len(h.tardy) {
		t.Errorf("windows: %d, of %d expected ones %d are equal", len(o.metrics), want, equal)
	}
	t.Logf("windows: %d of %d, %d rows", equal, want, o.rows)
}

// compareTicks: there are ticks in every partition of four topics, all have come to the end, and none was too early.
func compareTicks(t *testing.T, h *history, o *outcome) {
	end := h.values[len(h.values)-1].tick
	for place, at := range o.ticks {
		if end-at > 3_000 {
			t.Errorf("the last tick of %s is %d ms before the end", place, end-at)
		}
	}
	if len(o.ticks) != 4*partitions || o.early > 0 {
		t.Errorf("ticks in %d partitions, %d rows behind one that was too early", len(o.ticks), o.early)
	}
	t.Logf("ticks in %d partitions", len(o.ticks))
}

func compareLedger(t *testing.T, h *history, o *outcome) {
	for site, want := range h.site {
		if got := o.ledger[site]; got == nil || *got != *want {
			t.Errorf("ledger of %s: got %+v, want %+v", site, got, want)
		}
	}
	if o.failed != h.broken || len(o.ledger) != len(h.site) {
		t.Errorf("%d failed payloads of %d, %d sites of %d", o.failed, h.broken, len(o.ledger), len(h.site))
	}
	t.Logf("ledger: %d sites, %d rows; %d failed payloads", len(o.ledger), o.ledgers, o.failed)
}

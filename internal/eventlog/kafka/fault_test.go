package kafka

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// ownBroker is a broker for one test alone, which may kill it.
type ownBroker struct {
	t       testing.TB
	scripts string
	environ []string
	at      string
}

func startBroker(t testing.TB) *ownBroker {
	t.Helper()
	if os.Getenv("FOOTFALL_TEST_ENGINES") == "" {
		t.Skip("no engines: set FOOTFALL_TEST_ENGINES=1 to let the test start a Kafka of its own (make test-cluster does)")
	}
	scripts, err := filepath.Abs("../../../test/engines")
	if err != nil {
		t.Fatal(err)
	}
	b := &ownBroker{t: t, scripts: scripts}
	ports := freePorts(t, 2)
	b.at = "127.0.0.1:" + ports[0]
	b.environ = append(os.Environ(), "FOOTFALL_ENGINES_DATA="+t.TempDir(), "FOOTFALL_ENGINES_KAFKA_PORT="+ports[0],
		"FOOTFALL_ENGINES_KAFKA_CONTROLLER_PORT="+ports[1])
	t.Cleanup(func() { b.run("down.sh", "--clean", "kafka") })
	b.up()
	return b
}

func freePorts(t testing.TB, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports
}

func (b *ownBroker) run(script string, args ...string) {
	b.t.Helper()
	cmd := exec.Command(filepath.Join(b.scripts, script), args...)
	cmd.Env = b.environ
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%s %q: %v\n%s", script, args, err, out)
	}
}

func (b *ownBroker) up()   { b.t.Helper(); b.run("up.sh", "kafka") }
func (b *ownBroker) kill() { b.t.Helper(); b.run("kill.sh", "kafka") }

const (
	faultKeys       = 12
	faultPartitions = 3
	faultKills      = 3
)

// fate of a record that was handed over.
type fate struct{ acked, unknown bool }

// faultLoad appends numbered records under each key, until it is told to stop, and notes what became of them.
type faultLoad struct {
	log    *Log
	stop   atomic.Bool
	acks   atomic.Int64
	fails  atomic.Int64
	others atomic.Value // an error that was no ErrUnavailable
	mu     sync.Mutex
	fates  [faultKeys][]fate // by key, then by number
}

func (f *faultLoad) run(key int) {
	for i := 0; !f.stop.Load(); i++ {
		// Calls of one to three records.
		records := make([]eventlog.Record, i%3+1)
		f.mu.Lock()
		first := len(f.fates[key])
		f.fates[key] = append(f.fates[key], make([]fate, len(records))...)
		f.mu.Unlock()
		for k := range records {
			records[k] = eventlog.Record{Key: fmt.Append(nil, "key ", key), Value: fmt.Append(nil, key, " ", first+k)}
		}
		err := f.log.Append(f.log.closing, eventlog.RawEvents, records)
		f.mu.Lock()
		for k := range records {
			f.fates[key][first+k] = fate{acked: err == nil, unknown: err != nil}
		}
		f.mu.Unlock()
		switch {
		case err == nil:
			f.acks.Add(1)
		case errors.Is(err, eventlog.ErrUnavailable) || errors.Is(err, eventlog.ErrFull):
			f.fails.Add(1)
			time.Sleep(20 * time.Millisecond) // a refusal at once must not make a spin
		default:
			f.others.Store(err)
		}
	}
}

// more waits for further calls with the outcome that a counter counts.
func more(t *testing.T, counter *atomic.Int64, n int64) {
	t.Helper()
	from := counter.Load()
	eventually(t, func() bool { return counter.Load() >= from+n })
}

// tail reads a partition through all faults, as a loader does, until it is told to stop and has reached the end.
func tail(t *testing.T, l *Log, partition int32, stop <-chan struct{}) (values []string) {
	next, last := int64(0), false
	for {
		entries, err := l.Read(t.Context(), eventlog.RawEvents, partition, next, 4096)
		switch {
		case errors.Is(err, eventlog.ErrUnavailable):
			last = false
			time.Sleep(20 * time.Millisecond)
		case err != nil:
			t.Errorf("partition %d at %d: %v", partition, next, err)
			return values
		case len(entries) == 0 && last:
			return values
		case len(entries) == 0:
			select {
			case <-stop:
				last = true // once more: the end may have moved before the signal
			case <-time.After(5 * time.Millisecond):
			}
		}
		for _, e := range entries {
			if e.Offset < next {
				t.Errorf("partition %d: offset %d after %d", partition, e.Offset, next)
			}
			next = e.Offset + 1
			values = append(values, string(e.Value))
		}
	}
}

// TestKilledBroker kills the broker under load, several times. Every acknowledged record is read once, what was not
// acknowledged at most once, and the records of a key in their order; both by a reader that lives through it all and by a new one.
func TestKilledBroker(t *testing.T) {
	b := startBroker(t)
	l, err := Open(Options{Brokers: []string{b.at}, AnswerTime: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.EnsureTopics(t.Context(), []TopicSpec{{Topic: eventlog.RawEvents, Partitions: faultPartitions, Replication: 1}}); err != nil {
		t.Fatal(err)
	}
	load := &faultLoad{log: l}
	var writers, readers sync.WaitGroup
	for key := range faultKeys {
		writers.Go(func() { load.run(key) })
	}
	stop := make(chan struct{})
	var tailed [faultPartitions][]string
	for p := range int32(faultPartitions) {
		readers.Go(func() { tailed[p] = tail(t, l, p, stop) })
	}
	for range faultKills {
		more(t, &load.acks, 500)
		b.kill()
		more(t, &load.fails, faultKeys)
		b.up()
		up := time.Now()
		more(t, &load.acks, 1)
		t.Logf("acknowledged again %v after the broker answered", time.Since(up).Round(time.Millisecond))
	}
	load.stop.Store(true)
	writers.Wait()
	close(stop)
	readers.Wait()
	if err, ok := load.others.Load().(error); ok {
		t.Errorf("an append failed with %v", err)
	}
	var again [faultPartitions][]string
	fresh, err := Open(Options{Brokers: []string{b.at}})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	for p := range int32(faultPartitions) {
		again[p] = tail(t, fresh, p, stop)
	}
	load.check(t, "the old reader", tailed)
	load.check(t, "a new reader", again)
}

func (f *faultLoad) check(t *testing.T, who string, partitions [faultPartitions][]string) {
	t.Helper()
	var seen [faultKeys]map[int]int
	var last [faultKeys]int
	for key := range seen {
		seen[key], last[key] = map[int]int{}, -1
	}
	for p, values := range partitions {
		for _, v := range values {
			var key, number int
			if _, err := fmt.Sscan(v, &key, &number); err != nil {
				t.Fatalf("%s: value %q: %v", who, v, err)
			}
			if number <= last[key] {
				t.Errorf("%s: partition %d: %d of key %d stands behind %d", who, p, number, key, last[key])
			}
			last[key] = number
			seen[key][number]++
		}
	}
	acked, unknown, written := 0, 0, 0
	for key, fates := range f.fates {
		for number, fate := range fates {
			n := seen[key][number]
			if fate.acked {
				acked++
			} else {
				unknown++
				written += n
			}
			if fate.acked && n != 1 || n > 1 {
				t.Errorf("%s: record %d of key %d: read %d times (%+v)", who, number, key, n, fate)
			}
		}
	}
	t.Logf("%s: %d acknowledged, each read once; %d not acknowledged, of which %d were written", who, acked, unknown, written)
	if acked < faultKills*500 {
		t.Errorf("%s: only %d records were acknowledged", who, acked)
	}
}

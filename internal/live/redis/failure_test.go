package redis_test

import (
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/redis/redistest"
)

// rebuilt is how long a Redis that was lost may be away after it answers again.
const rebuilt = 60 * time.Second

func TestFlushedRedisIsWrittenAgain(t *testing.T) {
	server := redistest.StartServer(t, os.Getenv(redistest.Binary))
	r, now, client := rand.New(rand.NewPCG(3, 3)), noon(), server.Open()
	c := newCluster(t, client, redistest.NewLog(), now)
	standby, _ := startWriter(t, client, c.log, now)
	rebuilds := func() int64 {
		one, _ := c.writer.Replays()
		other, _ := standby.Replays()
		return one.Counters().Rebuilds.Load() + other.Counters().Rebuilds.Load()
	}
	embedded := embeddedHub(now)
	more := func() {
		events := randomEvents(r, "a", 300, now)
		embedded.Apply(events)
		c.add(events)
	}
	more()
	same(t, c.hub, embedded, []string{"a"})
	w := startWatch(t, c.hub, "a")
	for range 4 { // the flush comes between, before or within batches
		more()
		before := rebuilds()
		conn, err := client.Conn()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		if err := conn.Do(t.Context(), conn.B().Flushall().Build()).Error(); err != nil {
			t.Fatal(err)
		}
		more()
		flushed := time.Now()
		fresh, stop := startHub(t, client, now)
		redistest.Eventually(t, rebuilt, "a new hub is available", fresh.Available)
		t.Logf("written again after %s", time.Since(flushed).Round(10*time.Millisecond))
		if after := rebuilds(); after < before+eventPartitions {
			t.Errorf("it is available after %d rebuilds of %d partitions", after-before, eventPartitions)
		}
		same(t, fresh, embedded, []string{"a"})
		stop()
		same(t, c.hub, embedded, []string{"a"})
	}
	if err := w.sub.Err(); err != nil {
		t.Errorf("the watcher was ended: %v", err)
	}
}

func TestKilledRedisIsSaidAndComesBack(t *testing.T) {
	server := redistest.StartServer(t, os.Getenv(redistest.Binary))
	r, now := rand.New(rand.NewPCG(4, 4)), noon()
	c := newCluster(t, server.Open(), redistest.NewLog(), now)
	embedded := embeddedHub(now)
	more := func() {
		events := randomEvents(r, "a", 300, now)
		embedded.Apply(events)
		c.add(events)
	}
	more()
	same(t, c.hub, embedded, []string{"a"})
	w := startWatch(t, c.hub, "a")

	server.Kill()
	killed := time.Now()
	redistest.Eventually(t, 15*time.Second, "the watcher is told", func() bool { return w.has(`"available":false,"reason":"the live store cannot be reached"`) })
	t.Logf("said after %s", time.Since(killed).Round(10*time.Millisecond))
	if s := c.hub.Realtime("a", 2); s.Available || s.Metrics != nil {
		t.Errorf("realtime: %+v", s)
	}
	asked := time.Now()
	c.hub.Realtime("new", 2)
	if took := time.Since(asked); took > 2*time.Second {
		t.Errorf("a question took %s while Redis was away", took)
	}
	during := startWatch(t, c.hub, "a")
	redistest.Eventually(t, 5*time.Second, "hello", func() bool { return during.has(`"available":false}}`) })
	more()

	server.Start()
	started := time.Now()
	redistest.Eventually(t, rebuilt, "available", c.hub.Available)
	t.Logf("back after %s", time.Since(started).Round(10*time.Millisecond))
	same(t, c.hub, embedded, []string{"a", "new"})
	for _, one := range []*watch{w, during} {
		redistest.Eventually(t, 5*time.Second, "a new hello", func() bool { return one.has(`{"type":"status","available":true`) && one.has(`"available":true}}`) })
	}
	more()
	same(t, c.hub, embedded, []string{"a"})
}

// TestHangingRedis: a Redis that takes connections and answers nothing is as good as away.
func TestHangingRedis(t *testing.T) {
	server := redistest.StartServer(t, os.Getenv(redistest.Binary))
	now := noon()
	c := newCluster(t, server.Open(), redistest.NewLog(), now)
	embedded := embeddedHub(now)
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	redistest.Eventually(t, 20*time.Second, "unavailable", func() bool { return !c.hub.Available() })
	t.Logf("said after %s", time.Since(stopped).Round(10*time.Millisecond))
	events := randomEvents(rand.New(rand.NewPCG(5, 5)), "a", 300, now)
	embedded.Apply(events)
	c.add(events)
	time.Sleep(7 * time.Second) // longer than the client waits for an answer
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, rebuilt, "available", c.hub.Available)
	same(t, c.hub, embedded, []string{"a"})
}

package redis_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/redis"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// recorder is a Sink that remembers what it was given since the last Reset.
type recorder struct {
	mu     sync.Mutex
	got    []int64
	resets int
	fail   error
	trim   int64
}

func (r *recorder) Write(_ context.Context, batch redis.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	for _, e := range batch.Entries {
		r.got = append(r.got, e.Offset)
	}
	r.trim = batch.Trim
	return nil
}

func (r *recorder) Reset(context.Context, int32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.resets = nil, r.resets+1
	return nil
}

func (r *recorder) snapshot() (got []int64, resets int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got), r.resets
}

func (r *recorder) setFail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

func tick(at int64) []byte { return event.Tick{At: at}.AppendRecord(nil) }

// run runs a replay of partition 3 until the returned function is called.
func run(t *testing.T, client *redis.Client, log eventlog.Reader, sink redis.Sink, window time.Duration) (r *redis.Replay, stop func()) {
	t.Helper()
	r = redis.NewReplay(redis.ReplayOptions{
		Client: client, Log: log, Topic: eventlog.Events, Partitions: []int32{3}, Sink: sink, Window: window, Linger: time.Millisecond,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	}()
	return r, sync.OnceFunc(func() { cancel(); <-done })
}

const place = int64(2) << 12 // positions of single records in redistest.Log

func TestReplayWritesTheWindowOnceAndGoesOn(t *testing.T) {
	client, log, now := redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), time.Now().UnixMilli()
	for i := range int64(2000) { // one a second, the last one now
		log.Append(eventlog.Events, 3, tick(now-(1999-i)*1000))
	}
	first := &recorder{}
	r, stop := run(t, client, log, first, 10*time.Minute)
	defer stop()
	redistest.Eventually(t, 10*time.Second, "up to date", func() bool { return r.UpToDate()[3] >= now })
	got, resets := first.snapshot()
	if resets != 1 || len(got) < 600 || len(got) > 700 || got[len(got)-1] != 1999*place || !slices.IsSorted(got) {
		t.Fatalf("%d resets, %d records, last %d", resets, len(got), got[len(got)-1]/place)
	}
	stop()

	log.Append(eventlog.Events, 3, tick(now), tick(now))
	second := &recorder{}
	r, stop = run(t, client, log, second, 10*time.Minute)
	defer stop()
	redistest.Eventually(t, 10*time.Second, "up to date again", func() bool { return r.UpToDate()[3] > 0 })
	if got, resets := second.snapshot(); resets != 0 || !slices.Equal(got, []int64{2000 * place, 2000*place + 1}) {
		t.Errorf("after a restart: %d resets, %d records: %v", resets, len(got), got)
	}
	if r.Counters().Records.Load() != 2 || r.Lag() > 60_000 {
		t.Errorf("counters: %d records, lag %d", r.Counters().Records.Load(), r.Lag())
	}
}

func TestReplayNoticesThatRedisHasLost(t *testing.T) {
	client, log, now := redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), time.Now().UnixMilli()
	for range 10 {
		log.Append(eventlog.Events, 3, tick(now))
	}
	sink := &recorder{}
	r, stop := run(t, client, log, sink, time.Minute)
	defer stop()
	upToDate := func() bool { return r.UpToDate()[3] > 0 }
	redistest.Eventually(t, 10*time.Second, "up to date", upToDate)

	if err := client.RemoveMatching(t.Context(), "*"); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 10*time.Second, "written again without new records", func() bool {
		got, resets := sink.snapshot()
		return resets == 2 && len(got) == 10
	})

	// An older copy: the position is less than what the writer knows.
	conn, err := client.Conn()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Do(t.Context(), conn.B().Hset().Key(client.Key("position")).FieldValue().FieldValue("events/3", "4").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	log.Append(eventlog.Events, 3, tick(now))
	redistest.Eventually(t, 10*time.Second, "written again", func() bool {
		got, resets := sink.snapshot()
		return resets == 3 && len(got) == 11
	})
	if n := r.Counters().Rebuilds.Load(); n != 3 {
		t.Errorf("%d rebuilds are counted", n)
	}

	// Another process is ahead: nothing is written twice.
	if err := conn.Do(t.Context(), conn.B().Hset().Key(client.Key("position")).FieldValue().FieldValue("events/3", redis.Decimal(100*place)).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		log.Append(eventlog.Events, 3, tick(now))
	}
	redistest.Eventually(t, 10*time.Second, "the last record", func() bool {
		got, _ := sink.snapshot()
		return got[len(got)-1] == 210*place
	})
	if _, resets := sink.snapshot(); resets != 3 {
		t.Errorf("%d resets", resets)
	}
}

func TestReplayWaitsForWhatIsAway(t *testing.T) {
	client, log, now := redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), time.Now().UnixMilli()
	sink := &recorder{}
	sink.setFail(errors.New("OOM command not allowed"))
	for range 5 {
		log.Append(eventlog.Events, 3, tick(now))
	}
	log.Trim(eventlog.Events, 3, 2*place)
	r, stop := run(t, client, log, sink, time.Minute)
	defer stop()
	redistest.Eventually(t, 10*time.Second, "an error is counted", func() bool { return r.Counters().Errors.Load() > 1 })
	if r.UpToDate()[3] != 0 {
		t.Error("it is called up to date")
	}
	sink.setFail(nil)
	redistest.Eventually(t, 10*time.Second, "up to date", func() bool { return r.UpToDate()[3] > 0 })
	if got, _ := sink.snapshot(); !slices.Equal(got, []int64{2 * place, 3 * place, 4 * place}) {
		t.Errorf("written: %v", got)
	}
}

func TestUnavailableRedisIsNotWaitedFor(t *testing.T) {
	client, err := redis.Open(redis.Options{Addresses: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Conn(); !errors.Is(err, redis.ErrUnavailable) {
		t.Errorf("Conn: %v", err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if _, err := redis.Open(redis.Options{}); err == nil {
		t.Error("no address is needed")
	}
}

func TestKeys(t *testing.T) {
	client, err := redis.Open(redis.Options{Addresses: []string{"127.0.0.1:1"}, Prefix: "p:"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if key := client.SiteKey("e", "a}b") + ":7"; key != "p:e:{a}b}:7" {
		t.Errorf("key %q", key)
	}
	if site, ok := client.SiteOf("live", client.SiteKey("live", "a}b")); !ok || site != "a}b" {
		t.Errorf("site %q, %v", site, ok)
	}
	if _, ok := client.SiteOf("live", "p:"); ok {
		t.Error("a key without a site has one")
	}
}

// TestOneProcessWritesAPartition: the second one waits, takes over when the first one ends, and later when it dies.
func TestOneProcessWritesAPartition(t *testing.T) {
	client, log, now := redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), time.Now().UnixMilli()
	for range 10 {
		log.Append(eventlog.Events, 3, tick(now))
	}
	first, second := &recorder{}, &recorder{}
	r1, stop1 := run(t, client, log, first, time.Minute)
	defer stop1()
	redistest.Eventually(t, 10*time.Second, "the first one is up to date", func() bool { return r1.UpToDate()[3] > 0 })
	r2, stop2 := run(t, client, log, second, time.Minute)
	defer stop2()
	log.Append(eventlog.Events, 3, tick(now))
	redistest.Eventually(t, 10*time.Second, "the first one goes on", func() bool { return r1.Counters().Records.Load() == 11 })
	if standing, err := r2.Standing(t.Context()); len(standing) != 0 || err != nil || r2.Lag() != 0 {
		t.Errorf("the second one stands: %v, %v, lag %d", standing, err, r2.Lag())
	}
	stop1()
	log.Append(eventlog.Events, 3, tick(now))
	redistest.Eventually(t, 10*time.Second, "the second one takes over", func() bool { return r2.UpToDate()[3] > 0 })
	if got, resets := second.snapshot(); resets != 0 || !slices.Equal(got, []int64{11 * place}) || r2.Counters().Errors.Load() != 0 {
		t.Errorf("the second one wrote %v after %d resets, %d errors", got, resets, r2.Counters().Errors.Load())
	}
	stop2()

	conn, err := client.Conn()
	if err != nil {
		t.Fatal(err)
	}
	lease := "dead " + redis.Decimal(time.Now().UnixMilli()+1500)
	if err := conn.Do(t.Context(), conn.B().Hset().Key(client.PositionsKey()).FieldValue().FieldValue("owner/events/3", lease).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	r3, stop3 := run(t, client, log, &recorder{}, time.Minute)
	defer stop3()
	time.Sleep(300 * time.Millisecond)
	if r3.UpToDate()[3] != 0 || len(r3.UpToDate()) != 0 {
		t.Error("a partition is taken whose lease has not ended")
	}
	redistest.Eventually(t, 10*time.Second, "the dead one's partition is taken over", func() bool { return r3.UpToDate()[3] > 0 })
}

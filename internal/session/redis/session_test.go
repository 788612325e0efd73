package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/redis"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
	"github.com/footfall-analytics/footfall/internal/session"
	sessionredis "github.com/footfall-analytics/footfall/internal/session/redis"
)

func TestMain(m *testing.M) { redistest.Main(m) }

const minute = 60_000

// start runs a part until the returned function is called, or the test ends.
func start(t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func startWriter(t *testing.T, client *redis.Client, log eventlog.Reader, now func() int64) (*redis.Replay, func()) {
	t.Helper()
	w := sessionredis.NewWriter(sessionredis.WriterOptions{Client: client, Log: log, Partitions: []int32{0}, Linger: time.Millisecond, Now: now})
	return w, start(t, w.Run)
}

// inRedis waits until the writer has everything of the log.
func inRedis(t *testing.T, w *redis.Replay, n int64) {
	t.Helper()
	redistest.Eventually(t, 20*time.Second, "all is written", func() bool { return w.Counters().Records.Load() >= n })
}

func randomEvents(r *rand.Rand, n int, now int64) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		e := event.Event{
			WebsiteID: "s", SessionID: fmt.Sprint("session ", r.IntN(12)), UserID: fmt.Sprint("user ", r.IntN(5)), Type: event.Type(1 + r.IntN(6)),
			Timestamp: now - r.Int64N(100*minute), ReceivedAt: now, Page: fmt.Sprint("/", strings.Repeat("ö", r.IntN(60)), r.IntN(9)), Source: fmt.Sprint("source ", r.IntN(9)),
		}
		if r.IntN(4) == 0 {
			e.SessionID = e.UserID
		}
		events[i] = e
	}
	return events
}

// TestSameAsInMemory: what a collector learns from Redis is what it would know had it seen all events itself, also after a replay.
func TestSameAsInMemory(t *testing.T) {
	client, log, now := redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), time.Now().UnixMilli()
	r := rand.New(rand.NewPCG(8, 8))
	memory, total := session.New(session.Options{}), int64(0)
	for round := range 4 {
		for _, e := range randomEvents(r, 300, now) {
			log.Append(eventlog.RawEvents, 0, e.AppendRecord(nil))
			memory.Observe(&e)
			if e.SessionID != e.UserID {
				memory.Touch(e.WebsiteID, e.UserID, e.ReceivedAt)
			}
			total++
		}
		w, stop := startWriter(t, client, log, func() int64 { return now })
		redistest.Eventually(t, 20*time.Second, "up to date", func() bool { return w.UpToDate()[0] > 0 })
		stop()
		store := sessionredis.NewStore(sessionredis.StoreOptions{Client: client, Timeout: time.Second})
		for id := range 12 {
			compare(t, store, memory, fmt.Sprint("session ", id), now)
		}
		for id := range 5 {
			compare(t, store, memory, fmt.Sprint("user ", id), now)
		}
		if n := store.Counters().Hits.Load(); n < 15 {
			t.Errorf("only %d answers of Redis", n)
		}
		rewind(t, client, r.Int64N(200)<<13)
		if round == 2 { // everything anew
			rewind(t, client, 1<<40)
		}
	}
}

// compare asks both with an event that counts for nothing.
func compare(t *testing.T, store *sessionredis.Store, memory *session.Store, id string, now int64) {
	t.Helper()
	probe := event.Event{WebsiteID: "s", SessionID: id, Type: event.Vitals, Timestamp: now}
	got, gotKnown := store.Observe(&probe)
	want, wantKnown := memory.Observe(&probe)
	if got != want || gotKnown != wantKnown {
		t.Errorf("%s: got %+v, %v; want %+v, %v", id, got, gotKnown, want, wantKnown)
	}
}

// rewind makes the writer write its last batches again.
func rewind(t *testing.T, client *redis.Client, by int64) {
	t.Helper()
	conn, err := client.Conn()
	if err != nil {
		t.Fatal(err)
	}
	at, err := conn.Do(t.Context(), conn.B().Hget().Key(client.PositionsKey()).Field("raw_events/0").Build()).AsInt64()
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Do(t.Context(), conn.B().Hset().Key(client.PositionsKey()).FieldValue().FieldValue("raw_events/0", redis.Decimal(max(0, at-by))).Build()).Error()
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsAreLeftOut(t *testing.T) {
	client, log, now := redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), time.Now().UnixMilli()
	e := event.Event{WebsiteID: "s", SessionID: "a", UserID: "u", Type: event.Pageview, Timestamp: now, ReceivedAt: now, Flags: event.Imported}
	log.Append(eventlog.RawEvents, 0, e.AppendRecord(nil))
	w, _ := startWriter(t, client, log, nil)
	inRedis(t, w, 1)
	store := sessionredis.NewStore(sessionredis.StoreOptions{Client: client, Timeout: time.Second})
	if store.SeenSince("s", "a", 0) || store.SeenSince("s", "u", 0) {
		t.Error("an imported event is known")
	}
	if store.SeenSince("s", "a", 0); store.Counters().Misses.Load() != 2 {
		t.Errorf("%d questions: what is not known is asked again at once", store.Counters().Misses.Load())
	}
}

// TestRequestsDoNotWait: a Redis that hangs or is away costs a few time-outs, then nothing, and is used again when it is back.
func TestRequestsDoNotWait(t *testing.T) {
	server := redistest.StartServer(t, os.Getenv(redistest.Binary))
	store := sessionredis.NewStore(sessionredis.StoreOptions{Client: server.Open()})
	n := 0
	ask := func() (took time.Duration) {
		n++
		began := time.Now()
		store.SeenSince("s", fmt.Sprint(n), 1_000_000)
		return time.Since(began)
	}
	redistest.Eventually(t, 10*time.Second, "an answer", func() bool { ask(); return store.Counters().Misses.Load() > 0 })
	check := func(how string) {
		t.Helper()
		skipped := store.Counters().Skipped.Load()
		began := time.Now()
		for range 1000 {
			ask()
		}
		if took := time.Since(began); took > 2*time.Second { // 20 s without the breaker
			t.Errorf("%s: 1,000 requests took %s", how, took)
		}
		if n := store.Counters().Skipped.Load() - skipped; n < 900 {
			t.Errorf("%s: only %d of 1,000 went on without asking", how, n)
		}
	}
	answers := func() {
		t.Helper()
		before := store.Counters().Misses.Load()
		redistest.Eventually(t, 20*time.Second, "answers again", func() bool { ask(); return store.Counters().Misses.Load() > before })
	}
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	check("hanging")
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	answers()
	server.Kill()
	check("killed")
	server.Start()
	answers()
}

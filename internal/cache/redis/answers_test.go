package redis_test

import (
	"bytes"
	"context"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/cache/redis"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func TestAnswers(t *testing.T) {
	client := redistest.Open(t, os.Getenv(redistest.Address))
	a, b := redis.New(redis.Options{Client: client, MaxBytes: 100}), redis.New(redis.Options{Client: client})
	ctx := t.Context()
	if got, err := a.Get(ctx, "k"); got != nil || err != nil {
		t.Errorf("unknown key: %q, %v", got, err)
	}
	value := []byte{0, 1, 2, 255, '\r', '\n'}
	if err := a.Set(ctx, "k", value); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Get(ctx, "k"); !bytes.Equal(got, value) || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := a.Set(ctx, "big", make([]byte, 101)); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Get(ctx, "big"); got != nil || err != nil || a.Counters().TooBig.Load() != 1 {
		t.Errorf("a big answer: %d bytes, %v", len(got), err)
	}
	unlock, mine, err := a.Lock(ctx, "k")
	if !mine || err != nil {
		t.Fatalf("first lock: %v, %v", mine, err)
	}
	time.Sleep(4 * time.Second) // longer than a lock that nobody prolongs
	if _, mine, err := b.Lock(ctx, "k"); mine || err != nil {
		t.Errorf("second lock: %v, %v", mine, err)
	}
	unlock()
	unlock2, mine, err := b.Lock(ctx, "k")
	if !mine || err != nil {
		t.Errorf("after unlock: %v, %v", mine, err)
	}
	unlock() // of the past: it is not a's any more
	if _, mine, err := a.Lock(ctx, "k"); mine || err != nil {
		t.Errorf("the lock of another was given up: %v, %v", mine, err)
	}
	unlock2()
	c := b.Counters()
	if c.Hits.Load() != 1 || c.Misses.Load() != 1 || c.Locks.Load() != 1 || c.Waits.Load() != 1 || c.Errors.Load() != 0 {
		t.Errorf("counters: %+v", c)
	}
}

// slowStore is a Source and Catalog that takes its time.
type slowStore struct {
	runs atomic.Int64
	took time.Duration
}

func (s *slowStore) Run(ctx context.Context, parts []query.Part, yield func(int, *query.Rows) error) error {
	s.runs.Add(1)
	select {
	case <-time.After(s.took):
	case <-ctx.Done():
		return ctx.Err()
	}
	for i := range parts {
		rows := &query.Rows{Len: 1}
		for range parts[i].Measures {
			rows.Ints, rows.Texts = append(rows.Ints, []int64{7}), append(rows.Texts, nil)
		}
		if err := yield(i, rows); err != nil {
			return err
		}
	}
	return nil
}
func (s *slowStore) Render(*query.Part) (string, []any)                      { return "", nil }
func (s *slowStore) FirstEvent(string) (int64, bool)                         { return 0, false }
func (s *slowStore) Version(string, int64, int64) uint64                     { return 1 }
func (s *slowStore) Facts(string, int64, int64, []int64) (facts query.Facts) { return facts }
func (s *slowStore) Ledger(context.Context, string, int64, int64) (*query.Ledger, error) {
	return &query.Ledger{}, nil
}

var now = time.UnixMilli(1_790_000_000_000)

func engine(t *testing.T, store *slowStore, shared query.Shared, timeout time.Duration) *query.Engine {
	t.Helper()
	e, err := query.New(query.Options{Source: store, Catalog: store, Clock: func() time.Time { return now }, Shared: shared, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ask(e *query.Engine) (*query.Reply, error) {
	site := &event.Site{WebsiteID: "w", Domain: "a.io", Timezone: "UTC", Threshold: 2}
	return e.Query(context.Background(), site, []byte(`{"site_id":"a.io","date_range":"7d","metrics":["visitors","pageviews"]}`))
}

// TestProcessesFindAnAnswerOnce: five processes that are asked at once run the query once, and a sixth one later not at all.
func TestProcessesFindAnAnswerOnce(t *testing.T) {
	client := redistest.Open(t, os.Getenv(redistest.Address))
	store := &slowStore{took: 300 * time.Millisecond}
	var processes sync.WaitGroup
	var cached atomic.Int64
	for range 5 {
		e := engine(t, store, redis.New(redis.Options{Client: client}), 0)
		for range 3 {
			processes.Go(func() {
				reply, err := ask(e)
				if err != nil || reply.Results[0].Metrics[0] != int64(7) {
					t.Errorf("%+v, %v", reply, err)
				} else if reply.Meta.Cached {
					cached.Add(1)
				}
			})
		}
	}
	processes.Wait()
	if n := store.runs.Load(); n != 1 {
		t.Errorf("%d runs", n)
	}
	if n := cached.Load(); n != 12 {
		t.Errorf("%d of 12 replies say that they are cached", n)
	}
	if reply, err := ask(engine(t, store, redis.New(redis.Options{Client: client}), 0)); err != nil || !reply.Meta.Cached || store.runs.Load() != 1 {
		t.Errorf("later: %+v, %v, %d runs", reply, err, store.runs.Load())
	}
}

// TestDeadOwner: a process that locked a key and died delays the others by three seconds.
func TestDeadOwner(t *testing.T) {
	client := redistest.Open(t, os.Getenv(redistest.Address))
	store := &slowStore{}
	locked := lockOnce{Answers: redis.New(redis.Options{Client: client})}
	began := time.Now()
	reply, err := ask(engine(t, store, &locked, 0))
	if took := time.Since(began); err != nil || reply.Meta.Cached || took < 2*time.Second || took > 10*time.Second {
		t.Errorf("%+v, %v after %s", reply, err, took)
	}
}

// lockOnce leaves, before the first Lock, a lock of somebody else behind.
type lockOnce struct {
	*redis.Answers
	client sync.Once
}

func (l *lockOnce) Lock(ctx context.Context, key string) (func(), bool, error) {
	l.client.Do(func() {
		dying, cancel := context.WithCancel(ctx)
		defer cancel()
		if err := l.Answers.LockAndDie(dying, key); err != nil {
			panic(err)
		}
	})
	return l.Answers.Lock(ctx, key)
}

// TestRedisAwayCostsLittle: queries are answered without it.
func TestRedisAwayCostsLittle(t *testing.T) {
	server := redistest.StartServer(t, os.Getenv(redistest.Binary))
	store := &slowStore{}
	shared := redis.New(redis.Options{Client: server.Open()})
	check := func(how string) {
		t.Helper()
		began := time.Now()
		for range 20 {
			if reply, err := ask(engine(t, store, shared, 0)); err != nil || reply.Meta.Cached {
				t.Fatalf("%s: %+v, %v", how, reply, err)
			}
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s: 20 queries took %s", how, took)
		}
	}
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	check("hanging")
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	check("killed")
	server.Start()
	redistest.Eventually(t, 20*time.Second, "a shared answer", func() bool {
		reply, err := ask(engine(t, store, shared, 0))
		return err == nil && reply.Meta.Cached
	})
}

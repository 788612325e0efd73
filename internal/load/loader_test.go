package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// gapLog is a log in memory whose offsets have gaps, as one with transactions has.
type gapLog struct {
	mu      sync.Mutex
	entries []eventlog.Entry
	end     int64
}

func (l *gapLog) append(r *rand.Rand, values ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range values {
		l.entries = append(l.entries, eventlog.Entry{Offset: l.end, Value: []byte(v)})
		l.end += 1 + r.Int64N(3)
	}
	l.end += r.Int64N(2)
}

func (l *gapLog) Read(_ context.Context, _ eventlog.Topic, _ int32, offset int64, maxBytes int) ([]eventlog.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, _ := slices.BinarySearchFunc(l.entries, offset, func(e eventlog.Entry, o int64) int { return int(e.Offset - o) })
	to := min(len(l.entries), at+max(1, maxBytes/16))
	return l.entries[at:to], nil
}

func (l *gapLog) End(context.Context, eventlog.Topic, int32) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end, nil
}

func (l *gapLog) Wait(ctx context.Context, t eventlog.Topic, p int32, offset int64) error {
	for {
		if end, _ := l.End(ctx, t, p); end > offset {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// tokenStore drops what comes again under a token, and fails now and then, before or after it has taken the entries.
type tokenStore struct {
	mu     sync.Mutex
	r      *rand.Rand
	tokens map[string]string
	values []string
}

var errStore = errors.New("the store is down")

func (s *tokenStore) insert(_ context.Context, token string, entries []eventlog.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.r.IntN(10) == 0 {
		return errStore
	}
	var values []string
	for _, e := range entries {
		values = append(values, string(e.Value))
	}
	if before, ok := s.tokens[token]; ok {
		if before != fmt.Sprint(values) {
			return fmt.Errorf("token %s came with %v, before with %s", token, values, before)
		}
		return nil
	}
	s.tokens[token] = fmt.Sprint(values)
	s.values = append(s.values, values...)
	if s.r.IntN(10) == 0 {
		return errStore
	}
	return nil
}

// memoryRanges keeps ranges as Kafka's group offsets would.
type memoryRanges struct {
	mu sync.Mutex
	at eventlog.Progress
}

func (m *memoryRanges) Progress(context.Context, eventlog.Claim) (eventlog.Progress, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at, nil
}

func (m *memoryRanges) Commit(_ context.Context, _ eventlog.Claim, p eventlog.Progress) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = p
	return nil
}

var errKilled = errors.New("killed")

// A loader that is killed at any of its points, over a store that fails at times, loads each record once and in order.
func TestLoaderLoadsOnce(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { t.Parallel(); loadOnce(t, seed) })
	}
}

func loadOnce(t *testing.T, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	log, ranges := &gapLog{}, &memoryRanges{}
	store := &tokenStore{r: rand.New(rand.NewPCG(seed, 2)), tokens: map[string]string{}}
	want := make([]string, 300)
	for i := range want {
		want[i] = fmt.Sprint(i)
	}
	var feeding sync.WaitGroup
	feeding.Go(func() {
		r := rand.New(rand.NewPCG(seed, 1))
		for i, value := range want {
			if log.append(r, value); i%50 == 0 {
				time.Sleep(2 * time.Millisecond)
			}
		}
		for ctx.Err() == nil { // until all is in and noted
			if p, _ := ranges.Progress(ctx, eventlog.Claim{}); p.Next == p.To && p.Next > log.entries[len(log.entries)-1].Offset {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	})
	kills, kill := 0, rand.New(rand.NewPCG(seed, 3))
	for ctx.Err() == nil {
		l := NewLoader(LoaderOptions{
			Log: log, Ranges: ranges, Inserts: map[eventlog.Topic]Insert{eventlog.Events: store.insert},
			MaxEntries: 1 + int(seed)%17, Interval: time.Microsecond, Logger: slog.New(slog.DiscardHandler),
			FailPoint: func(string) error {
				if kill.IntN(6) == 0 {
					return errKilled
				}
				return nil
			},
		})
		err := l.Run(ctx, eventlog.Claim{Topic: eventlog.Events})
		if errors.Is(err, errKilled) {
			kills++
		} else if ctx.Err() == nil {
			t.Fatal(err)
		}
	}
	feeding.Wait()
	if !errors.Is(ctx.Err(), context.Canceled) || !slices.Equal(store.values, want) || kills == 0 {
		t.Fatalf("%v, %d kills; got %d values, want %d\n%v", ctx.Err(), kills, len(store.values), len(want), store.values)
	}
}

func TestLoaderEndsWithItsClaim(t *testing.T) {
	log := &gapLog{}
	log.append(rand.New(rand.NewPCG(1, 1)), "a")
	l := NewLoader(LoaderOptions{Log: log, Ranges: lostRanges{}, Inserts: map[eventlog.Topic]Insert{
		eventlog.Events: func(context.Context, string, []eventlog.Entry) error { t.Error("inserted without a claim"); return nil },
	}})
	if err := l.Run(t.Context(), eventlog.Claim{Topic: eventlog.Events}); !errors.Is(err, eventlog.ErrFenced) {
		t.Errorf("got %v", err)
	}
	if err := l.Run(t.Context(), eventlog.Claim{Topic: eventlog.Metrics}); err == nil {
		t.Error("a topic without a place can be loaded")
	}
}

type lostRanges struct{}

func (lostRanges) Progress(context.Context, eventlog.Claim) (eventlog.Progress, error) {
	return eventlog.Progress{}, nil
}

func (lostRanges) Commit(context.Context, eventlog.Claim, eventlog.Progress) error {
	return eventlog.ErrFenced
}

// A loader tells how fresh a partition is once what stands before the tick is in the store.
func TestLoaderTellsFreshness(t *testing.T) {
	log, ranges := &gapLog{}, &memoryRanges{}
	r := rand.New(rand.NewPCG(1, 1))
	log.append(r, "a", string(event.Tick{At: 5}.AppendRecord(nil)), "b", string(event.Tick{At: 9}.AppendRecord(nil)), "c")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	inserts := 0
	l := NewLoader(LoaderOptions{Log: log, Ranges: ranges, MaxEntries: 3, Interval: time.Microsecond, Inserts: map[eventlog.Topic]Insert{
		eventlog.Events: func(context.Context, string, []eventlog.Entry) error {
			if p, _ := ranges.Progress(ctx, eventlog.Claim{}); p.Fresh != []int64{0, 5}[inserts] {
				t.Errorf("insert %d: fresh to %d", inserts, p.Fresh)
			}
			inserts++
			return nil
		},
	}})
	go func() {
		for ctx.Err() == nil {
			if p, _ := ranges.Progress(ctx, eventlog.Claim{}); p.Fresh == 9 && p.Next == p.To {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if err := l.Run(ctx, eventlog.Claim{Topic: eventlog.Events}); !errors.Is(ctx.Err(), context.Canceled) || inserts != 2 {
		t.Errorf("%v, %d inserts", err, inserts)
	}
}

// A long interval ends when an insert's worth of records is there, and no more ranges are held at once than may be.
func TestLoaderGathers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	held, most, sizes := 0, 0, map[int]int{}
	l := NewLoader(LoaderOptions{Log: &gapLog{}, Interval: time.Hour, MaxEntries: 10, AtOnce: 2, Inserts: map[eventlog.Topic]Insert{
		eventlog.Events: func(_ context.Context, _ string, entries []eventlog.Entry) error {
			mu.Lock()
			held++
			most = max(most, held)
			sizes[len(entries)]++
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			held--
			if sizes[10] == 8 {
				cancel()
			}
			mu.Unlock()
			return nil
		},
	}})
	var wg sync.WaitGroup
	for n := range 4 {
		log := &gapLog{}
		r := rand.New(rand.NewPCG(uint64(n), 1))
		log.append(r, "first") // taken at once: nothing was before it
		wg.Go(func() {
			options := l.options
			options.Log, options.Ranges = log, &memoryRanges{}
			_ = (&Loader{options: options, turns: l.turns}).Run(ctx, eventlog.Claim{Topic: eventlog.Events, Partition: int32(n)})
		})
		wg.Go(func() {
			for range 22 {
				time.Sleep(5 * time.Millisecond)
				log.append(r, "more")
			}
		})
	}
	wg.Wait()
	if !errors.Is(ctx.Err(), context.Canceled) || most > 2 || sizes[1] != 4 || sizes[10] != 8 || len(sizes) != 2 {
		t.Errorf("%v; sizes of inserts %v, at most %d at once", ctx.Err(), sizes, most)
	}
}

// deafLog cannot be read.
type deafLog struct{ *gapLog }

func (deafLog) Read(context.Context, eventlog.Topic, int32, int64, int) ([]eventlog.Entry, error) {
	return nil, errKilled
}

// TestLoaderPassesTheTurn: a partition whose begun range cannot be read keeps no other from its turn.
func TestLoaderPassesTheTurn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l := NewLoader(LoaderOptions{Log: &gapLog{}, AtOnce: 1, Logger: slog.New(slog.DiscardHandler), Inserts: map[eventlog.Topic]Insert{
		eventlog.Events: func(context.Context, string, []eventlog.Entry) error {
			cancel()
			return nil
		},
	}})
	var wg sync.WaitGroup
	run := func(partition int32, log eventlog.Reader, ranges *memoryRanges) {
		options := l.options
		options.Log, options.Ranges = log, ranges
		wg.Go(func() {
			_ = (&Loader{options: options, turns: l.turns}).Run(ctx, eventlog.Claim{Topic: eventlog.Events, Partition: partition}) // ends with ctx
		})
	}
	run(0, deafLog{&gapLog{}}, &memoryRanges{at: eventlog.Progress{Next: 1, To: 5}})
	time.Sleep(20 * time.Millisecond) // it has tried
	log := &gapLog{}
	log.append(rand.New(rand.NewPCG(1, 1)), "one")
	run(1, log, &memoryRanges{})
	wg.Wait()
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("nothing was inserted: %v", ctx.Err())
	}
}

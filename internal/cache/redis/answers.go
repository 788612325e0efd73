package redis

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/redis"
)

// Options are what Answers are made of. Client is needed.
type Options struct {
	Client *redis.Client
	// Life is how long an answer stays. Default 10 min: it is never wrong, only unused.
	Life time.Duration
	// Timeout bounds one command. Default 250 ms.
	Timeout time.Duration
	// MaxBytes of an answer; greater ones are not shared. Default 1 MiB.
	MaxBytes int
}

// Counters are totals, to be read at any time.
type Counters struct {
	Hits, Misses, Errors, Skipped atomic.Int64
	Sets, TooBig                  atomic.Int64
	Locks, Waits                  atomic.Int64 // keys locked here; looks that found a key locked elsewhere
	LookupMicros                  atomic.Int64 // time that hits and misses took
}

// Answers is safe for concurrent use.
type Answers struct {
	options       Options
	counters      Counters
	breaker       redis.Breaker
	renew, remove *redis.Script
}

var _ query.Shared = (*Answers)(nil)

const (
	lockLife  = 3 * time.Second
	lockRenew = time.Second
)

// New returns the shared answers.
func New(options Options) *Answers {
	if options.Life <= 0 {
		options.Life = 10 * time.Minute
	}
	if options.Timeout <= 0 {
		options.Timeout = 250 * time.Millisecond
	}
	if options.MaxBytes <= 0 {
		options.MaxBytes = 1 << 20
	}
	return &Answers{
		options: options,
		renew:   redis.NewScript(`if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0`),
		remove:  redis.NewScript(`if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('unlink', KEYS[1]) end return 0`),
	}
}

// Counters returns the totals.
func (a *Answers) Counters() *Counters { return &a.counters }

// Get returns the answer of a key, nil when there is none.
func (a *Answers) Get(ctx context.Context, key string) ([]byte, error) {
	began := time.Now()
	result, err := a.do(ctx, func(b rueidis.Builder) rueidis.Completed { return b.Get().Key(a.name("q", key)).Build() })
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, fmt.Errorf("cannot get an answer: %w", err)
	}
	a.counters.LookupMicros.Add(time.Since(began).Microseconds())
	if err != nil {
		a.counters.Misses.Add(1)
		return nil, nil
	}
	a.counters.Hits.Add(1)
	return result.AsBytes()
}

// Set keeps the answer of a key.
func (a *Answers) Set(ctx context.Context, key string, answer []byte) error {
	if len(answer) > a.options.MaxBytes {
		a.counters.TooBig.Add(1)
		return nil
	}
	_, err := a.do(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Set().Key(a.name("q", key)).Value(rueidis.BinaryString(answer)).Px(a.options.Life).Build()
	})
	if err != nil {
		return fmt.Errorf("cannot set an answer: %w", err)
	}
	a.counters.Sets.Add(1)
	return nil
}

// Lock makes the caller the one that finds the answer of a key. The lock is prolonged until unlock; a process that dies holds it for three
// seconds more.
func (a *Answers) Lock(ctx context.Context, key string) (unlock func(), mine bool, err error) {
	name, token := a.name("f", key), rand.Text()
	_, err = a.do(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Set().Key(name).Value(token).Nx().Px(lockLife).Build()
	})
	if rueidis.IsRedisNil(err) {
		a.counters.Waits.Add(1)
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("cannot lock an answer: %w", err)
	}
	a.counters.Locks.Add(1)
	return a.hold(name, token), true, nil
}

// hold prolongs a lock until the returned function is called, which gives it up.
func (a *Answers) hold(name, token string) (unlock func()) {
	stop := make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		tick := time.NewTicker(lockRenew)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				a.run(redis.Call{Script: a.renew, Keys: []string{name}, Args: []string{token, redis.Decimal(lockLife.Milliseconds())}})
			}
		}
	})
	return sync.OnceFunc(func() {
		close(stop)
		holding.Wait()
		a.run(redis.Call{Script: a.remove, Keys: []string{name}, Args: []string{token}})
	})
}

// run runs a script whose failure changes nothing: a lock that is lost or left costs time only.
func (a *Answers) run(call redis.Call) {
	ctx, cancel := context.WithTimeout(context.Background(), a.options.Timeout)
	defer cancel()
	if _, err := a.options.Client.Run(ctx, []redis.Call{call}); err != nil {
		a.counters.Errors.Add(1)
	}
}

// do runs a command, unless Redis has not answered lately.
func (a *Answers) do(ctx context.Context, command func(rueidis.Builder) rueidis.Completed) (rueidis.RedisResult, error) {
	if !a.breaker.Allow(time.Now()) {
		a.counters.Skipped.Add(1)
		return rueidis.RedisResult{}, redis.ErrUnavailable
	}
	inner, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	result, err := a.options.Client.Do(inner, command)
	failed := err != nil && !rueidis.IsRedisNil(err)
	if failed {
		a.counters.Errors.Add(1)
	}
	a.breaker.Done(time.Now(), !failed || ctx.Err() != nil) // a caller that has gone says nothing about Redis
	return result, err
}

func (a *Answers) name(kind, key string) string {
	sum := sha256.Sum256([]byte(key))
	return a.options.Client.Key(kind + ":" + hex.EncodeToString(sum[:16]))
}

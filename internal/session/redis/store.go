package redis

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/redis"
	"github.com/footfall-analytics/footfall/internal/session"
)

// StoreOptions are what a Store is made of. Client is needed.
type StoreOptions struct {
	Client *redis.Client
	Memory session.Options
	// Timeout bounds the wait for one answer. Default 20 ms.
	Timeout time.Duration
	// Concurrent bounds the questions under way; beyond it none is asked. Default 128.
	Concurrent int
}

// StoreCounters are totals, to be read at any time.
type StoreCounters struct {
	Hits, Misses  atomic.Int64 // answers of Redis: known there, not known there
	Errors        atomic.Int64 // no answer in time
	Skipped       atomic.Int64 // not asked, since Redis was away or busy
	LookupMicros  atomic.Int64 // time that answers took
	SharedOldHash atomic.Int64 // latest time at which any door met yesterday's hash (ms)
}

// Store is what this collector has seen, and behind it what all have. It is safe for concurrent use.
type Store struct {
	options  StoreOptions
	memory   *session.Store
	absent   *session.Store // what Redis did not know a moment ago
	breaker  redis.Breaker
	room     chan struct{}
	counters StoreCounters
	own      atomic.Int64 // latest time at which this door met yesterday's hash
	maximum  *redis.Script
}

// absentMillis is how long "not known" is remembered.
const absentMillis = 5000

// NewStore returns a store with an empty memory.
func NewStore(options StoreOptions) *Store {
	if options.Timeout <= 0 {
		options.Timeout = 20 * time.Millisecond
	}
	if options.Concurrent <= 0 {
		options.Concurrent = 128
	}
	return &Store{
		options: options, memory: session.New(options.Memory), absent: session.New(session.Options{MaxSessions: 1 << 14}),
		room: make(chan struct{}, options.Concurrent), maximum: redis.NewScript(maximumScript),
	}
}

// Counters returns the totals.
func (s *Store) Counters() *StoreCounters { return &s.counters }

// Observe notes an event in memory and returns what was known of its session before, by this collector or by all.
func (s *Store) Observe(e *event.Event) (info event.SessionInfo, known bool) {
	if !s.memory.SeenSince(e.WebsiteID, e.SessionID, e.Timestamp-event.SessionGapMillis) {
		s.learn(e.WebsiteID, e.SessionID)
	}
	return s.memory.Observe(e)
}

// Touch notes in memory that the visitor was seen. Redis learns it from the log.
func (s *Store) Touch(websiteID, id string, at int64) { s.memory.Touch(websiteID, id, at) }

// SeenSince reports whether the visitor or session has been seen at that time or later, by this collector or any.
func (s *Store) SeenSince(websiteID, id string, at int64) bool {
	if s.memory.SeenSince(websiteID, id, at) {
		return true
	}
	if s.absent.SeenSince(websiteID, id, at-absentMillis) {
		return false
	}
	if s.learn(websiteID, id) && !s.memory.SeenSince(websiteID, id, at) {
		s.absent.Touch(websiteID, id, at)
	}
	return s.memory.SeenSince(websiteID, id, at)
}

// Expire forgets what this collector has not seen since that time; Redis forgets by itself.
func (s *Store) Expire(before int64) {
	s.memory.Expire(before)
	s.absent.Expire(before)
}

// Len returns the number of sessions in memory.
func (s *Store) Len() int { return s.memory.Len() }

// learn asks Redis and remembers what it knows. answered: it did answer, if only that it does not know.
func (s *Store) learn(websiteID, id string) (answered bool) {
	if !s.breaker.Allow(time.Now()) {
		s.counters.Skipped.Add(1)
		return false
	}
	select {
	case s.room <- struct{}{}:
	default:
		s.counters.Skipped.Add(1)
		return false
	}
	began := time.Now()
	known, err := s.ask(sessionKey(s.options.Client, websiteID, id))
	s.breaker.Done(time.Now(), err == nil || errors.Is(err, errUnknown))
	switch {
	case err == nil:
		s.counters.Hits.Add(1)
		s.memory.Learn(websiteID, id, known)
	case errors.Is(err, errUnknown):
		s.counters.Misses.Add(1)
	default:
		s.counters.Errors.Add(1)
		return false
	}
	s.counters.LookupMicros.Add(time.Since(began).Microseconds())
	return true
}

var errUnknown = errors.New("not known")

// ask waits for the answer as long as a request may. The question goes on behind its back, and keeps its room until it ends.
func (s *Store) ask(key string) (session.Known, error) {
	type answer struct {
		known session.Known
		err   error
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.options.Timeout)
	done := make(chan answer, 1)
	go func() {
		defer func() { <-s.room }()
		defer cancel()
		known, err := s.read(ctx, key)
		done <- answer{known, err}
	}()
	select {
	case a := <-done:
		return a.known, a.err
	case <-ctx.Done():
		select {
		case a := <-done: // cancel runs after the answer
			return a.known, a.err
		default:
			return session.Known{}, ctx.Err()
		}
	}
}

func (s *Store) read(ctx context.Context, key string) (session.Known, error) {
	result, err := s.options.Client.Do(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Hmget().Key(key).Field("s", "l", "n", "p", "a", "o").Build()
	})
	if err != nil {
		return session.Known{}, err
	}
	values, err := result.AsStrSlice() // a field that is not there is ""
	if err != nil || len(values) != 6 {
		return session.Known{}, errors.Join(err, errors.New("a session has not six fields"))
	}
	if values[1] == "" {
		return session.Known{}, errUnknown
	}
	number := func(text string) int64 {
		n, _ := strconv.ParseInt(text, 10, 64) // what is not there is 0
		return n
	}
	return session.Known{
		StartedAt: number(values[0]), LastSeen: number(values[1]), Events: uint32(number(values[2])),
		EntryPage: values[3], EntryAt: number(values[4]), Source: values[5],
	}, nil
}

// OldHash notes a time (ms) at which a visitor came under yesterday's hash, unless it is 0, and returns the latest of all doors,
// as far as Run has heard of it.
func (s *Store) OldHash(at int64) int64 {
	raise(&s.own, at)
	return max(s.own.Load(), s.counters.SharedOldHash.Load())
}

func raise(to *atomic.Int64, value int64) {
	for {
		old := to.Load()
		if value <= old || to.CompareAndSwap(old, value) {
			return
		}
	}
}

// oldHashMillis is how long yesterday's hash is used on after it was met, and a minute.
const oldHashMillis = event.SessionGapMillis + 60_000

// maximumScript raises a number and returns it.
const maximumScript = `
local now = redis.call('get', KEYS[1])
if tonumber(ARGV[1]) > tonumber(now or '0') then
  redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
  return ARGV[1]
end
return now or '0'`

// Run tells the other doors, each second, until when yesterday's hash was met, and hears it from them.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := s.share(ctx); err != nil && ctx.Err() == nil {
			s.counters.Errors.Add(1)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *Store) share(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	results, err := s.options.Client.Run(ctx, []redis.Call{{
		Script: s.maximum, Keys: []string{s.options.Client.Key("old")},
		Args: []string{redis.Decimal(s.own.Load()), redis.Decimal(oldHashMillis)},
	}})
	if err != nil {
		return err
	}
	text, err := results[0].ToString()
	if err != nil {
		return err
	}
	latest, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		raise(&s.counters.SharedOldHash, latest)
	}
	return err
}

func sessionKey(c *redis.Client, websiteID, id string) string {
	return c.SiteKey("s", websiteID) + ":" + id
}

package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/live"
	"github.com/footfall-analytics/footfall/internal/redis"
)

// HubOptions are what a Hub is made of. Client is needed.
type HubOptions struct {
	Client *redis.Client
	// MaxVisitors and Tick are those of live.Options.
	MaxVisitors int
	Tick        time.Duration
	// Keep is how long a site is followed after it was last asked for. Default 1 min.
	Keep time.Duration
	// Patience is how long whoever asks for a site first waits until it has been read. Default 3 s.
	Patience time.Duration
	Now      func() int64 // ms; nil: the machine's clock
	Logger   *slog.Logger // nil: none
}

// Hub shows what stands in Redis. It has the promise of live.Hub: any number of them show the same. Safe for concurrent use.
// Sites that nobody asks for cost nothing.
type Hub struct {
	options HubOptions
	inner   *live.Hub
	status  *redis.Script
	wake    chan struct{} // something is dirty
	changed chan struct{} // sites has changed: the subscriptions of the channel must follow

	mu         sync.Mutex // guards what is below; taken before a follow's mu and before the inner hub's
	sites      map[string]*follow
	partitions int32
	generation string
	ready      bool

	counters HubCounters
}

// HubCounters are totals of a Hub, to be read at any time.
type HubCounters struct {
	Reads, Events, Errors, Outages atomic.Int64
	ReadMicros                     atomic.Int64
}

// NewHub returns a hub that is unavailable until Run has found Redis ready.
func NewHub(options HubOptions) *Hub {
	if options.Keep <= 0 {
		options.Keep = time.Minute
	}
	if options.Patience <= 0 {
		options.Patience = 3 * time.Second
	}
	if options.Now == nil {
		options.Now = func() int64 { return time.Now().UnixMilli() }
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{
		options: options, status: redis.NewScript(askScript), sites: make(map[string]*follow), wake: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		inner: live.New(live.Options{Now: options.Now, MaxVisitors: options.MaxVisitors, Tick: options.Tick, Given: true}),
	}
	h.inner.SetAvailable(false, reasonAway)
	return h
}

// Counters returns the totals.
func (h *Hub) Counters() *HubCounters { return &h.counters }

// Sites returns how many sites are followed.
func (h *Hub) Sites() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sites)
}

// Available reports whether the live view can be shown.
func (h *Hub) Available() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready
}

// Realtime returns the last 30 minutes of a site, as live.Hub does; not available when Redis does not answer in time.
func (h *Hub) Realtime(siteID string, threshold uint8) live.Snapshot {
	if err := h.load(siteID, maxAgeMillis); err != nil {
		return live.Snapshot{SiteID: siteID, Now: h.options.Now()}
	}
	return h.inner.Realtime(siteID, threshold)
}

// Subscribe starts to watch a site, as live.Hub does. While the live view is unavailable the hello says so, and another one
// follows when it is back.
func (h *Hub) Subscribe(siteID string, threshold uint8) (*live.Subscription, error) {
	if err := h.load(siteID, maxAgeMillis); err != nil && !errors.Is(err, errNotReady) {
		return nil, fmt.Errorf("cannot watch a site: %w", err)
	}
	return h.inner.Subscribe(siteID, threshold)
}

// maxAgeMillis is how old what is shown to somebody new may be, even when no message has come since.
const maxAgeMillis = 1000

var errNotReady = errors.New("the live view is unavailable")

// load makes the hub follow the site, and waits until it has been read.
func (h *Hub) load(siteID string, maxAge int64) error {
	f, ready := h.follow(siteID)
	if !ready {
		return errNotReady
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.options.Patience)
	defer cancel()
	return h.read(ctx, f, maxAge)
}

// follow returns the site's follow, a new one if need be, and whether the hub is ready.
func (h *Hub) follow(siteID string) (f *follow, ready bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f = h.sites[siteID]
	if f == nil {
		f = &follow{site: siteID}
		h.sites[siteID] = f
		signal(h.changed)
	}
	f.used = h.options.Now()
	return f, h.ready
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default: // one waits already
	}
}

// Run keeps what is followed up to date until ctx ends; then it ends all subscriptions.
func (h *Hub) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	parts.Go(func() { h.keepListening(ctx) })
	parts.Go(func() { h.keepReading(ctx) })
	parts.Go(func() { h.keepJudging(ctx) })
	err := h.inner.Run(ctx)
	parts.Wait()
	return err
}

const (
	judgeEvery    = time.Second
	judgePatience = 1500 * time.Millisecond
	// maxFailures is how often in a row Redis may not answer before it counts as away.
	maxFailures = 2
)

// keepJudging finds out whether the live view is there.
func (h *Hub) keepJudging(ctx context.Context) {
	tick := time.NewTicker(judgeEvery)
	defer tick.Stop()
	failures := 0
	for {
		s, err := h.ask(ctx)
		if err != nil {
			h.counters.Errors.Add(1)
			failures++
			s = status{reason: reasonAway}
		} else {
			failures = 0
		}
		if err == nil || failures >= maxFailures {
			h.judge(ctx, s)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask reads what the writers say, unless that takes too long.
func (h *Hub) ask(ctx context.Context) (status, error) {
	ctx, cancel := context.WithTimeout(ctx, judgePatience)
	defer cancel()
	return askStatus(ctx, h.options.Client, h.status)
}

// judge tells watchers when the live view goes or comes. Before it comes, all that is followed is read.
func (h *Hub) judge(ctx context.Context, s status) {
	h.mu.Lock()
	was, rewritten := h.ready, s.ready && s.generation != h.generation
	h.ready = h.ready && s.ready && !rewritten
	if s.ready {
		h.partitions, h.generation = s.partitions, s.generation
	}
	h.mu.Unlock()
	if rewritten {
		// Between what was lost and what came since there may be events that were not read: begin again.
		h.each(func(f *follow) bool { f.reset.Store(true); return false })
		s.reason = reasonFilling
	}
	if was && !h.Available() {
		h.counters.Outages.Add(1)
		h.options.Logger.Warn("the live view is unavailable", "reason", s.reason)
	}
	if !h.Available() {
		h.inner.SetAvailable(false, s.reason)
	}
	if s.ready && !h.Available() {
		h.come(ctx)
	}
}

// come makes the live view available, when all that is followed can be read.
func (h *Hub) come(ctx context.Context) {
	all := h.each(func(f *follow) bool { f.rows.Store(true); return true })
	if err := h.readEach(ctx, all, 0); err != nil {
		h.counters.Errors.Add(1) // it is tried again at the next tick
		return
	}
	h.mu.Lock()
	h.ready = true
	h.mu.Unlock()
	h.options.Logger.Info("the live view is available")
	h.inner.SetAvailable(true, "")
}

// each returns the follows that want returns true for, which it calls with h.mu held.
func (h *Hub) each(want func(*follow) bool) []*follow {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*follow
	for _, f := range h.sites {
		if want(f) {
			out = append(out, f)
		}
	}
	return out
}

const (
	readEvery   = 100 * time.Millisecond // at most so often a site is read after messages
	reviewEvery = time.Second            // current visitors of watched sites, and sites to forget
	resyncEvery = 5 * time.Second        // a message may be lost: watched sites are read without one
	readers     = 8
)

// keepReading reads what has messages, and reviews the rest.
func (h *Hub) keepReading(ctx context.Context) {
	review := time.NewTicker(reviewEvery)
	defer review.Stop()
	resynced := h.options.Now()
	for {
		var due []*follow
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
			due = h.each(func(f *follow) bool { return h.ready && f.dirty.Load() })
		case <-review.C:
			now := h.options.Now()
			h.forget(now)
			all := now-resynced >= resyncEvery.Milliseconds()
			if all {
				resynced = now
			}
			due = h.each(func(f *follow) bool { return h.ready && (all || f.dirty.Load() || h.inner.Watched(f.site)) })
		}
		if err := h.readEach(ctx, due, 0); err != nil && ctx.Err() == nil {
			h.counters.Errors.Add(1) // keepJudging finds out whether Redis is away
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(readEvery):
		}
	}
}

// readEach reads several sites side by side.
func (h *Hub) readEach(ctx context.Context, follows []*follow, maxAge int64) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var failed error
	var mu sync.Mutex
	var work sync.WaitGroup
	room := make(chan struct{}, readers)
	for _, f := range follows {
		room <- struct{}{}
		work.Go(func() {
			defer func() { <-room }()
			if err := h.read(ctx, f, maxAge); err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	work.Wait()
	return failed
}

// forget drops the sites that nobody has asked for in a while.
func (h *Hub) forget(now int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for siteID, f := range h.sites {
		if h.inner.Watched(siteID) {
			f.used = now
			continue
		}
		if now-f.used < h.options.Keep.Milliseconds() || !f.reading.TryLock() {
			continue
		}
		if h.inner.Forget(siteID) {
			f.gone = true
			delete(h.sites, siteID)
			signal(h.changed)
		}
		f.reading.Unlock()
	}
}

package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// Source gives back the stored events that the live view is made of.
type Source interface {
	// Recent calls yield for each stored pageview, event and engagement with timestamp >= from, in no particular
	// order. Needed are WebsiteID, Type, Timestamp, SampleKey, BotBand, Page, Country and Source; where Session is set,
	// its Source is taken for the event's. yield keeps nothing of the event.
	Recent(ctx context.Context, from int64, yield func(*event.Event)) error
}

// Options of a Hub. The zero value works.
type Options struct {
	Now         func() int64 // ms since the epoch; nil: the machine's clock
	MaxVisitors int          // distinct visitors tracked per site before visitors are sampled; 0: 100,000
	Tick        time.Duration
	// Given: windows and current visitors are handed in (SetWindow, SetCurrent) instead of made from the events of Apply, and a
	// site is kept until Forget.
	Given bool
}

// Hub is the live state of all sites. It is safe for concurrent use.
type Hub struct {
	options Options

	mu        sync.Mutex // guards all below, including what is inside the sites and the subscriptions' pending messages
	sites     map[string]*site
	available bool
	reason    string
	closed    bool
}

// site is the live state of one website.
type site struct {
	windows *stream.Windows
	given   *given // nil unless Options.Given
	feed    feed
	subs    map[*Subscription]struct{}
	pushed  int64 // clock of the last push
}

// ErrClosed is why a subscription ends when the hub stops.
var ErrClosed = errors.New("live hub is closed")

// New returns an empty hub that is available.
func New(options Options) *Hub {
	if options.Now == nil {
		options.Now = func() int64 { return time.Now().UnixMilli() }
	}
	if options.Tick <= 0 {
		options.Tick = time.Second
	}
	return &Hub{options: options, sites: make(map[string]*site), available: true}
}

// Apply counts events that have been committed. It keeps nothing of them.
func (h *Hub) Apply(events []event.Event) {
	now := h.options.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.add(events, now)
}

func (h *Hub) add(events []event.Event, now int64) {
	var s *site
	siteID := ""
	for i := range events {
		e := &events[i]
		if !e.Type.InSession() || !stream.Live(e.Timestamp, now) {
			continue // a backlog or an import: nothing of it is in the live view
		}
		if s == nil || siteID != e.WebsiteID {
			s, siteID = h.site(e.WebsiteID), e.WebsiteID
		}
		if s.windows.Add(e, now) && len(s.subs) > 0 && e.Type.Counted() {
			s.feed.add(e)
		}
	}
}

func (h *Hub) site(id string) *site {
	s := h.sites[id]
	if s == nil {
		s = &site{windows: stream.NewWindows(h.options.MaxVisitors), subs: make(map[*Subscription]struct{})}
		if h.options.Given {
			s.given = newGiven()
		}
		h.sites[string(append([]byte(nil), id...))] = s // an event's strings share the buffer of the whole record
	}
	return s
}

// Restore counts the stored events of the last 35 minutes. It is called before the first Apply.
func (h *Hub) Restore(ctx context.Context, source Source) error {
	now := h.options.Now()
	err := source.Recent(ctx, now-stream.LateMillis-stream.WindowMillis, func(e *event.Event) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if e.Type.InSession() && stream.Live(e.Timestamp, now) {
			h.site(e.WebsiteID).windows.Add(e, now)
		}
	})
	if err != nil {
		return fmt.Errorf("cannot restore the live view: %w", err)
	}
	return nil
}

// Remake counts a site anew from the stored events, because some of them have gone; who watches it gets a new hello. Apply must not be
// called meanwhile.
func (h *Hub) Remake(ctx context.Context, source Source, siteID string) error {
	now := h.options.Now()
	windows := stream.NewWindows(h.options.MaxVisitors)
	err := source.Recent(ctx, now-stream.LateMillis-stream.WindowMillis, func(e *event.Event) {
		if e.WebsiteID == siteID && e.Type.InSession() && stream.Live(e.Timestamp, now) {
			windows.Add(e, now)
		}
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sites[siteID]; s != nil {
		s.windows = windows // without the stored ones too: what was erased must not show
		s.feed.clear()
		for sub := range s.subs {
			sub.greet(now)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot count site %q of the live view anew: %w", siteID, err)
	}
	return nil
}

// SetAvailable says whether events reach the hub; reason is for people. Watchers are told when it changes, and get a new hello
// when it comes back: they may have missed anything.
func (h *Hub) SetAvailable(available bool, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.available == available {
		return
	}
	h.available, h.reason = available, reason
	now := h.options.Now()
	for _, s := range h.sites {
		for sub := range s.subs {
			sub.send(statusMessage{"status", available, reason})
			if available {
				sub.greet(now)
			}
		}
	}
}

// Run pushes what changed until ctx ends; then it ends all subscriptions.
func (h *Hub) Run(ctx context.Context) error {
	ticker := time.NewTicker(h.options.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			h.close()
			return ctx.Err()
		case <-ticker.C:
			h.Push()
		}
	}
}

// Push sends what changed since the last push, and forgets what is out of view. Run calls it at every tick.
func (h *Hub) Push() {
	now := h.options.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, s := range h.sites {
		s.expire(now)
		if len(s.subs) > 0 {
			if h.available {
				s.push(now)
			}
		} else if s.given == nil && s.windows.Empty() {
			delete(h.sites, id)
		}
	}
}

func (s *site) expire(now int64) {
	s.windows.Expire(now)
	if s.given != nil {
		s.given.expire(now)
	}
}

func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, s := range h.sites {
		for sub := range s.subs {
			sub.end(ErrClosed)
		}
	}
}

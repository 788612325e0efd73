package live

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/footfall-analytics/footfall/internal/stream"
)

// bufferMessages is how far a watcher may be behind before it is ended.
const bufferMessages = 64

// A push sends at most that many windows and minutes to a watcher, the newest first; the rest waits for the next push.
// So a wave of late events does not look like a watcher that is too slow.
const (
	pushWindows = 16
	pushMinutes = 8
)

// currentMillis is how often current visitors are sent even when nothing changed.
const currentMillis = 10_000

// ErrTooSlow is why a subscription ends whose buffer is full.
var ErrTooSlow = errors.New("too slow")

// Subscription is one watcher of one site.
type Subscription struct {
	hub       *Hub
	siteID    string
	threshold uint8
	messages  chan []byte
	err       error // guarded by hub.mu
	ended     bool

	// What is still to be sent, and what was sent last: guarded by hub.mu.
	windows, minutes map[int64]struct{}
	current          int64
	currentAt        int64
	totals           totalsMessage
}

// Subscribe starts to watch a site, counted for bands below threshold. The first message is the hello.
// The caller must call Close.
func (h *Hub) Subscribe(siteID string, threshold uint8) (*Subscription, error) {
	now := h.options.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	s := h.site(siteID)
	if len(s.subs) == 0 {
		s.changed(func(int64) {}, func(int64) {}) // the hello has them
		s.feed.clear()
		s.pushed = now
	}
	sub := &Subscription{
		hub: h, siteID: siteID, threshold: threshold, messages: make(chan []byte, bufferMessages),
		windows: make(map[int64]struct{}), minutes: make(map[int64]struct{}),
	}
	sub.greet(now)
	s.subs[sub] = struct{}{}
	return sub, nil
}

// greet sends the hello, which holds all that a watcher needs. hub.mu is held.
func (s *Subscription) greet(now int64) {
	hello := s.hub.snapshot(s.siteID, s.threshold, now)
	if hello.Available {
		s.current, s.currentAt = *hello.CurrentVisitors, now
		s.totals = totalsMessage{"totals", *hello.Metrics, *hello.Top}
	}
	s.send(helloMessage{"hello", now, hello})
}

// Messages returns the channel of JSON texts. It is closed when the subscription ends; Err says why.
func (s *Subscription) Messages() <-chan []byte { return s.messages }

// Err returns why the subscription ended: ErrTooSlow, ErrClosed, or nil after Close.
func (s *Subscription) Err() error {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.err
}

// Close ends the subscription. It may be called twice.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.end(nil)
}

func (s *Subscription) end(err error) {
	if s.ended {
		return
	}
	s.ended, s.err = true, err
	if site := s.hub.sites[s.siteID]; site != nil {
		delete(site.subs, s)
	}
	close(s.messages)
}

// send queues a message, or ends the subscription when there is no room. hub.mu is held.
func (s *Subscription) send(message any) {
	if s.ended {
		return
	}
	text, err := json.Marshal(message)
	if err != nil {
		panic("BUG: a live message cannot be written as JSON: " + err.Error())
	}
	select {
	case s.messages <- text:
	default:
		s.end(ErrTooSlow)
	}
}

// push sends the site's watchers what changed since the last push. hub.mu is held.
func (s *site) push(now int64) {
	s.collect(now)
	current, totals := map[uint8]int64{}, map[uint8]totalsMessage{} // watchers with one threshold share the work
	for sub := range s.subs {
		t := sub.threshold
		if _, ok := totals[t]; !ok {
			current[t] = s.current(now, t)
			totals[t] = totalsMessage{"totals", metricsOf(s.windows.Totals(now, t)), topOf(s.windows, now, t)}
		}
		sub.push(s, now, current[t], totals[t])
	}
	s.feed.clear()
	s.pushed = now
}

// collect marks the buckets that changed, the windows that closed, and the minute that began.
func (s *site) collect(now int64) {
	mark := func(windows bool) func(start int64) {
		return func(start int64) {
			for sub := range s.subs {
				if windows {
					sub.windows[start] = struct{}{}
				} else {
					sub.minutes[start] = struct{}{}
				}
			}
		}
	}
	s.changed(mark(true), mark(false))
	for closing := windowOf(s.pushed); closing < windowOf(now) && now-closing < stream.LateMillis; closing += stream.WindowMillis {
		if s.window(closing, 4).Events > 0 {
			mark(true)(closing)
		}
	}
	if minute := now - now%stream.MinuteMillis; s.pushed < minute {
		mark(false)(minute)
	}
}

func windowOf(now int64) int64 { return now - now%stream.WindowMillis }

func (s *Subscription) push(site *site, now, current int64, totals totalsMessage) {
	for _, start := range take(s.windows, pushWindows, now-stream.LateMillis-stream.WindowMillis) {
		w := site.window(start, s.threshold)
		s.send(metricsMessage{"metrics", start, w.Pageviews, w.Events, w.Visitors, now < start+stream.WindowMillis})
	}
	for _, start := range take(s.minutes, pushMinutes, stream.FirstMinute(now)) {
		s.send(minuteMessage{"minute", Minute{start, metricsOf(site.windows.Minute(start, s.threshold))}})
	}
	if current != s.current || now-s.currentAt >= currentMillis {
		s.current, s.currentAt = current, now
		s.send(currentMessage{"current", current})
	}
	if !reflect.DeepEqual(totals, s.totals) {
		s.totals = totals
		s.send(totals)
	}
	for _, message := range site.feed.newest(s.threshold) {
		s.send(message)
	}
}

// take removes the n newest starts, and those before first, and returns the former, oldest first.
func take(pending map[int64]struct{}, n int, first int64) []int64 {
	if len(pending) == 0 {
		return nil
	}
	starts := slices.Sorted(maps.Keys(pending))
	for len(starts) > 0 && starts[0] < first {
		delete(pending, starts[0])
		starts = starts[1:]
	}
	starts = starts[max(0, len(starts)-n):]
	for _, start := range starts {
		delete(pending, start)
	}
	return starts
}

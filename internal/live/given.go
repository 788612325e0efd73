package live

import (
	"maps"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// given is what somebody else counts of a site: in a cluster the stream processor makes the windows, and the live store counts
// current visitors.
type given struct {
	rows     map[int64]event.Metric // by start
	changed  map[int64]struct{}     // starts of rows that are new since the last push
	visitors [event.Bands]int64     // current, by threshold - 1
}

func newGiven() *given {
	return &given{rows: make(map[int64]event.Metric), changed: make(map[int64]struct{})}
}

func (g *given) expire(now int64) {
	gone := func(start int64) bool { return !stream.Live(start, now) }
	maps.DeleteFunc(g.rows, func(start int64, _ event.Metric) bool { return gone(start) })
	maps.DeleteFunc(g.changed, func(start int64, _ struct{}) bool { return gone(start) })
}

// SetWindow hands in a window of Options.Given. The row of a start that was emitted last counts.
func (h *Hub) SetWindow(m event.Metric) {
	now := h.options.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !stream.Live(m.Start, now) {
		return
	}
	g := h.site(m.WebsiteID).given
	if old, ok := g.rows[m.Start]; ok && old.EmittedAt >= m.EmittedAt {
		return
	}
	g.rows[m.Start] = m
	g.changed[m.Start] = struct{}{}
}

// SetCurrent hands in the current visitors of Options.Given, by threshold - 1.
func (h *Hub) SetCurrent(siteID string, visitors [event.Bands]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.site(siteID).given.visitors = visitors
}

// Forget drops a site that nobody watches, and reports whether it did.
func (h *Hub) Forget(siteID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sites[siteID]; s != nil && len(s.subs) > 0 {
		return false
	}
	delete(h.sites, siteID)
	return true
}

// Reset forgets the events of a site, and keeps those who watch it. They are told nothing: SetAvailable follows.
func (h *Hub) Reset(siteID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sites[siteID]; s != nil {
		s.windows = stream.NewWindows(h.options.MaxVisitors)
	}
}

// Watched reports whether somebody watches the site.
func (h *Hub) Watched(siteID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sites[siteID]
	return s != nil && len(s.subs) > 0
}

// window returns the counts of a window.
func (s *site) window(start int64, threshold uint8) stream.Tally {
	if s.given == nil {
		return s.windows.Window(start, threshold)
	}
	t := stream.Tally{Start: start}
	row, ok := s.given.rows[start]
	threshold = min(threshold, event.Bands)
	if !ok || threshold == 0 {
		return t
	}
	for band := range threshold {
		t.Pageviews += int64(row.Pageviews[band])
		t.Events += int64(row.Events[band])
	}
	t.Visitors = int64(row.Visitors[threshold-1])
	return t
}

// current returns the visitors of the last 5 minutes.
func (s *site) current(now int64, threshold uint8) int64 {
	if s.given == nil {
		return s.windows.Current(now, threshold)
	}
	if threshold = min(threshold, event.Bands); threshold == 0 {
		return 0
	}
	return s.given.visitors[threshold-1]
}

// changed calls window and minute with the start of each that changed since the last call.
func (s *site) changed(window, minute func(start int64)) {
	if s.given == nil {
		s.windows.Changed(window, minute)
		return
	}
	s.windows.Changed(func(int64) {}, minute)
	for start := range s.given.changed {
		window(start)
	}
	clear(s.given.changed)
}

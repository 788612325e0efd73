package api

import (
	"sync"
	"time"
)

// hourly counts the queries of each key in windows of an hour that start with the key's first query.
type hourly struct {
	limit int // below 0: none
	mu    sync.Mutex
	keys  map[string]*window // by id of a valid key, so there are never more than keys were made
}

type window struct {
	start time.Time
	count int
}

func newHourly(limit int) *hourly { return &hourly{limit: limit, keys: map[string]*window{}} }

// take counts a query of the key, or refuses it until the window ends.
func (h *hourly) take(keyID string, now time.Time) error {
	if h.limit < 0 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.keys[keyID]
	if w == nil || now.Sub(w.start) >= time.Hour {
		w = &window{start: now}
		h.keys[keyID] = w
	}
	if w.count >= h.limit {
		f := fail(codeTooMany, "the API key has used its %d queries of this hour", h.limit)
		f.retryAfter = time.Hour - now.Sub(w.start)
		return f
	}
	w.count++
	return nil
}

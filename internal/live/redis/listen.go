package redis

import (
	"context"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/footfall-analytics/footfall/internal/event"
)

// keepListening hears the messages of the followed sites. After each new connection everything is read, since messages
// that nobody heard are gone.
func (h *Hub) keepListening(ctx context.Context) {
	for ctx.Err() == nil {
		if err := h.listen(ctx); err != nil && ctx.Err() == nil {
			h.counters.Errors.Add(1)
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// listen hears until the connection is lost.
func (h *Hub) listen(ctx context.Context) error {
	conn, err := h.options.Client.Conn()
	if err != nil {
		return err
	}
	dedicated, release := conn.Dedicate()
	defer release()
	lost := dedicated.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(m rueidis.PubSubMessage) { h.hear(m.Channel, m.Message) },
		OnSubscription: func(s rueidis.PubSubSubscription) {
			if s.Kind == "subscribe" { // what was said before was not heard
				h.mark(s.Channel, true)
			}
		},
	})
	heard := map[string]bool{}
	for {
		if err := h.adjust(ctx, dedicated, heard); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			return err
		case <-h.changed:
		}
	}
}

// adjust subscribes to the channels of the followed sites, and to no others.
func (h *Hub) adjust(ctx context.Context, conn rueidis.DedicatedClient, heard map[string]bool) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	wanted := map[string]bool{}
	for _, f := range h.each(func(*follow) bool { return true }) {
		wanted[channel(h.options.Client, f.site)] = true
	}
	more, less := missing(wanted, heard), missing(heard, wanted)
	if len(more) > 0 {
		if err := conn.Do(ctx, conn.B().Subscribe().Channel(more...).Build()).Error(); err != nil {
			return err
		}
	}
	if len(less) > 0 {
		if err := conn.Do(ctx, conn.B().Unsubscribe().Channel(less...).Build()).Error(); err != nil {
			return err
		}
	}
	for _, name := range more {
		heard[name] = true
	}
	for _, name := range less {
		delete(heard, name)
	}
	return nil
}

// missing returns what stands in a and not in b.
func missing(a, b map[string]bool) []string {
	var out []string
	for name := range a {
		if !b[name] {
			out = append(out, name)
		}
	}
	return out
}

// hear takes a message. It must not wait: the connection does.
func (h *Hub) hear(channel, message string) {
	if message == "" {
		h.mark(channel, false)
		return
	}
	site, ok := h.options.Client.SiteOf("live", channel)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock() // so that forget does not come between
	if h.sites[site] != nil {
		h.takeRecord(site, message)
	}
}

// mark notes that a site must be read, rows: with its windows.
func (h *Hub) mark(channel string, rows bool) {
	site, ok := h.options.Client.SiteOf("live", channel)
	if !ok {
		return
	}
	h.mu.Lock()
	f := h.sites[site]
	h.mu.Unlock()
	if f == nil {
		return
	}
	if rows {
		f.rows.Store(true)
	}
	f.dirty.Store(true)
	signal(h.wake)
}

// takeRow takes a value of a hash of windows.
func (h *Hub) takeRow(site, value string) {
	if _, record, ok := strings.Cut(value, " "); ok {
		h.takeRecord(site, record)
	}
}

// takeRecord takes a window. One that cannot be read, or is another site's, is none.
func (h *Hub) takeRecord(site, record string) {
	var m event.Metric
	if m.DecodeMetric([]byte(record)) == nil && m.WebsiteID == site {
		h.inner.SetWindow(m)
	}
}

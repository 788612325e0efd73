package wire

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Front answers plain requests for the door on the connections of an http.Server, before the server reads them.
type Front struct {
	door     Door
	server   *http.Server
	mostBody int64
	date     atomic.Pointer[date]

	exchanges sync.Pool
	busy      atomic.Int64 // requests that are being answered
	closing   atomic.Bool

	mu    sync.Mutex
	fresh map[*conn]struct{} // connections of which the server has not seen a request yet
}

// NewFront returns a front for the server, whose timeouts it keeps; it takes the server's ConnState. Requests with a body of more
// than mostBody bytes are left to the server.
func NewFront(server *http.Server, door Door, mostBody int64) *Front {
	f := &Front{door: door, server: server, mostBody: mostBody, fresh: map[*conn]struct{}{}}
	f.exchanges.New = func() any { return new(exchange) }
	server.ConnState = f.connState
	server.RegisterOnShutdown(f.shutdown)
	return f
}

// Listen returns the listener that the server is to serve. It must yield connections without TLS.
func (f *Front) Listen(l net.Listener) net.Listener { return listener{l, f} }

// Wait waits until all requests that the front has begun are answered. It is for after the server's Shutdown, which knows
// nothing of them.
func (f *Front) Wait(ctx context.Context) error {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for f.busy.Load() > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// shutdown closes the connections that the server would give some seconds, since it has not seen a request of them, although
// they have had an answer.
func (f *Front) shutdown() {
	f.closing.Store(true)
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.fresh {
		if c.answered.Load() {
			_ = c.Close()
		}
	}
}

// connState follows what the server does with a connection. The server calls it on the goroutine that reads.
func (f *Front) connState(nc net.Conn, state http.ConnState) {
	c, ok := nc.(*conn)
	if !ok || state == http.StateNew {
		return
	}
	if c.fresh {
		c.fresh, c.late = false, 0
		f.mu.Lock()
		delete(f.fresh, c)
		f.mu.Unlock()
	}
	switch {
	case state == http.StateHijacked:
		c.stage = through
	case state == http.StateIdle && c.stage == inside && c.owed == 0:
		c.stage = between
	}
}

type listener struct {
	net.Listener
	front *Front
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, front: l.front, peer: netip.IPv6Unspecified(), fresh: true, recalled: make(chan struct{}, 1)}
	if peer, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		c.peer = peer.AddrPort().Addr().Unmap().WithZone("")
	}
	l.front.mu.Lock()
	l.front.fresh[c] = struct{}{}
	l.front.mu.Unlock()
	return c, nil
}

// date is the text of the header Date in one second.
type date struct {
	second int64
	text   string
}

// dateAt returns the text of the header Date.
func (f *Front) dateAt(now time.Time) string {
	second := now.Unix()
	if d := f.date.Load(); d != nil && d.second == second {
		return d.text
	}
	d := &date{second, now.UTC().Format(http.TimeFormat)}
	f.date.Store(d)
	return d.text
}

// idleEnd, headEnd and after are the server's deadlines.
func (f *Front) idleEnd(from time.Time) time.Time {
	return after(from, cmp.Or(f.server.IdleTimeout, f.server.ReadTimeout))
}

func (f *Front) headEnd(from time.Time) time.Time {
	return after(from, cmp.Or(f.server.ReadHeaderTimeout, f.server.ReadTimeout))
}

// after returns the zero time, which is no deadline, when d is 0.
func after(from time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return from.Add(d)
}

package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/live"
)

func getRealtime(c *call) (any, error) {
	if c.api.options.Live == nil {
		return live.Snapshot{SiteID: c.site.WebsiteID, Now: c.api.options.Clock().UnixMilli()}, nil
	}
	return c.api.options.Live.Realtime(c.site.WebsiteID, c.site.Threshold), nil
}

// identifyRoute is identify, and for a WebSocket also takes the key from its sub-protocol.
func (a *API) identifyRoute(r *http.Request, rt *route) (caller, error) {
	if rt.path == livePath {
		if _, text, ok := keyInProtocol(r); ok {
			return a.identifyKey(text)
		}
	}
	return a.identify(r)
}

const livePath = "/api/v1/live"

// keyInProtocol returns the offered sub-protocol that carries a key, and the key.
func keyInProtocol(r *http.Request) (protocol, key string, ok bool) {
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offered := range strings.SplitSeq(header, ",") {
			offered = strings.TrimSpace(offered)
			if key, ok := strings.CutPrefix(offered, keyProtocol); ok {
				return offered, key, true
			}
		}
	}
	return "", "", false
}

// How long the server waits for a watcher that does not take a message or answer a ping.
const (
	writePatience = 10 * time.Second
	pingPatience  = 10 * time.Second
)

// getLive is the WebSocket of docs/format/api.md, "Live".
func getLive(c *call) (any, error) {
	site, err := c.siteNamed(c.r.URL.Query().Get("site_id"))
	if err != nil {
		return nil, err
	}
	if err := c.checkUpgrade(); err != nil {
		return nil, err
	}
	if c.api.options.Live == nil {
		return nil, fail(codeUnavailable, "there is no live view here")
	}
	subscription, err := c.api.options.Live.Subscribe(site.WebsiteID, site.Threshold)
	if err != nil {
		return nil, &failure{code: codeUnavailable, message: "the live view has stopped", cause: err}
	}
	defer subscription.Close()
	options := &websocket.AcceptOptions{InsecureSkipVerify: true} // checkUpgrade has judged the origin
	if protocol, _, ok := keyInProtocol(c.r); ok {
		options.Subprotocols = []string{protocol}
	}
	conn, err := websocket.Accept(c.w, c.r, options)
	if err != nil {
		return hijacked{}, nil // Accept has answered
	}
	c.api.sockets.Add(1)
	defer c.api.sockets.Done()
	w := &watcher{call: c, conn: conn, site: site, subscription: subscription}
	w.run()
	return hijacked{}, nil
}

// checkUpgrade refuses what is no WebSocket handshake, and a cookie that another site's page makes a browser send: the
// handshake is a GET, which checkOrigin lets pass.
func (c *call) checkUpgrade() error {
	if !strings.EqualFold(c.r.Header.Get("Upgrade"), "websocket") {
		return fail(codeInvalid, "this address speaks WebSocket only")
	}
	origin := c.r.Header.Get("Origin")
	if origin == "" || c.caller.key != nil {
		return nil
	}
	from, err := url.Parse(origin)
	if err != nil || !strings.EqualFold(from.Host, c.r.Host) {
		return fail(codeForbidden, "the request comes from another origin")
	}
	return nil
}

// watcher sends one subscription to one WebSocket.
type watcher struct {
	call         *call
	conn         *websocket.Conn
	site         *event.Site
	subscription *live.Subscription
}

// ending is why a WebSocket is closed by the server.
type ending struct {
	status websocket.StatusCode
	reason string
}

func (w *watcher) run() {
	defer w.conn.CloseNow()
	w.conn.SetReadLimit(1 << 10)
	gone, cancel := context.WithCancel(w.call.r.Context())
	var spoke bool
	var reading sync.WaitGroup
	// The read answers pings and closes. Not CloseRead: it waits for itself, 15 s, when a client does say something.
	reading.Go(func() {
		_, _, err := w.conn.Read(gone)
		spoke = err == nil
		cancel()
	})
	end := w.send(gone)
	if end.status == 0 && gone.Err() != nil {
		if reading.Wait(); spoke {
			end = ending{websocket.StatusPolicyViolation, "the client has nothing to say"}
		}
	}
	if end.status != 0 {
		w.conn.Close(end.status, end.reason)
	}
	cancel()
	reading.Wait()
}

// send runs until the connection has gone (the zero ending) or must be closed.
func (w *watcher) send(gone context.Context) ending {
	options, whole := &w.call.api.options, w.call.r.Context() // a write that is cut short takes the connection along, and what is to be said at its end
	ping, recheck := time.NewTicker(options.PingEvery), time.NewTicker(options.RecheckEvery)
	defer ping.Stop()
	defer recheck.Stop()
	for {
		var err error
		select {
		case <-gone.Done():
			return ending{}
		case <-w.call.api.closing.Done():
			return ending{websocket.StatusGoingAway, "the server stops"}
		case <-ping.C:
			err = within(whole, pingPatience, w.conn.Ping)
		case <-recheck.C:
			if end := w.recheck(); end.status != 0 {
				return end
			}
		case message, open := <-w.subscription.Messages():
			if !open {
				return w.ended()
			}
			err = within(whole, writePatience, func(ctx context.Context) error {
				return w.conn.Write(ctx, websocket.MessageText, message)
			})
		}
		if err != nil {
			return ending{}
		}
	}
}

func within(ctx context.Context, patience time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return do(ctx)
}

// recheck ends the connection when the right to it has ended, or when it counts by an old threshold.
func (w *watcher) recheck() ending {
	c := w.call
	if !c.api.stillValid(c.r, c.caller, c.route.scopes, w.site.WebsiteID) {
		return ending{websocket.StatusPolicyViolation, "unauthorized"}
	}
	if now, ok := c.api.options.Accounts.ByID(w.site.WebsiteID); ok && now.Threshold != w.site.Threshold {
		return ending{websocket.StatusServiceRestart, "the site has changed"}
	}
	return ending{}
}

// ended tells why the hub gave the watcher up.
func (w *watcher) ended() ending {
	if errors.Is(w.subscription.Err(), live.ErrTooSlow) {
		return ending{websocket.StatusTryAgainLater, "too slow"}
	}
	return ending{websocket.StatusGoingAway, "the server stops"}
}

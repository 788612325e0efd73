package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/live"
)

// patience is how long a test waits for what must happen; only a failing test waits that long.
const patience = 20 * time.Second

// dial opens the live WebSocket; response is that of a refused handshake.
func (f *fixture) dial(q request) (*websocket.Conn, answer, error) {
	f.t.Helper()
	header := http.Header{}
	if q.key != "" {
		header.Set("Authorization", "Bearer "+q.key)
	}
	if q.cookie != "" {
		header.Set("Cookie", "footfall_session="+q.cookie)
	}
	for _, line := range q.headers {
		name, value, _ := strings.Cut(line, ": ")
		header.Set(name, value)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	protocols := header.Values("Sec-WebSocket-Protocol")
	header.Del("Sec-WebSocket-Protocol")
	conn, response, err := websocket.Dial(ctx, strings.Replace(f.server.URL, "http", "ws", 1)+q.path, &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
	if err != nil {
		if response == nil {
			return nil, answer{}, err
		}
		body := make([]byte, 4096)
		n, _ := response.Body.Read(body)
		return nil, answer{response.StatusCode, response.Header, body[:n]}, err
	}
	f.t.Cleanup(func() { conn.CloseNow() })
	return conn, answer{}, nil
}

func (f *fixture) watch(q request) *websocket.Conn {
	f.t.Helper()
	conn, a, err := f.dial(q)
	if err != nil {
		f.t.Fatalf("cannot open the WebSocket: %v: %s", err, a.body)
	}
	return conn
}

// next returns the next message of one of the types.
func next(t *testing.T, conn *websocket.Conn, types ...string) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		kind, text, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("no message of %v: %v", types, err)
		}
		var message map[string]any
		if err := json.Unmarshal(text, &message); err != nil || kind != websocket.MessageText {
			t.Fatalf("message %s: %v", text, err)
		}
		for _, name := range types {
			if message["type"] == name {
				return message
			}
		}
	}
}

// wantClose reads until the server closes.
func wantClose(t *testing.T, conn *websocket.Conn, status websocket.StatusCode, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, _, err := conn.Read(ctx)
		if err == nil {
			continue
		}
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != status || closed.Reason != reason {
			t.Errorf("the connection ended with %v, want %d %q", err, status, reason)
		}
		return
	}
}

func (f *fixture) pageview(page string) event.Event {
	now := f.clock.Now().UnixMilli()
	return event.Event{WebsiteID: f.a.WebsiteID, Type: event.Pageview, Timestamp: now, ReceivedAt: now, UserID: "u", SampleKey: 1, SessionID: "s", Page: page, Title: strings.Repeat("t", 500)}
}

func TestLive(t *testing.T) {
	f := open(t, nil)
	conn := f.watch(request{path: "/api/v1/live?site_id=a.example", cookie: f.login(), headers: []string{"Origin: " + f.server.URL}})
	hello := next(t, conn, "hello")
	if realtime := hello["realtime"].(map[string]any); realtime["site_id"] != f.a.WebsiteID || len(realtime["minutes"].([]any)) != 30 || realtime["available"] != true {
		t.Errorf("hello %v", hello)
	}
	f.hub.Apply([]event.Event{f.pageview("/pricing")})
	f.hub.Push()
	if m := next(t, conn, "metrics"); m["pageviews"] != 1.0 || m["active_visitors"] != 1.0 || m["open"] != true {
		t.Errorf("metrics %v", m)
	}
	if m := next(t, conn, "minute"); m["active_users"] != 1.0 {
		t.Errorf("minute %v", m)
	}
	if m := next(t, conn, "current"); m["visitors"] != 1.0 {
		t.Errorf("current %v", m)
	}
	if m := next(t, conn, "totals"); m["pageviews"] != 1.0 {
		t.Errorf("totals %v", m)
	}
	if m := next(t, conn, "event"); m["page"] != "/pricing" || m["event_type"] != "pageview" {
		t.Errorf("event %v", m)
	}
	f.hub.SetAvailable(false, "resting")
	if m := next(t, conn, "status"); m["available"] != false || m["reason"] != "resting" {
		t.Errorf("status %v", m)
	}
	var snapshot map[string]any
	f.read(f.do(request{method: "GET", path: "/api/v1/sites/a.example/realtime", cookie: f.login()}), 200, &snapshot)
	if snapshot["available"] != false || snapshot["current_visitors"] != nil || snapshot["minutes"] != nil {
		t.Errorf("realtime %v", snapshot)
	}
}

func TestRealtime(t *testing.T) {
	f := open(t, nil)
	_, key := f.addKey(f.a.WebsiteID, "stats")
	person, robot := f.pageview("/"), f.pageview("/")
	robot.SampleKey, robot.BotBand = 2, 2
	f.hub.Apply([]event.Event{person, robot})
	get := func() (visitors float64, minutes []any) {
		var snapshot map[string]any
		f.read(f.do(request{method: "GET", path: "/api/v1/sites/" + f.a.WebsiteID + "/realtime", key: key}), 200, &snapshot)
		return snapshot["current_visitors"].(float64), snapshot["minutes"].([]any)
	}
	if visitors, minutes := get(); visitors != 1 || len(minutes) != 30 {
		t.Errorf("%v visitors, %d minutes", visitors, len(minutes))
	}
	threshold := 3
	if _, err := f.accounts.ChangeSite(context.Background(), f.a.WebsiteID, account.SiteChange{Threshold: &threshold}); err != nil {
		t.Fatal(err)
	}
	if visitors, _ := get(); visitors != 2 {
		t.Errorf("%v visitors after the threshold moved", visitors)
	}
}

func TestLiveByKey(t *testing.T) {
	f := open(t, nil)
	_, key := f.addKey(f.a.WebsiteID, "stats")
	next(t, f.watch(request{path: "/api/v1/live?site_id=" + f.a.WebsiteID, key: key}), "hello")
	// A browser page of another origin may use a key, by the sub-protocol.
	conn := f.watch(request{path: "/api/v1/live?site_id=a.example", headers: []string{"Origin: https://wall.example", "Sec-WebSocket-Protocol: footfall.key." + key}})
	next(t, conn, "hello")
	if conn.Subprotocol() != "footfall.key."+key {
		t.Errorf("sub-protocol %q", conn.Subprotocol())
	}
}

func TestLiveRefuses(t *testing.T) {
	f := open(t, nil)
	cookie := f.login()
	_, other := f.addKey(f.b.WebsiteID, "stats")
	_, weak := f.addKey(f.a.WebsiteID, "ingest")
	refuse := func(q request, status int, code string) {
		t.Helper()
		q.path = "/api/v1/live?site_id=a.example"
		conn, a, err := f.dial(q)
		if err == nil {
			conn.CloseNow()
			t.Errorf("%v was let in", q)
			return
		}
		f.wantError(a, status, code, "")
	}
	refuse(request{}, 401, "unauthorized")
	refuse(request{cookie: "nothing"}, 401, "unauthorized")
	refuse(request{key: other}, 403, "forbidden")
	refuse(request{key: weak}, 403, "forbidden")
	refuse(request{headers: []string{"Sec-WebSocket-Protocol: footfall.key." + other}}, 403, "forbidden")
	refuse(request{headers: []string{"Sec-WebSocket-Protocol: footfall.key.x"}, cookie: cookie}, 401, "unauthorized")
	for _, origin := range []string{"https://evil.example", "null", "http://127.0.0.1:1", "://"} {
		refuse(request{cookie: cookie, headers: []string{"Origin: " + origin}}, 403, "forbidden")
	}
}

// A right that ends closes what was opened by it.
func TestLiveEnds(t *testing.T) {
	f := open(t, func(o *Options) { o.RecheckEvery, o.PingEvery = 20*time.Millisecond, 5*time.Millisecond })
	ctx := context.Background()
	const path = "/api/v1/live?site_id=a.example"
	cookie := f.login()
	keyID, key := f.addKey(f.a.WebsiteID, "stats")
	byCookie, byKey, stays := f.watch(request{path: path, cookie: cookie}), f.watch(request{path: path, key: key}), f.watch(request{path: path, cookie: f.login()})
	for _, conn := range []*websocket.Conn{byCookie, byKey, stays} {
		next(t, conn, "hello")
	}
	if err := f.accounts.EndSession(ctx, cookie); err != nil {
		t.Fatal(err)
	}
	wantClose(t, byCookie, websocket.StatusPolicyViolation, "unauthorized")
	if err := f.accounts.DeleteKey(ctx, f.a.WebsiteID, keyID); err != nil {
		t.Fatal(err)
	}
	wantClose(t, byKey, websocket.StatusPolicyViolation, "unauthorized")
	f.hub.Apply([]event.Event{f.pageview("/")})
	f.hub.Push()
	next(t, stays, "metrics")
	threshold := 4
	if _, err := f.accounts.ChangeSite(ctx, f.a.WebsiteID, account.SiteChange{Threshold: &threshold}); err != nil {
		t.Fatal(err)
	}
	wantClose(t, stays, websocket.StatusServiceRestart, "the site has changed")
	gone := f.watch(request{path: path, cookie: f.login()})
	next(t, gone, "hello")
	if err := f.accounts.DeleteSite(ctx, f.a.WebsiteID); err != nil {
		t.Fatal(err)
	}
	wantClose(t, gone, websocket.StatusPolicyViolation, "unauthorized")
}

// spy is a hub that hands out its subscriptions.
type spy struct {
	*live.Hub
	made chan *live.Subscription
}

func (s spy) Subscribe(websiteID string, threshold uint8) (*live.Subscription, error) {
	sub, err := s.Hub.Subscribe(websiteID, threshold)
	s.made <- sub
	return sub, err
}

// A client that does not read is given up, and learns why once it reads.
func TestLiveTooSlow(t *testing.T) {
	made := make(chan *live.Subscription, 1)
	f := open(t, func(o *Options) { o.Live = spy{o.Live.(*live.Hub), made} })
	slow := f.watch(request{path: "/api/v1/live?site_id=a.example", cookie: f.login()})
	subscription := <-made
	next(t, slow, "hello")
	// What the connection's own buffers hold must be filled first: megabytes of events.
	events := make([]event.Event, 10)
	for i := range events {
		events[i] = f.pageview("/" + strings.Repeat("p", 4000))
	}
	for range 20_000 {
		f.hub.Apply(events)
		f.hub.Push()
		if subscription.Err() != nil {
			break
		}
	}
	if !errors.Is(subscription.Err(), live.ErrTooSlow) {
		t.Fatalf("the hub still waits for the client: %v", subscription.Err())
	}
	slow.SetReadLimit(1 << 20)
	wantClose(t, slow, websocket.StatusTryAgainLater, "too slow")
}

func TestLiveClientMaySayNothing(t *testing.T) {
	f := open(t, nil)
	conn := f.watch(request{path: "/api/v1/live?site_id=a.example", cookie: f.login()})
	next(t, conn, "hello")
	if err := conn.Write(context.Background(), websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	wantClose(t, conn, websocket.StatusPolicyViolation, "the client has nothing to say")
}

func TestCloseEndsLive(t *testing.T) {
	f := open(t, nil)
	conn := f.watch(request{path: "/api/v1/live?site_id=a.example", cookie: f.login()})
	next(t, conn, "hello")
	done := make(chan error, 1)
	go func() { done <- f.api.Close() }()
	wantClose(t, conn, websocket.StatusGoingAway, "the server stops")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

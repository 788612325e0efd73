package redis_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/redis"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
	sessionredis "github.com/footfall-analytics/footfall/internal/session/redis"
)

// sink puts what doors take into a log, and remembers the last visitor.
type sink struct {
	log  *redistest.Log
	mu   sync.Mutex
	n    int64
	user string
}

func (s *sink) Begin(_ context.Context, topic eventlog.Topic, records []eventlog.Record) (eventlog.Pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		value := append([]byte(nil), r.Value...)
		s.log.Append(topic, 0, value)
		s.n++
		var e event.Event
		if e.DecodeEvent(value) == nil {
			s.user = e.UserID
		}
	}
	return durable{}, nil
}

type durable struct{}

func (durable) Wait(context.Context) error { return nil }

// oneSite is the only site.
type oneSite struct{}

func (oneSite) ByTracking(string) (*event.Site, bool) {
	return &event.Site{WebsiteID: "w", TrackingID: "t", IPPolicy: event.IPNone, Threshold: 2}, true
}

// clock is shared by all doors and the writer.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// newDoor returns a collector with a session store of its own in front of Redis, and the salts of dir.
func newDoor(t *testing.T, client *redis.Client, to *sink, clock *clock, dir string) http.Handler {
	t.Helper()
	geo, errGeo := enrich.OpenGeo("")
	agents, errAgents := enrich.NewAgentParser()
	sources, errSources := enrich.NewSources()
	if errGeo != nil || errAgents != nil || errSources != nil {
		t.Fatal(errGeo, errAgents, errSources)
	}
	own := t.TempDir()
	if salts, err := os.ReadFile(filepath.Join(dir, "salts.json")); err == nil {
		if err := os.WriteFile(filepath.Join(own, "salts.json"), salts, 0o600); err != nil {
			t.Fatal(err)
		}
	} else {
		own = dir
	}
	store := sessionredis.NewStore(sessionredis.StoreOptions{Client: client, Timeout: time.Second})
	start(t, store.Run)
	h, err := collect.New(collect.Options{Sink: to, Sites: oneSite{}, Dir: own, Geo: geo, Agents: agents, Sources: sources, Sessions: store, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h.Routes(mux)
	return mux
}

// TestYesterdaysHashHoldsAtEveryDoor: the visitor goes from door to door over midnight, one of them started in between, never
// more than 30 minutes apart.
func TestYesterdaysHashHoldsAtEveryDoor(t *testing.T) {
	client, to, dir := redistest.Open(t, os.Getenv(redistest.Address)), &sink{log: redistest.NewLog()}, t.TempDir()
	midnight := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	clock := &clock{at: midnight.Add(-10 * time.Minute)}
	w, _ := startWriter(t, client, to.log, func() int64 { return clock.Now().UnixMilli() })
	visit := func(door http.Handler, after time.Duration, address string) string {
		t.Helper()
		clock.set(midnight.Add(after))
		r := httptest.NewRequest("POST", "/v1/events", strings.NewReader(`[{"type":"pageview","tracking_id":"t","data":{"page":"/"}}]`))
		r.RemoteAddr = address + ":1234"
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		reply := httptest.NewRecorder()
		door.ServeHTTP(reply, r)
		if reply.Code != http.StatusOK {
			t.Fatalf("%d %s", reply.Code, reply.Body)
		}
		to.mu.Lock()
		defer to.mu.Unlock()
		inRedis(t, w, to.n)
		time.Sleep(1500 * time.Millisecond) // the doors tell each other each second
		return to.user
	}
	const here, there = "198.51.100.7", "198.51.100.8"
	a := newDoor(t, client, to, clock, dir)
	b := newDoor(t, client, to, clock, dir)
	user := visit(a, -10*time.Minute, here)
	for _, step := range []struct {
		name  string
		door  http.Handler
		after time.Duration
	}{
		{"another door after midnight", b, 10 * time.Minute},
		{"the first one, which saw the visitor yesterday only", a, 35 * time.Minute},
		{"a door that started after midnight", newDoor(t, client, to, clock, dir), 55 * time.Minute},
		{"the second one", b, 85 * time.Minute},
	} {
		if got := visit(step.door, step.after, here); got != user {
			t.Errorf("%s, %s: another id", step.name, step.after)
		}
	}
	if got := visit(b, 86*time.Minute, there); got == user {
		t.Error("another visitor has the same id")
	}
	if got := visit(a, 116*time.Minute, here); got == user {
		t.Error("yesterday's hash is used on after more than 30 minutes")
	}
}

package account_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/account"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock() *clock { return &clock{now: time.UnixMilli(1_763_856_000_000)} }

func open(t *testing.T, p *account.Place, clock *clock) *account.Store {
	t.Helper()
	s, err := account.Open(p.In(account.Options{Clock: clock.Now, Logger: slog.New(slog.DiscardHandler)}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openNew(t *testing.T, p *account.Place) (*account.Store, *clock) {
	t.Helper()
	clock := newClock()
	return open(t, p, clock), clock
}

func addSite(t *testing.T, s *account.Store, domain string) string {
	t.Helper()
	site, err := s.AddSite(context.Background(), account.NewSite{Domain: domain})
	if err != nil {
		t.Fatal(err)
	}
	return site.WebsiteID
}

func TestReopenKeepsEverything(t *testing.T) { account.OnEach(t, testReopenKeepsEverything) }

func testReopenKeepsEverything(t *testing.T, p *account.Place) {
	clock, ctx := newClock(), context.Background()
	s := open(t, p, clock)
	id := addSite(t, s, "example.com")
	_, text, err := s.AddKey(ctx, id, "reader", []string{"stats"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddUser(ctx, account.NewUser{Email: "Ada@example.com", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	_, token, err := s.Login(ctx, "ada@example.com", "correct horse", "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Authorize(text, "stats"); !ok {
		t.Fatal("the new key is refused")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	clock.Add(time.Hour)
	s = open(t, p, clock)
	site, ok := s.ByTracking("example.com")
	if !ok || site.WebsiteID != id || site.Timezone != "UTC" || site.Threshold != 2 || site.IPPolicy != "none" {
		t.Errorf("site after reopening: %+v, %v", site, ok)
	}
	if keys := s.Keys(id); len(keys) != 1 || keys[0].LastUsedAt() != newClock().Now().UnixMilli() {
		t.Errorf("keys after reopening: %+v", keys)
	}
	if got, ok := s.Authorize(text, "stats"); !ok || got != id {
		t.Errorf("the key gives %q, %v", got, ok)
	}
	if user, err := s.SessionUser(ctx, token); err != nil || user.Email != "ada@example.com" {
		t.Errorf("the session gives %+v, %v", user, err)
	}
}

package account_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
)

// eventually waits for a condition; the bound is for broken code, not for speed.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// two returns two Stores on one database, as two processes have them.
func two(t *testing.T, p *account.Place) (a, b *account.Store) {
	t.Helper()
	clock := newClock()
	return open(t, p, clock), open(t, p, clock)
}

func TestChangesShowInOtherProcesses(t *testing.T) {
	a, b := two(t, account.OnPostgres(t))
	ctx := context.Background()
	id := addSite(t, a, "a.example")
	begin := time.Now()
	eventually(t, "the new site", func() bool { _, ok := b.ByTracking("a.example"); return ok })
	t.Logf("a new site is known to the other process after %v", time.Since(begin))
	_, text := addKey(t, b, id, "stats")
	eventually(t, "the new key", func() bool { _, ok := a.Authorize(text, "stats"); return ok })
	// A process may change what it has not heard of yet.
	late := addSite(t, b, "late.example")
	name := "later.example"
	if _, err := a.ChangeSite(ctx, late, account.SiteChange{Domain: &name}); err != nil {
		t.Errorf("a change of another process's new site: %v", err)
	}
	eventually(t, "the new domain", func() bool { _, ok := b.ByID(name); return ok })
	if err := a.DeleteSite(ctx, id); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the key", func() bool { _, ok := b.Authorize(text, "stats"); return !ok })
	if _, _, err := b.AddKey(ctx, id, "k", []string{"stats"}); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("a key for a deleted site: %v", err)
	}
}

// TestPollFindsWhatWasNotAnnounced changes the database as one would by hand: nobody is told.
func TestPollFindsWhatWasNotAnnounced(t *testing.T) {
	p := account.OnPostgres(t)
	s := open(t, p, newClock())
	addSite(t, s, "a.example")
	p.Exec(t, `update sites set domain = 'b.example'`)
	p.Exec(t, `update revision set changes = changes + 1`)
	eventually(t, "the change", func() bool { _, ok := s.ByID("b.example"); return ok })
}

func TestProcessesStartAtOnce(t *testing.T) {
	p := account.OnPostgres(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s, err := account.Open(p.In(account.Options{Logger: slog.New(slog.DiscardHandler)}))
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// race runs do on both stores many times at once and returns how often it succeeded; all else must be a conflict.
func race(t *testing.T, times int, stores []*account.Store, do func(s *account.Store, i int) error) int {
	t.Helper()
	var mu sync.Mutex
	won := 0
	var group sync.WaitGroup
	for i := range times {
		for _, s := range stores {
			group.Go(func() {
				err := do(s, i)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, account.ErrConflict) {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	return won
}

func TestProcessesAddTheSameDomain(t *testing.T) {
	a, b := two(t, account.OnPostgres(t))
	won := race(t, 20, []*account.Store{a, b}, func(s *account.Store, i int) error {
		_, err := s.AddSite(context.Background(), account.NewSite{Domain: fmt.Sprintf("s%d.example", i/2)})
		return err
	})
	if won != 10 {
		t.Errorf("10 domains were added %d times", won)
	}
	for _, s := range []*account.Store{a, b} {
		eventually(t, "all sites", func() bool { return len(s.All()) == 10 })
	}
}

func TestSetupInTwoProcesses(t *testing.T) {
	a, b := two(t, account.OnPostgres(t))
	won := race(t, 3, []*account.Store{a, b}, func(s *account.Store, i int) error {
		_, err := s.AddFirstUser(context.Background(), account.NewUser{Email: fmt.Sprintf("u%d%p@example.com", i, s), Password: password})
		return err
	})
	if won != 1 {
		t.Errorf("%d first users were made", won)
	}
}

// No change of one process may undo what another one has changed meanwhile.
func TestProcessesChangeOneSite(t *testing.T) {
	a, b := two(t, account.OnPostgres(t))
	id := addSite(t, a, "a.example")
	hosts, ignore := []string{"www.a.example"}, true
	changes := []account.SiteChange{{Hostnames: &hosts}, {IgnoreSignals: &ignore}}
	race(t, 10, []*account.Store{a, b}, func(s *account.Store, i int) error {
		_, err := s.ChangeSite(context.Background(), id, changes[i%2])
		return err
	})
	for _, s := range []*account.Store{a, b} {
		eventually(t, "both changes", func() bool {
			site, ok := s.ByID(id)
			return ok && len(site.Hostnames) == 1 && site.IgnoreSignals
		})
	}
}

func TestSessionsAreShared(t *testing.T) {
	a, b := two(t, account.OnPostgres(t))
	ctx := context.Background()
	user := addUser(t, a, "ada@example.com")
	_, token, err := b.Login(ctx, "ada@example.com", password, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.SessionUser(ctx, token); err != nil || *got != *user {
		t.Errorf("the session elsewhere: %+v, %v", got, err)
	}
	if err := a.EndSession(ctx, token); err != nil {
		t.Fatal(err)
	}
	if _, err := b.SessionUser(ctx, token); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("after the logout elsewhere: %v", err)
	}
}

// The synctest of TestSessionEnds cannot wait for a server: here the end is moved instead.
func TestSessionEndsOnPostgres(t *testing.T) {
	p := account.OnPostgres(t)
	s := open(t, p, newClock())
	ctx := context.Background()
	token, err := s.StartSession(ctx, addUser(t, s, "ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	p.Exec(t, `update login_sessions set expires_at = $1`, time.Now().Add(time.Hour).UnixMilli())
	if _, err := s.SessionUser(ctx, token); err != nil { // prolongs
		t.Fatal(err)
	}
	p.Exec(t, `update login_sessions set expires_at = expires_at - $1`, (account.LoginIdle - time.Minute).Milliseconds())
	if _, err := s.SessionUser(ctx, token); err != nil {
		t.Errorf("a used session has ended: %v", err)
	}
	p.Exec(t, `update login_sessions set expires_at = $1`, time.Now().Add(-time.Second).UnixMilli())
	if _, err := s.SessionUser(ctx, token); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("an ended session: %v", err)
	}
}

// What nobody can have stored is not found, as in SQLite, though PostgreSQL refuses to look for it.
func TestTextThatCannotBeStored(t *testing.T) {
	account.OnEach(t, func(t *testing.T, p *account.Place) {
		s, _ := openNew(t, p)
		ctx := context.Background()
		for _, text := range []string{"a\x00@b.example", "\xff@b.example"} {
			if _, _, err := s.Login(ctx, text, password, "192.0.2.1"); !errors.Is(err, account.ErrWrongPassword) {
				t.Errorf("login as %q: %v", text, err)
			}
			if err := s.DeleteKey(ctx, text, text); !errors.Is(err, account.ErrNotFound) {
				t.Errorf("deleting the key %q: %v", text, err)
			}
		}
	})
}

func TestNoSecretIsInPostgres(t *testing.T) {
	p := account.OnPostgres(t)
	s := open(t, p, newClock())
	ctx := context.Background()
	_, key := addKey(t, s, addSite(t, s, "a.example"), "stats")
	addUser(t, s, "ada@example.com")
	_, token, err := s.Login(ctx, "ada@example.com", password, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, p.In(account.Options{}).DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, table := range []string{"users", "sites", "api_keys", "login_sessions", "salts", "revision"} {
		var text string
		if err := conn.QueryRow(ctx, `select coalesce(string_agg(t::text, ' '), '') from `+table+` t`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		for name, secret := range map[string]string{"key": key, "password": password, "token": token} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds the %s", table, name)
			}
		}
	}
}

// The last use of a key is the latest of all processes.
func TestLastUseOfAllProcesses(t *testing.T) {
	p, clock := account.OnPostgres(t), newClock()
	options := account.Options{Clock: clock.Now, Logger: slog.New(slog.DiscardHandler), FlushEvery: 20 * time.Millisecond}
	openFast := func() *account.Store {
		s, err := account.Open(p.In(options))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	a, b := openFast(), openFast()
	id := addSite(t, a, "a.example")
	_, text := addKey(t, a, id, "stats")
	eventually(t, "the key", func() bool { _, ok := b.Authorize(text, "stats"); return ok })
	clock.Add(time.Hour)
	a.Authorize(text, "stats")
	want := clock.Now().UnixMilli()
	eventually(t, "the last use elsewhere", func() bool { return b.Keys(id)[0].LastUsedAt() == want })
}

// TestServerDropsConnections: a server that starts again is not noticed by callers.
func TestServerDropsConnections(t *testing.T) {
	p := account.OnPostgres(t)
	a, b := two(t, p)
	user := addUser(t, a, "ada@example.com")
	for i := range 5 {
		p.Drop(t)
		domain := fmt.Sprintf("s%d.example", i)
		addSite(t, a, domain)
		eventually(t, "the change after a break", func() bool { _, ok := b.ByID(domain); return ok })
		p.Drop(t)
		token, err := b.StartSession(context.Background(), user)
		if err != nil {
			t.Fatal(err)
		}
		p.Drop(t)
		if _, err := a.SessionUser(context.Background(), token); err != nil {
			t.Errorf("a session after a break: %v", err)
		}
	}
}

// cable is a connection to the server that can be cut.
type cable struct {
	server string
	port   int

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	deaf     bool // what comes is swallowed, as by a machine that has lost its power
	moving   sync.WaitGroup
}

func newCable(t *testing.T, server string) *cable {
	t.Helper()
	c := &cable{server: server}
	c.plug(t)
	t.Cleanup(c.cut)
	return c
}

func (c *cable) plug(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.port))
	if err != nil {
		t.Fatal(err)
	}
	c.listener, c.port = listener, listener.Addr().(*net.TCPAddr).Port
	c.moving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", c.server)
			if err != nil {
				conn.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn, to)
			c.mu.Unlock()
			c.moving.Go(func() { c.move(to, conn) })
			c.moving.Go(func() { c.move(conn, to) })
		}
	})
}

func (c *cable) move(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		c.mu.Lock()
		deaf := c.deaf
		c.mu.Unlock()
		if !deaf {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *cable) setDeaf(deaf bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf = deaf
}

func (c *cable) cut() {
	c.listener.Close()
	c.mu.Lock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
	c.mu.Unlock()
	c.moving.Wait()
}

func TestServerGoesAway(t *testing.T) {
	p := account.OnPostgres(t)
	cable := newCable(t, p.Server())
	s, err := account.Open(p.By(cable.port, account.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	near := open(t, p, newClock())
	id := addSite(t, s, "a.example")
	_, text := addKey(t, s, id, "ingest")
	user := addUser(t, s, "ada@example.com")
	token, err := s.StartSession(context.Background(), user)
	if err != nil {
		t.Fatal(err)
	}
	away := func(t *testing.T) {
		checkUnavailable(t, s, id, token)
		site, ok := s.ByTracking("a.example")
		if _, authorized := s.Authorize(text, "ingest"); !ok || site.WebsiteID != id || !authorized {
			t.Error("the hot path has stopped")
		}
	}
	t.Run("refused", func(t *testing.T) {
		cable.cut()
		away(t)
		addSite(t, near, "b.example")
		cable.plug(t)
		eventually(t, "what was missed", func() bool { _, ok := s.ByID("b.example"); return ok })
		addSite(t, s, "c.example")
	})
	t.Run("silent", func(t *testing.T) {
		if testing.Short() {
			t.Skip("waits for the patience to end")
		}
		cable.setDeaf(true)
		away(t)
		addSite(t, near, "d.example")
		cable.setDeaf(false)
		cable.cut()
		cable.plug(t)
		eventually(t, "what was missed", func() bool { _, ok := s.ByID("d.example"); return ok })
		addSite(t, s, "e.example")
		if _, err := s.SessionUser(context.Background(), token); err != nil {
			t.Errorf("the session afterwards: %v", err)
		}
	})
}

// checkUnavailable: all that needs the database fails with the one error that says so, however many wait at once.
func checkUnavailable(t *testing.T, s *account.Store, id, token string) {
	t.Helper()
	ctx := context.Background()
	threshold := 1
	var group sync.WaitGroup
	for what, do := range map[string]func() error{
		"AddSite":     func() error { _, err := s.AddSite(ctx, account.NewSite{Domain: "x.example"}); return err },
		"ChangeSite":  func() error { _, err := s.ChangeSite(ctx, id, account.SiteChange{Threshold: &threshold}); return err },
		"AddKey":      func() error { _, _, err := s.AddKey(ctx, id, "k", []string{"stats"}); return err },
		"Login":       func() error { _, _, err := s.Login(ctx, "ada@example.com", password, "192.0.2.1"); return err },
		"SessionUser": func() error { _, err := s.SessionUser(ctx, token); return err },
		"EndSession":  func() error { return s.EndSession(ctx, "x") },
		"AddFirstUser": func() error {
			_, err := s.AddFirstUser(ctx, account.NewUser{Email: "b@b.example", Password: password})
			return err
		},
		"SettleSalts": func() error { _, err := s.SettleSalts(ctx, 0, []event.Salt{{Purpose: event.SaltVisitors}}); return err },
	} {
		for range 2 {
			group.Go(func() {
				if err := do(); !errors.Is(err, account.ErrUnavailable) {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
	}
	group.Wait()
}

func TestOpenWithoutServer(t *testing.T) {
	p := account.OnPostgres(t)
	cable := newCable(t, p.Server())
	cable.cut()
	if s, err := account.Open(p.By(cable.port, account.Options{})); !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("open: %v, %v", s, err)
	}
}

func TestOpenNeedsOnePlace(t *testing.T) {
	for _, options := range []account.Options{{}, {Path: "x", DSN: "postgres://x@127.0.0.1/x"}, {DSN: "postgres://x:secret@:a:b/"}} {
		_, err := account.Open(options)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v", options, err)
		}
	}
}

package account_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
)

const password = "correct horse"

func addUser(t *testing.T, s *account.Store, email string) *account.User {
	t.Helper()
	user, err := s.AddUser(context.Background(), account.NewUser{Email: email, Password: password, Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func TestLogin(t *testing.T) { account.OnEach(t, testLogin) }

func testLogin(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	ctx := context.Background()
	addUser(t, s, "Ada@Example.com")
	user, token, err := s.Login(ctx, " ada@example.COM", password, "192.0.2.1")
	if err != nil || user.Email != "ada@example.com" || user.Name != "Ada" {
		t.Fatalf("login: %+v, %v", user, err)
	}
	if got, err := s.SessionUser(ctx, token); err != nil || *got != *user {
		t.Errorf("session: %+v, %v", got, err)
	}
	_, other, err := s.Login(ctx, "ada@example.com", password, "192.0.2.1")
	if err != nil || other == token {
		t.Errorf("the second login has the token of the first, or %v", err)
	}
	if err := s.EndSession(ctx, token); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SessionUser(ctx, token); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("after the logout: %v", err)
	}
	if _, err := s.SessionUser(ctx, other); err != nil {
		t.Errorf("the other session: %v", err)
	}
	for _, bad := range []string{"", "x", token + "x", strings.Repeat("a", 1<<16)} {
		if _, err := s.SessionUser(ctx, bad); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("token %.10q: %v", bad, err)
		}
	}
}

func TestLoginTellsNothing(t *testing.T) { account.OnEach(t, testLoginTellsNothing) }

func testLoginTellsNothing(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	ctx := context.Background()
	addUser(t, s, "ada@example.com")
	_, _, known := s.Login(ctx, "ada@example.com", "wrong", "192.0.2.1")
	_, _, unknown := s.Login(ctx, "bob@example.com", "wrong", "192.0.2.1")
	_, _, long := s.Login(ctx, "ada@example.com", strings.Repeat("x", 1<<20), "192.0.2.1")
	for _, err := range []error{known, unknown, long} {
		if !errors.Is(err, account.ErrWrongPassword) || err.Error() != known.Error() {
			t.Errorf("%v, want %v", err, known)
		}
	}
}

func TestLoginLimit(t *testing.T) { account.OnEach(t, testLoginLimit) }

func testLoginLimit(t *testing.T, p *account.Place) {
	s, clock := openNew(t, p)
	ctx := context.Background()
	addUser(t, s, "ada@example.com")
	try := func(email, password, address string) error {
		_, _, err := s.Login(ctx, email, password, address)
		return err
	}
	for i := range 10 {
		if err := try("ada@example.com", "wrong", "2001:db8::1"); !errors.Is(err, account.ErrWrongPassword) {
			t.Fatalf("try %d: %v", i+1, err)
		}
		clock.Add(time.Minute)
	}
	var tooMany *account.TooManyError
	if err := try("ADA@example.com", password, "2001:db8::ffff"); !errors.As(err, &tooMany) {
		t.Fatalf("the eleventh try from the same network: %v", err)
	}
	if tooMany.RetryAfter != 5*time.Minute {
		t.Errorf("retry after %v", tooMany.RetryAfter)
	}
	if err := try("ada@example.com", password, "2001:db8:1::1"); err != nil {
		t.Errorf("from another network: %v", err)
	}
	if err := try("bob@example.com", "wrong", "2001:db8::1"); !errors.Is(err, account.ErrWrongPassword) {
		t.Errorf("another email: %v", err)
	}
	clock.Add(tooMany.RetryAfter)
	if err := try("ada@example.com", password, "2001:db8::1"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if err := try("ada@example.com", "wrong", "2001:db8::1"); !errors.Is(err, account.ErrWrongPassword) {
		t.Errorf("a success clears the count: %v", err)
	}
}

func TestLoginLimitHoldsForTriesAtTheSameTime(t *testing.T) {
	account.OnEach(t, testLoginLimitHoldsForTriesAtTheSameTime)
}

func testLoginLimitHoldsForTriesAtTheSameTime(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	var refused, wrong int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			_, _, err := s.Login(context.Background(), "ada@example.com", "wrong", "192.0.2.1")
			mu.Lock()
			defer mu.Unlock()
			var tooMany *account.TooManyError
			switch {
			case errors.As(err, &tooMany):
				refused++
			case errors.Is(err, account.ErrWrongPassword):
				wrong++
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if wrong != 10 || refused != 20 {
		t.Errorf("%d tries were let through, %d refused", wrong, refused)
	}
}

// A caller that gives up while it waits for its turn has not tried.
func TestLoginGivenUp(t *testing.T) { account.OnEach(t, testLoginGivenUp) }

func testLoginGivenUp(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	addUser(t, s, "ada@example.com")
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for range 20 {
		if _, _, err := s.Login(gone, "ada@example.com", "wrong", "192.0.2.1"); !errors.Is(err, context.Canceled) {
			t.Fatalf("given up: %v", err)
		}
	}
	if _, _, err := s.Login(context.Background(), "ada@example.com", password, "192.0.2.1"); err != nil {
		t.Errorf("then the right password: %v", err)
	}
}

// TestSessionEnds runs on the fake time of a bubble: an idle session ends after 14 days, a used one after 90.
func TestSessionEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := account.Open(account.Options{Path: path, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), FlushEvery: 12 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ctx := context.Background()
		user := addUser(t, s, "ada@example.com")
		start := func() string {
			token, err := s.StartSession(ctx, user)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		alive := func(token string) bool {
			_, err := s.SessionUser(ctx, token)
			if err != nil && !errors.Is(err, account.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		idle, used := start(), start()
		begin := time.Now()
		for time.Since(begin) < 91*24*time.Hour {
			time.Sleep(13 * 24 * time.Hour)
			want := time.Since(begin) < account.LoginAbsolute
			if got := alive(used); got != want {
				t.Fatalf("the used session after %v: %v", time.Since(begin), got)
			}
		}
		if alive(idle) {
			t.Error("the idle session is alive")
		}
		idle = start()
		time.Sleep(account.LoginIdle - time.Minute)
		if !alive(idle) {
			t.Error("a session ends before it was idle for 14 days")
		}
		time.Sleep(account.LoginIdle + time.Minute)
		if alive(idle) {
			t.Error("a session outlives 14 idle days")
		}
	})
}

func TestAddUser(t *testing.T) { account.OnEach(t, testAddUser) }

func testAddUser(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	ctx := context.Background()
	if has, err := s.HasUsers(ctx); err != nil || has {
		t.Fatalf("HasUsers = %v, %v", has, err)
	}
	f := func(field, email, password, name string) {
		t.Helper()
		_, err := s.AddUser(ctx, account.NewUser{Email: email, Password: password, Name: name})
		var invalid *account.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%q %q %q: %v; want a fault of %s", email, password, name, err, field)
		}
	}
	f("email", "", password, "")
	f("email", "nobody", password, "")
	f("email", "Ada <ada@example.com>", password, "")
	f("email", "a@b.example\r\nBcc: c@d.example", password, "")
	f("email", strings.Repeat("a", 300)+"@example.com", password, "")
	f("password", "ada@example.com", "short", "")
	f("password", "ada@example.com", strings.Repeat("x", 1025), "")
	f("name", "ada@example.com", password, "a\nb")
	addUser(t, s, "ada@example.com")
	if _, err := s.AddUser(ctx, account.NewUser{Email: "ADA@example.com", Password: password}); !errors.Is(err, account.ErrConflict) {
		t.Errorf("the same email again: %v", err)
	}
	if _, err := s.AddFirstUser(ctx, account.NewUser{Email: "bob@example.com", Password: password}); !errors.Is(err, account.ErrConflict) {
		t.Errorf("a first user beside another: %v", err)
	}
}

func TestFirstUserIsOne(t *testing.T) { account.OnEach(t, testFirstUserIsOne) }

func testFirstUserIsOne(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	var mu sync.Mutex
	made := 0
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			_, err := s.AddFirstUser(context.Background(), account.NewUser{Email: fmt.Sprintf("u%d@example.com", i), Password: password})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if !errors.Is(err, account.ErrConflict) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if made != 1 {
		t.Errorf("%d first users were made", made)
	}
}

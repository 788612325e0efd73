package account_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
)

// filled returns a Store in SQLite with something of everything.
func filled(t *testing.T) (s *account.Store, site, key, token string) {
	t.Helper()
	s = openNow(t, &account.Place{Dir: t.TempDir()})
	ctx := context.Background()
	addUser(t, s, "ada@example.com")
	site = addSite(t, s, "a.example")
	for i := range 450 { // several batches
		addSite(t, s, fmt.Sprintf("s%d.example", i))
	}
	hosts, threshold := []string{"www.a.example"}, 3
	if _, err := s.ChangeSite(ctx, site, account.SiteChange{Hostnames: &hosts, Threshold: &threshold}); err != nil {
		t.Fatal(err)
	}
	_, key = addKey(t, s, site, "stats", "import")
	addKey(t, s, account.AllSites, "admin")
	if _, ok := s.Authorize(key, "stats"); !ok {
		t.Fatal("the key is refused")
	}
	_, token, err := s.Login(ctx, "ada@example.com", password, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	settle(t, s, 0, salt(event.SaltVisitors, today(), 1), salt(event.SaltImports, today()-1, 2))
	return s, site, key, token
}

func TestCopyFrom(t *testing.T) { account.OnEach(t, copyFrom) }

func copyFrom(t *testing.T, p *account.Place) {
	source, site, key, token := filled(t)
	to := openNow(t, p)
	ctx := context.Background()
	made := account.Copied{Users: 1, Sites: 451, Keys: 2, Salts: 2}
	if copied, err := to.CopyFrom(ctx, source); err != nil || copied != made {
		t.Fatalf("copied %+v, %v", copied, err)
	}
	if !reflect.DeepEqual(to.All(), source.All()) {
		t.Error("the sites differ")
	}
	if got, want := to.Keys(site), source.Keys(site); len(got) != 1 || got[0].ID != want[0].ID || got[0].LastUsedAt() != want[0].LastUsedAt() || got[0].CreatedAt != want[0].CreatedAt {
		t.Errorf("key %+v", got)
	}
	if got, ok := to.Authorize(key, "import"); !ok || got != site {
		t.Errorf("the key gives %q, %v", got, ok)
	}
	if _, err := to.SessionUser(ctx, token); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("the login was copied: %v", err)
	}
	if user, _, err := to.Login(ctx, "ada@example.com", password, "192.0.2.1"); err != nil || user.Name != "Ada" {
		t.Errorf("login: %+v, %v", user, err)
	}
	// Again, with more: only what is new is made.
	addSite(t, source, "new.example")
	if copied, err := to.CopyFrom(ctx, source); err != nil || copied != (account.Copied{Sites: 1, Present: 456}) {
		t.Errorf("copied again %+v, %v", copied, err)
	}
}

func TestCopyFindsDifferences(t *testing.T) { account.OnEach(t, copyFindsDifferences) }

func copyFindsDifferences(t *testing.T, p *account.Place) {
	ctx := context.Background()
	f := func(what, name string, change func(source, to *account.Store)) {
		t.Helper()
		source, to := openNow(t, &account.Place{Dir: t.TempDir()}), openNow(t, p)
		change(source, to)
		_, err := to.CopyFrom(ctx, source)
		var different *account.DifferentError
		if !errors.As(err, &different) || different.What != what || name != "" && different.Name != name {
			t.Errorf("%s %s: %v", what, name, err)
		}
	}
	f("site", "a.example", func(source, to *account.Store) { addSite(t, source, "a.example"); addSite(t, to, "a.example") })
	f("user", "ada@example.com", func(source, to *account.Store) {
		addUser(t, source, "ada@example.com")
		addUser(t, to, "ada@example.com")
	})
	f("site", "b.example", func(source, to *account.Store) {
		id := addSite(t, source, "b.example")
		if _, err := to.CopyFrom(ctx, source); err != nil {
			t.Fatal(err)
		}
		zone := "Europe/Berlin"
		if _, err := to.ChangeSite(ctx, id, account.SiteChange{Timezone: &zone}); err != nil {
			t.Fatal(err)
		}
	})
	f("salt", "", func(source, to *account.Store) {
		settle(t, source, 0, salt(event.SaltVisitors, today(), 1))
		settle(t, to, 0, salt(event.SaltVisitors, today(), 2))
	})
}

func TestCopySalts(t *testing.T) {
	s := openNow(t, &account.Place{Dir: t.TempDir()})
	list := []event.Salt{salt(event.SaltVisitors, today(), 1), salt(event.SaltVisitors, today()-2, 2)}
	for _, want := range []account.Copied{{Salts: 1}, {Present: 1}} {
		if copied, err := s.CopySalts(context.Background(), list); err != nil || copied != want {
			t.Errorf("copied %+v, %v; want %+v", copied, err, want)
		}
	}
}

// A copy that is stopped goes on where it was.
func TestCopyResumes(t *testing.T) {
	p := account.OnPostgres(t)
	cable := newCable(t, p.Server())
	source, _, _, _ := filled(t)
	to, err := account.Open(p.By(cable.port, account.Options{Logger: slog.New(slog.DiscardHandler)}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { to.Close() })
	cable.cut()
	if _, err := to.CopyFrom(context.Background(), source); !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("without a server: %v", err)
	}
	cable.plug(t)
	p.Exec(t, `create function stop() returns trigger language plpgsql as $$ begin raise 'stopped'; end $$`)
	p.Exec(t, `create trigger stop before insert on api_keys for each row execute function stop()`)
	first, err := to.CopyFrom(context.Background(), source)
	if err == nil || first != (account.Copied{Users: 1, Sites: 451}) {
		t.Errorf("the stopped copy: %+v, %v", first, err)
	}
	p.Exec(t, `drop trigger stop on api_keys`)
	if rest, err := to.CopyFrom(context.Background(), source); err != nil || rest != (account.Copied{Keys: 2, Salts: 2, Present: 452}) {
		t.Errorf("the rest: %+v, %v", rest, err)
	}
}

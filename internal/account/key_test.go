package account_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
)

func addKey(t *testing.T, s *account.Store, site string, scopes ...string) (id, text string) {
	t.Helper()
	key, text, err := s.AddKey(context.Background(), site, "test", scopes)
	if err != nil {
		t.Fatal(err)
	}
	return key.ID, text
}

func TestAuthorize(t *testing.T) { account.OnEach(t, testAuthorize) }

func testAuthorize(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	a, b := addSite(t, s, "a.example"), addSite(t, s, "b.example")
	_, reader := addKey(t, s, a, "stats")
	_, loader := addKey(t, s, "b.example", "import", "ingest", "import")
	_, every := addKey(t, s, account.AllSites, "admin")
	f := func(text, scope, want string) {
		t.Helper()
		got, ok := s.Authorize(text, scope)
		if got != want || ok != (want != "") {
			t.Errorf("Authorize(%.9s, %s) = %q, %v; want %q", text, scope, got, ok, want)
		}
	}
	f(reader, "stats", a)
	f(reader, "import", "")
	f(reader, "admin", "")
	f(reader, "", "")
	f(loader, "import", b)
	f(loader, "ingest", b)
	f(loader, "stats", "")
	f(every, "admin", account.AllSites)
	f(every, "stats", "")
	f("", "stats", "")
	f("ff_", "stats", "")
	f(strings.ToUpper(reader), "stats", "")
	f(reader+"a", "stats", "")
	f(reader[:len(reader)-1], "stats", "")
	other := "y"
	if reader[10] == 'y' {
		other = "z"
	}
	f(reader[:10]+other+reader[11:], "stats", "")
}

func TestKeysAreStrong(t *testing.T) { account.OnEach(t, testKeysAreStrong) }

func testKeysAreStrong(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	id := addSite(t, s, "a.example")
	seen := map[string]bool{}
	for range 50 {
		_, text := addKey(t, s, id, "stats")
		if seen[text] || !strings.HasPrefix(text, "ff_") || len(text) != 61 {
			t.Fatalf("key %q", text)
		}
		seen[text] = true
	}
}

func TestKeyEnds(t *testing.T) { account.OnEach(t, testKeyEnds) }

func testKeyEnds(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	ctx := context.Background()
	a, b := addSite(t, s, "a.example"), addSite(t, s, "b.example")
	id, text := addKey(t, s, a, "stats")
	if err := s.DeleteKey(ctx, b, id); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("deleting it by another site: %v", err)
	}
	if _, ok := s.Authorize(text, "stats"); !ok {
		t.Fatal("the key is refused")
	}
	if err := s.DeleteKey(ctx, a, id); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Authorize(text, "stats"); ok {
		t.Error("a revoked key is let in")
	}
	if err := s.DeleteKey(ctx, a, id); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("deleting it again: %v", err)
	}
	_, text = addKey(t, s, b, "stats")
	if err := s.DeleteSite(ctx, b); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Authorize(text, "stats"); ok {
		t.Error("the key of a deleted site is let in")
	}
}

func TestAddKeyRefuses(t *testing.T) { account.OnEach(t, testAddKeyRefuses) }

func testAddKeyRefuses(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	id := addSite(t, s, "a.example")
	f := func(field, name string, scopes ...string) {
		t.Helper()
		_, _, err := s.AddKey(context.Background(), id, name, scopes)
		var invalid *account.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("name %q, scopes %v: %v; want a fault of %s", name, scopes, err, field)
		}
	}
	f("name", "", "stats")
	f("name", " \t", "stats")
	f("name", "a\x1b[2J", "stats")
	f("name", strings.Repeat("é", 201), "stats")
	f("scopes", "k")
	f("scopes[1]", "k", "stats", "root")
	if _, _, err := s.AddKey(context.Background(), "nobody", "k", []string{"stats"}); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("no site: %v", err)
	}
}

func TestKeysListsWhatMayBeShown(t *testing.T) { account.OnEach(t, testKeysListsWhatMayBeShown) }

func testKeysListsWhatMayBeShown(t *testing.T, p *account.Place) {
	s, clock := openNew(t, p)
	id := addSite(t, s, "a.example")
	_, first := addKey(t, s, id, "stats")
	clock.Add(time.Second)
	_, second := addKey(t, s, id, "import", "stats")
	clock.Add(time.Second)
	s.Authorize(second, "stats")
	keys := s.Keys(id)
	if len(keys) != 2 {
		t.Fatalf("%d keys", len(keys))
	}
	if !strings.HasPrefix(first, keys[0].Prefix) || len(keys[0].Prefix) > 12 || keys[0].LastUsedAt() != 0 {
		t.Errorf("first: %+v", keys[0])
	}
	if strings.Join(keys[1].Scopes, " ") != "stats import" || keys[1].LastUsedAt() != clock.Now().UnixMilli() {
		t.Errorf("second: %+v used %d", keys[1], keys[1].LastUsedAt())
	}
}

// A copy of the files must hold nothing that lets anybody in.
func TestNoSecretIsAtRest(t *testing.T) {
	dir := t.TempDir()
	s := open(t, &account.Place{Dir: dir}, newClock())
	ctx := context.Background()
	id := addSite(t, s, "a.example")
	_, key := addKey(t, s, id, "stats")
	const password = "correct horse battery"
	if _, err := s.AddUser(ctx, account.NewUser{Email: "a@b.example", Password: password}); err != nil {
		t.Fatal(err)
	}
	_, token, err := s.Login(ctx, "a@b.example", password, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range map[string]string{"key": key, "password": password, "token": token} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s holds the %s", filepath.Base(file), name)
			}
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be read by others: %v, %v", filepath.Base(file), info.Mode(), err)
		}
	}
}

// The door asks for every request: no lock, and nothing for the garbage collector.
func TestHotPathAllocatesNothing(t *testing.T) { account.OnEach(t, hotPathAllocatesNothing) }

func hotPathAllocatesNothing(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	id := addSite(t, s, "a.example")
	site, _ := s.ByID(id)
	_, text := addKey(t, s, id, "ingest")
	f := func(what string, ask func() bool) {
		t.Helper()
		if n := testing.AllocsPerRun(100, func() {
			if !ask() {
				t.Errorf("%s finds nothing", what)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
	f("ByTracking", func() bool { _, ok := s.ByTracking(site.TrackingID); return ok })
	f("ByTracking of a domain", func() bool { _, ok := s.ByTracking("a.example"); return ok })
	f("ByID", func() bool { _, ok := s.ByID(id); return ok })
	f("Authorize", func() bool { _, ok := s.Authorize(text, "ingest"); return ok })
}

// BenchmarkHotPath asks from all processors at once, in the end while sites change.
func BenchmarkHotPath(b *testing.B) {
	s, err := account.Open(account.Options{Path: filepath.Join(b.TempDir(), "accounts.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	site, err := s.AddSite(ctx, account.NewSite{Domain: "a.example"})
	if err != nil {
		b.Fatal(err)
	}
	_, text, err := s.AddKey(ctx, site.WebsiteID, "k", []string{"ingest"})
	if err != nil {
		b.Fatal(err)
	}
	f := func(name string, ask func() bool) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if !ask() {
						b.Error("nothing was found")
						return
					}
				}
			})
		})
	}
	f("authorize", func() bool { _, ok := s.Authorize(text, "ingest"); return ok })
	f("tracking", func() bool { _, ok := s.ByTracking(site.TrackingID); return ok })
	stop := make(chan struct{})
	var changes sync.WaitGroup
	changes.Go(func() {
		for threshold := 0; ; threshold = (threshold + 1) % 5 {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.ChangeSite(ctx, site.WebsiteID, account.SiteChange{Threshold: &threshold}); err != nil {
				b.Error(err)
			}
		}
	})
	f("tracking under changes", func() bool { _, ok := s.ByTracking(site.TrackingID); return ok })
	close(stop)
	changes.Wait()
}

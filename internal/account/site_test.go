package account_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/footfall-analytics/footfall/internal/account"
)

func TestNormalDomain(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, err := account.NormalDomain(in)
		if want == "" {
			var invalid *account.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != "domain" || invalid.Message == "" {
				t.Errorf("NormalDomain(%q) = %q, %v; want a refusal", in, got, err)
			}
			return
		}
		if err != nil || got != want {
			t.Errorf("NormalDomain(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	f("example.com", "example.com")
	f(" Example.COM. ", "example.com")
	f("https://Example.com/", "example.com")
	f("http://www.example.co.uk", "www.example.co.uk")
	f("bücher.example", "xn--bcher-kva.example")
	f("BÜCHER.example", "xn--bcher-kva.example")
	f("xn--bcher-kva.example", "xn--bcher-kva.example")
	f("例え.テスト", "xn--r8jz45g.xn--zckzah")
	f("localhost", "localhost")
	f("shop.localhost", "shop.localhost")
	f("192.0.2.7", "192.0.2.7")

	f("", "")
	f("https://", "")
	f("intranet", "")
	f("example.com/shop", "")
	f("example.com:8080", "")
	f("ftp://example.com", "")
	f("a b.example", "")
	f("user@example.com", "")
	f("example..com", "")
	f("a.example..", "")
	f("a.example。.", "")
	f("-a.example", "")
	f("under_score.example", "")
	f(strings.Repeat("a", 64)+".example", "")
	f(strings.Repeat("a.", 130)+"example", "")
	f("\xff.example", "")
	f("a\x00b.example", "")
}

func TestAddSiteRefuses(t *testing.T) { account.OnEach(t, testAddSiteRefuses) }

func testAddSiteRefuses(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	ctx := context.Background()
	for _, zone := range []string{"Local", "Mars/Base", "../etc/passwd", "+02:00", "utc/x"} {
		var invalid *account.InvalidError
		if _, err := s.AddSite(ctx, account.NewSite{Domain: "a.example", Timezone: zone}); !errors.As(err, &invalid) || invalid.Field != "timezone" {
			t.Errorf("time zone %q: %v", zone, err)
		}
	}
	addSite(t, s, "a.example")
	if _, err := s.AddSite(ctx, account.NewSite{Domain: "https://A.example"}); !errors.Is(err, account.ErrConflict) {
		t.Errorf("the same domain again: %v", err)
	}
	if n := len(s.All()); n != 1 {
		t.Errorf("there are %d sites", n)
	}
}

func TestSiteIDs(t *testing.T) { account.OnEach(t, testSiteIDs) }

func testSiteIDs(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	a, b := addSite(t, s, "a.example"), addSite(t, s, "b.example")
	site, _ := s.ByID(a)
	if a == b || len(a) < 16 || len(site.TrackingID) < 16 || site.TrackingID == a || strings.Contains(a, ".") {
		t.Errorf("ids: %q %q %q", a, b, site.TrackingID)
	}
}

func TestChangesShowAtOnce(t *testing.T) { account.OnEach(t, testChangesShowAtOnce) }

func testChangesShowAtOnce(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	ctx := context.Background()
	id := addSite(t, s, "old.example")
	before, _ := s.ByID(id)
	zone, domain, policy, threshold := "Asia/Kolkata", "New.example", "truncated", 4
	hosts, keys, ignore, months := []string{"www.New.example", "*.New.example"}, []string{"id"}, true, 3
	after, err := s.ChangeSite(ctx, "old.example", account.SiteChange{Domain: &domain, Timezone: &zone, IPPolicy: &policy, Threshold: &threshold,
		Hostnames: &hosts, QueryKeys: &keys, IgnoreSignals: &ignore, RetentionMonths: &months})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{id, "new.example", "NEW.example"} {
		if got, ok := s.ByID(name); !ok || !reflect.DeepEqual(got, after) {
			t.Errorf("ByID(%q) = %+v, %v", name, got, ok)
		}
	}
	for _, name := range []string{before.TrackingID, "new.example"} {
		if got, ok := s.ByTracking(name); !ok || got.Threshold != 4 || got.IPPolicy != "truncated" || got.Timezone != zone || got.Hostnames[0] != "www.new.example" || got.Hostnames[1] != "*.new.example" || !got.IgnoreSignals || got.RetentionMonths != 3 {
			t.Errorf("ByTracking(%q) = %+v, %v", name, got, ok)
		}
	}
	if _, ok := s.ByTracking("old.example"); ok {
		t.Error("the old domain still finds the site")
	}
	if before.Domain != "old.example" {
		t.Error("a Site that was handed out has changed")
	}
	if err := s.DeleteSite(ctx, "new.example"); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.ByTracking(before.TrackingID); ok || len(s.All()) != 0 {
		t.Error("a deleted site is still there")
	}
	if err := s.DeleteSite(ctx, id); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("deleting it again: %v", err)
	}
	if again := addSite(t, s, "new.example"); again == id {
		t.Error("a website_id was used again")
	}
}

func TestChangeSiteRefuses(t *testing.T) { account.OnEach(t, testChangeSiteRefuses) }

func testChangeSiteRefuses(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	id := addSite(t, s, "a.example")
	addSite(t, s, "b.example")
	text := func(v string) *string { return &v }
	number := func(v int) *int { return &v }
	list := func(v ...string) *[]string { return &v }
	f := func(field string, change account.SiteChange) {
		t.Helper()
		_, err := s.ChangeSite(context.Background(), id, change)
		var invalid *account.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("field %s: %v", field, err)
		}
	}
	f("domain", account.SiteChange{Domain: text("")})
	f("timezone", account.SiteChange{Timezone: text("")})
	f("ip_policy", account.SiteChange{IPPolicy: text("some")})
	f("threshold", account.SiteChange{Threshold: number(-1)})
	f("threshold", account.SiteChange{Threshold: number(5)})
	f("hostnames[0]", account.SiteChange{Hostnames: list("*.")})
	f("hostnames[0]", account.SiteChange{Hostnames: list("a.*.example")})
	f("hostnames[1]", account.SiteChange{Hostnames: list("a.example", "no host")})
	f("hostnames", account.SiteChange{Hostnames: list(make([]string, 101)...)})
	f("query_keys[0]", account.SiteChange{QueryKeys: list("a&b")})
	f("query_keys", account.SiteChange{QueryKeys: list(make([]string, 101)...)})
	if _, err := s.ChangeSite(context.Background(), id, account.SiteChange{Domain: text("b.example")}); !errors.Is(err, account.ErrConflict) {
		t.Errorf("another's domain: %v", err)
	}
	if _, err := s.ChangeSite(context.Background(), "nobody", account.SiteChange{}); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("no site: %v", err)
	}
	if site, _ := s.ByID(id); site.Domain != "a.example" || site.Threshold != 2 {
		t.Errorf("a refused change left its mark: %+v", site)
	}
}

// Changes at the same time must leave the snapshot equal to the database.
func TestChangesAtTheSameTime(t *testing.T) { account.OnEach(t, testChangesAtTheSameTime) }

func testChangesAtTheSameTime(t *testing.T, p *account.Place) {
	s, _ := openNew(t, p)
	id := addSite(t, s, "a.example")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 5 {
				threshold := (i + j) % 5
				if _, err := s.ChangeSite(context.Background(), id, account.SiteChange{Threshold: &threshold}); err != nil {
					t.Error(err)
				}
				if _, ok := s.ByTracking("a.example"); !ok {
					t.Error("the site has gone")
				}
			}
		})
	}
	group.Go(func() {
		for i := range 10 {
			addSite(t, s, strings.Repeat("x", i+1)+".example")
		}
	})
	group.Wait()
	if len(s.All()) != 11 {
		t.Errorf("there are %d sites", len(s.All()))
	}
}

func FuzzNormalDomain(f *testing.F) {
	for _, seed := range []string{"example.com", "https://Bücher.example/", "localhost", "xn--a.example", "a..b", "\xff", "[::1]", "1.2.3.4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		domain, err := account.NormalDomain(text)
		if err != nil {
			return
		}
		if again, err := account.NormalDomain(domain); err != nil || again != domain {
			t.Fatalf("%q becomes %q, which becomes %q, %v", text, domain, again, err)
		}
	})
}

package api

import (
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
)

func TestSites(t *testing.T) {
	f := open(t, func(o *Options) {
		o.SiteStatus = statusFunc(func(id string) (int64, int64, int64, error) { return 1000, 2000, 7, nil })
	})
	cookie := f.login()
	do := func(method, path, body string) answer {
		return f.do(request{method: method, path: path, body: body, cookie: cookie})
	}
	var made siteReply
	f.read(do("POST", "/api/v1/sites", `{"domain":"https://Bücher.example/","timezone":"Europe/Berlin"}`), 201, &made)
	want := Site{WebsiteID: made.Site.WebsiteID, TrackingID: made.Site.TrackingID, Domain: "xn--bcher-kva.example", Timezone: "Europe/Berlin",
		Threshold: 2, IPPolicy: "none", Hostnames: []string{}, QueryKeys: []string{}, CreatedAt: f.clock.Now().UnixMilli()}
	same(t, made.Site, want)
	f.wantError(do("POST", "/api/v1/sites", `{"domain":"bücher.example"}`), 409, "conflict", "")

	var changed siteReply
	f.read(do("PUT", "/api/v1/sites/"+want.WebsiteID, `{"domain":"books.example","timezone":"Asia/Kolkata","threshold":0,"ip_policy":"full","hostnames":["www.books.example"],"query_keys":["id"],"ignore_signals":true,"retention_months":3}`), 200, &changed)
	want.Domain, want.Timezone, want.Threshold, want.IPPolicy = "books.example", "Asia/Kolkata", 0, "full"
	want.Hostnames, want.QueryKeys, want.IgnoreSignals, want.RetentionMonths = []string{"www.books.example"}, []string{"id"}, true, 3
	same(t, changed.Site, want)
	f.read(do("PUT", "/api/v1/sites/books.example", `{}`), 200, &changed)
	same(t, changed.Site, want)
	f.wantError(do("PUT", "/api/v1/sites/books.example", `{"domain":"a.example"}`), 409, "conflict", "")

	var got siteReply
	f.read(do("GET", "/api/v1/sites/books.example", ""), 200, &got)
	same(t, got.Site, want)
	var status statusReply
	f.read(do("GET", "/api/v1/sites/books.example/status", ""), 200, &status)
	if *status.FirstEventAt != 1000 || *status.LastEventAt != 2000 || status.Events != 7 {
		t.Errorf("status %+v", status)
	}
	var list sitesReply
	f.read(do("GET", "/api/v1/sites", ""), 200, &list)
	if len(list.Sites) != 3 || list.Sites[0].Domain != "a.example" || list.Sites[2].Domain != "books.example" {
		t.Errorf("sites %+v", list.Sites)
	}
	f.read(do("DELETE", "/api/v1/sites/books.example", ""), 204, nil)
	f.wantError(do("GET", "/api/v1/sites/"+want.WebsiteID, ""), 404, "not_found", "")
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if g, w := jsonOf(t, got), jsonOf(t, want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func TestStatusWithoutEvents(t *testing.T) {
	f := open(t, nil)
	a := f.do(request{method: "GET", path: "/api/v1/sites/a.example/status", cookie: f.login()})
	if string(a.body) != `{"first_event_at":null,"last_event_at":null,"events":0}` {
		t.Errorf("status %s", a.body)
	}
}

func TestKeys(t *testing.T) {
	f := open(t, nil)
	cookie := f.login()
	var made newKeyReply
	f.read(f.do(request{method: "POST", path: "/api/v1/sites/a.example/keys", body: `{"name":"reader","scopes":["import","stats"]}`, cookie: cookie}), 201, &made)
	var list keysReply
	f.read(f.do(request{method: "GET", path: "/api/v1/sites/a.example/keys", cookie: cookie}), 200, &list)
	same(t, list, keysReply{Keys: []keyItem{{made.ID, "reader", made.Key[:9], []string{"stats", "import"}, f.clock.Now().UnixMilli(), nil}}})
	f.clock.Add(time.Minute)
	f.read(f.do(request{method: "GET", path: "/api/v1/sites/a.example", key: made.Key}), 200, nil)
	f.read(f.do(request{method: "GET", path: "/api/v1/sites/a.example/keys", cookie: cookie}), 200, &list)
	if used := list.Keys[0].LastUsedAt; used == nil || *used != f.clock.Now().UnixMilli() {
		t.Errorf("last used at %v", used)
	}
	f.read(f.do(request{method: "DELETE", path: "/api/v1/sites/a.example/keys/" + made.ID, cookie: cookie}), 204, nil)
	f.wantError(f.do(request{method: "DELETE", path: "/api/v1/sites/a.example/keys/" + made.ID, cookie: cookie}), 404, "not_found", "")
	f.wantError(f.do(request{method: "GET", path: "/api/v1/sites/a.example", key: made.Key}), 401, "unauthorized", "")
	a := f.do(request{method: "GET", path: "/api/v1/sites/b.example/keys", cookie: cookie})
	if string(a.body) != `{"keys":[]}` {
		t.Errorf("no keys: %s", a.body)
	}
}

func TestQueriesPerHour(t *testing.T) {
	f := open(t, func(o *Options) { o.QueriesPerHour = 3 })
	_, one := f.addKey(f.a.WebsiteID, account.ScopeStats)
	_, two := f.addKey(f.a.WebsiteID, account.ScopeStats)
	cookie := f.login()
	ask := func(path, key, cookie string) answer {
		return f.do(request{method: "POST", path: path, key: key, cookie: cookie, body: `{"site_id":"a.example","date_range":"7d","metrics":["visitors"]}`})
	}
	f.read(ask("/api/v2/query", one, ""), 200, nil)
	f.read(ask("/api/v2/explain", one, ""), 200, nil)
	f.clock.Add(20 * time.Minute)
	f.read(ask("/api/v2/query", one, ""), 200, nil)
	refused := ask("/api/v2/query", one, "")
	f.wantError(refused, 429, "too_many_requests", "")
	if refused.header.Get("Retry-After") != "2400" {
		t.Errorf("Retry-After %q", refused.header.Get("Retry-After"))
	}
	f.read(ask("/api/v2/query", two, ""), 200, nil)
	for range 5 {
		f.read(ask("/api/v2/query", "", cookie), 200, nil)
	}
	f.read(f.do(request{method: "GET", path: "/api/v1/sites/a.example", key: one}), 200, nil)
	f.clock.Add(40 * time.Minute)
	f.read(ask("/api/v2/query", one, ""), 200, nil)
}

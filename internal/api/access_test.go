package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/account"
)

// bodyOf is a body that a route understands, for the site given.
func bodyOf(rt route, site string) string {
	switch rt.pattern() {
	case "POST /api/v1/sites":
		return `{"domain":"new.example"}`
	case "PUT /api/v1/sites/{id}":
		return `{"threshold":3}`
	case "POST /api/v1/sites/{id}/keys":
		return `{"name":"n","scopes":["stats"]}`
	case "POST /api/v2/query", "POST /api/v2/explain":
		return fmt.Sprintf(`{"site_id":%q,"date_range":"7d","metrics":["visitors"]}`, site)
	case "POST /api/v1/setup", "POST /api/v1/login":
		return `{"email":"x@example.com","password":"wrong password"}`
	}
	return ""
}

// requestOf asks a route for a site.
func requestOf(rt route, site string) request {
	path := strings.NewReplacer("{id}", site, "{key}", "nokey").Replace(rt.path)
	var parameters []string
	for _, p := range rt.params {
		value := map[string]string{"site_id": site, "from": "2025-11-01", "to": "2025-11-02"}[p.name]
		if p.required {
			parameters = append(parameters, p.name+"="+value)
		}
	}
	if len(parameters) > 0 {
		path += "?" + strings.Join(parameters, "&")
	}
	return request{method: rt.method, path: path, body: bodyOf(rt, site)}
}

// allScopesBut returns the scopes that a route does not take.
func allScopesBut(scopes []string) []string {
	return slices.DeleteFunc(account.Scopes(), func(scope string) bool { return slices.Contains(scopes, scope) })
}

// TestNobodyElseGetsIn puts every route to everybody who has no right to it.
func TestNobodyElseGetsIn(t *testing.T) {
	f := open(t, nil)
	_, alive := f.addKey(f.a.WebsiteID, account.Scopes()...)
	revokedID, revoked := f.addKey(f.a.WebsiteID, account.Scopes()...)
	if err := f.accounts.DeleteKey(context.Background(), f.a.WebsiteID, revokedID); err != nil {
		t.Fatal(err)
	}
	_, other := f.addKey(f.b.WebsiteID, account.Scopes()...)
	loggedOut := f.login()
	if err := f.accounts.EndSession(context.Background(), loggedOut); err != nil {
		t.Fatal(err)
	}
	for _, rt := range f.api.routes() {
		if rt.access == public {
			continue
		}
		t.Run(rt.pattern(), func(t *testing.T) {
			f.t = t
			ask := func(name, key, cookie string, status int, code string) {
				t.Helper()
				q := requestOf(rt, f.a.WebsiteID)
				q.key, q.cookie = key, cookie
				detail := f.wantError(f.do(q), status, code, "")
				if strings.Contains(detail.Message, f.a.TrackingID) || strings.Contains(detail.Message, "a.example") {
					t.Errorf("%s: the refusal tells of the site: %s", name, detail.Message)
				}
			}
			ask("nobody", "", "", 401, "unauthorized")
			ask("revoked key", revoked, "", 401, "unauthorized")
			ask("made-up key", "ff_nothing", "", 401, "unauthorized")
			ask("logged out", "", loggedOut, 401, "unauthorized")
			ask("made-up cookie", "", "nothing", 401, "unauthorized")
			if missing := allScopesBut(rt.scopes); len(missing) > 0 {
				_, weak := f.addKey(f.a.WebsiteID, missing...)
				ask("wrong scope", weak, "", 403, "forbidden")
			}
			if rt.access == ofSite || rt.access == inBody {
				ask("another site's key", other, "", 403, "forbidden")
				q := requestOf(rt, "nosuchsite")
				q.key = alive
				f.wantError(f.do(q), 403, "forbidden", "") // as for a site of others: nothing can be guessed
				q.key, q.cookie = "", f.login()
				f.wantError(f.do(q), 404, "not_found", "")
			}
			// A bad key is never made good by a cookie.
			ask("bad key beside a cookie", revoked, f.login(), 401, "unauthorized")
		})
	}
	f.t = t
	if _, ok := f.accounts.ByID(f.a.WebsiteID); !ok || len(f.accounts.All()) != 2 {
		t.Error("a refused request changed something")
	}
}

// TestWhoeverMayGetsIn is the other half: every route lets in a user, and a key with one scope of its list.
func TestWhoeverMayGetsIn(t *testing.T) {
	f := open(t, nil)
	in := func(name string, a answer) {
		t.Helper()
		if a.status == 401 || a.status == 403 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for i, rt := range f.api.routes() {
		if rt.access == public {
			continue
		}
		site := f.addSite(fmt.Sprintf("s%d.example", i)).WebsiteID
		for _, scope := range rt.scopes {
			bound := site
			if rt.pattern() == "POST /api/v1/sites" {
				bound = account.AllSites
			}
			q := requestOf(rt, site)
			_, q.key = f.addKey(bound, scope)
			in(rt.pattern()+" by key of "+scope, f.do(q))
		}
		q := requestOf(rt, f.addSite(fmt.Sprintf("u%d.example", i)).WebsiteID)
		q.cookie = f.login()
		in(rt.pattern()+" by cookie", f.do(q))
	}
}

func TestKeySeesItsSiteOnly(t *testing.T) {
	f := open(t, nil)
	_, one := f.addKey(f.b.WebsiteID, "stats")
	_, all := f.addKey(account.AllSites, "admin")
	_, admin := f.addKey(f.b.WebsiteID, "admin")
	for key, want := range map[string]string{one: "b.example", admin: "b.example", all: "a.example b.example"} {
		var reply sitesReply
		f.read(f.do(request{method: "GET", path: "/api/v1/sites", key: key}), 200, &reply)
		var domains []string
		for _, site := range reply.Sites {
			domains = append(domains, site.Domain)
		}
		if got := strings.Join(domains, " "); got != want {
			t.Errorf("sites %q, want %q", got, want)
		}
	}
	f.wantError(f.do(request{method: "POST", path: "/api/v1/sites", key: admin, body: `{"domain":"c.example"}`}), 403, "forbidden", "")
	f.wantError(f.do(request{method: "GET", path: "/api/v1/sites/nosuchsite", key: all}), 404, "not_found", "")
	keyID, _ := f.addKey(f.a.WebsiteID, "stats")
	f.wantError(f.do(request{method: "DELETE", path: "/api/v1/sites/b.example/keys/" + keyID, key: admin}), 404, "not_found", "")
	f.read(f.do(request{method: "GET", path: "/api/v1/me", cookie: f.login()}), 200, nil)
}

func TestAuthorizationHeader(t *testing.T) {
	f := open(t, nil)
	_, key := f.addKey(f.a.WebsiteID, "stats")
	for header, status := range map[string]int{"Bearer " + key: 200, "bearer  " + key: 200, "Basic " + key: 401, key: 401, "Bearer": 401, "Bearer " + key + "x": 401} {
		a := f.do(request{method: "GET", path: "/api/v1/sites/a.example", headers: []string{"Authorization: " + header}})
		if a.status != status {
			t.Errorf("Authorization %.12q: %d, want %d", header, a.status, status)
		}
		if status == 401 && a.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("401 without WWW-Authenticate")
		}
	}
}

// TestCrossOrigin sends every changing route as another site's page makes a browser send it.
func TestCrossOrigin(t *testing.T) {
	f := open(t, nil)
	cookie := f.login()
	foreign := [][]string{
		{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"},
		{"Sec-Fetch-Site: same-site", "Origin: https://evil.example"},
		{"Origin: https://evil.example"},
		{"Origin: null"},
	}
	for _, rt := range f.api.routes() {
		if rt.method == http.MethodGet {
			continue
		}
		for _, headers := range foreign {
			q := requestOf(rt, f.a.WebsiteID)
			q.cookie, q.headers = cookie, headers
			f.wantError(f.do(q), 403, "forbidden", "")
			q.headers = append([]string{"Content-Type: text/plain"}, headers...)
			f.wantError(f.do(q), 403, "forbidden", "")
		}
	}
	if _, err := f.accounts.SessionUser(context.Background(), cookie); err != nil {
		t.Errorf("a foreign page ended the session: %v", err)
	}
	same := request{method: "PUT", path: "/api/v1/sites/a.example", body: `{"threshold":1}`, cookie: cookie}
	for _, headers := range [][]string{nil, {"Sec-Fetch-Site: same-origin"}, {"Origin: " + f.server.URL}, {"Sec-Fetch-Site: none"}} {
		same.headers = headers
		f.read(f.do(same), 200, nil)
	}
	_, same.key = f.addKey(f.a.WebsiteID, "admin")
	same.cookie, same.headers = "", foreign[0]
	f.read(f.do(same), 200, nil) // no browser adds a key by itself
}

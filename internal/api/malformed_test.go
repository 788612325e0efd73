package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/query"
)

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMalformed holds one line per bad request: what is sent, and the exact status, code and path of the answer.
func TestMalformed(t *testing.T) {
	f := open(t, nil)
	cookie := f.login()
	ask := func(route, body string, status int, code, path string, headers ...string) {
		t.Helper()
		method, address, _ := strings.Cut(route, " ")
		a := f.do(request{method: method, path: address, body: body, cookie: cookie, headers: headers})
		before := t.Failed()
		f.wantError(a, status, code, path)
		if t.Failed() && !before {
			t.Errorf("... of %s %.80q", route, body)
		}
	}
	bad := func(route, body, path string) { t.Helper(); ask(route, body, 400, "invalid", path) }
	const (
		site  = "POST /api/v1/sites"
		put   = "PUT /api/v1/sites/a.example"
		keys  = "POST /api/v1/sites/a.example/keys"
		login = "POST /api/v1/login"
		query = "POST /api/v2/query"
	)
	// Not JSON, or not an object.
	bad(site, "", "")
	bad(site, " ", "")
	bad(site, "{", "")
	bad(site, "}", "")
	bad(site, `{"domain"`, "")
	bad(site, `{"domain":`, "")
	bad(site, `{"domain":"x.example"`, "")
	bad(site, `{"domain":"x.example",}`, "")
	bad(site, `{domain:"x.example"}`, "")
	bad(site, `{'domain':'x.example'}`, "")
	bad(site, `{"domain":"x.example"}}`, "")
	bad(site, `{"domain":"x.example"} {}`, "")
	bad(site, `[]`, "")
	bad(site, `null`, "")
	bad(site, `"x.example"`, "")
	bad(site, `12`, "")
	bad(site, "\xef\xbb\xbf{}", "")
	bad(site, "{\"domain\":\"\xff.example\"}", "")
	bad(site, strings.Repeat("[", 60_000), "")
	bad(site, `{"a":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}`, "")
	// Keys.
	bad(site, `{}`, "domain")
	bad(site, `{"domain":"x.example","zone":"UTC"}`, "zone")
	bad(site, `{"Domain":"x.example"}`, "Domain")
	bad(site, `{"domain":"x.example","domain":"y.example"}`, "domain")
	bad(site, `{"":1}`, "")
	// Types.
	bad(site, `{"domain":null}`, "domain")
	bad(site, `{"domain":7}`, "domain")
	bad(site, `{"domain":["x.example"]}`, "domain")
	bad(put, `{"threshold":"2"}`, "threshold")
	bad(put, `{"threshold":1.5}`, "threshold")
	bad(put, `{"threshold":1e99}`, "threshold")
	bad(put, `{"threshold":null}`, "threshold")
	bad(put, `{"ignore_signals":1}`, "ignore_signals")
	bad(put, `{"hostnames":"a.example"}`, "hostnames")
	bad(put, `{"hostnames":["a.example",3]}`, "hostnames[1]")
	bad(keys, `{"name":"k","scopes":{}}`, "scopes")
	bad(keys, `{"name":"k","scopes":["stats",null]}`, "scopes[1]")
	bad(login, `{"email":true,"password":"x"}`, "email")
	// Values.
	bad(site, `{"domain":"x.example","timezone":"Mars/Base"}`, "timezone")
	bad(site, `{"domain":"x.example/shop"}`, "domain")
	bad(put, `{"threshold":5}`, "threshold")
	bad(put, `{"ip_policy":"all"}`, "ip_policy")
	bad(put, `{"retention_months":-1}`, "retention_months")
	bad(put, `{"retention_months":1201}`, "retention_months")
	bad(put, `{"retention_months":"3"}`, "retention_months")
	bad(put, `{"query_keys":["a=b"]}`, "query_keys[0]")
	bad(keys, `{"name":"","scopes":["stats"]}`, "name")
	bad(keys, `{"name":"k","scopes":[]}`, "scopes")
	bad(keys, `{"name":"k","scopes":["stats","root"]}`, "scopes[1]")
	// Queries, as far as they are read here.
	bad(query, `{}`, "site_id")
	bad(query, `{"site_id":3}`, "site_id")
	bad(query, `{"site_id":null}`, "site_id")
	bad(query, `{"site_id":"a.example","site_id":"b.example"}`, "site_id")
	bad(query, `[{"site_id":"a.example"}]`, "")
	bad(query, `{"site_id":"a.example"}`, "date_range")
	bad(query, `{"site_id":"a.example","date_range":"8d","metrics":["visitors"]}`, "date_range")
	bad(query, `{"site_id":"a.example","date_range":"7d","metrics":["hits"]}`, "metrics[0]")
	bad(query, `{"site_id":"a.example","date_range":"7d","metrics":["visitors"],"colour":1}`, "colour")
	ask(query, `{"site_id":"nosuchsite","date_range":"7d","metrics":["visitors"]}`, 404, "not_found", "")
	// Parameters.
	ask("GET /api/v1/sites?page=2", "", 400, "invalid", "page")
	ask("GET /api/v1/live", "", 400, "invalid", "site_id")
	ask("GET /api/v1/live?site_id=a.example&site_id=b.example", "", 400, "invalid", "site_id")
	ask("GET /api/v1/live?site_id=a.example", "", 400, "invalid", "")
	const report = "GET /api/v1/sites/a.example/report?"
	ask(report, "", 400, "invalid", "from")
	ask(report+"from=2025-11-01", "", 400, "invalid", "to")
	ask(report+"from=yesterday&to=2025-11-02", "", 400, "invalid", "from")
	ask(report+"from=2025-11-03&to=2025-11-02", "", 400, "invalid", "to")
	ask(report+"from=2025-11-01&to=2025-11-02&dimensions=page", "", 400, "invalid", "dimensions")
	ask(report+"from=2025-11-01&to=2025-11-02&metrics=visitors", "", 400, "invalid", "metrics")
	ask(report+"from=2025-11-01&to=2025-11-02&limit=0", "", 400, "invalid", "limit")
	ask(report+"from=2025-11-01&to=2025-11-02&sort=users", "", 400, "invalid", "sort")
	// Content.
	ask(site, `{"domain":"x.example"}`, 415, "unsupported", "", "Content-Type: text/plain")
	ask(site, `domain=x.example`, 415, "unsupported", "", "Content-Type: application/x-www-form-urlencoded")
	ask(site, `{"domain":"x.example"}`, 415, "unsupported", "", "Content-Type: ;;")
	ask(site, `{"domain":"x.example"}`, 415, "unsupported", "", "Content-Type: application/json; charset=latin1")
	ask(site, `{"domain":"x.example"}`, 415, "unsupported", "", "Content-Encoding: gzip")
	ask(site, `{"domain":"`+strings.Repeat("x", maxBodyBytes)+`"}`, 413, "too_large", "")
	// Addresses and methods.
	ask("GET /api/v1/nothing", "", 404, "not_found", "")
	ask("GET /api/", "", 404, "not_found", "")
	ask("POST /api/v3/query", "{}", 404, "not_found", "")
	ask("GET /api/v1/sites/%00", "", 404, "not_found", "")
	ask("GET /api/v1/sites/"+strings.Repeat("x", 4000), "", 404, "not_found", "")
	ask("GET /api/v1/sites/a.example/", "", 404, "not_found", "")
	ask("DELETE /api/v1/sites", "", 405, "method_not_allowed", "")
	ask("PATCH /api/v1/sites/a.example", "{}", 405, "method_not_allowed", "")
	ask("GET /api/v2/query", "", 405, "method_not_allowed", "")
	ask("BREW /api/v1/me", "", 405, "method_not_allowed", "")
	if len(f.accounts.All()) != 2 || strings.Contains(f.log.String(), "cannot answer") {
		t.Errorf("a bad request did something; log: %s", f.log)
	}
}

func TestMethodNotAllowedNamesTheAllowed(t *testing.T) {
	f := open(t, nil)
	a := f.do(request{method: "PATCH", path: "/api/v1/sites/a.example"})
	if got := a.header.Get("Allow"); got != "GET, HEAD, PUT, DELETE" {
		t.Errorf("Allow: %q", got)
	}
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	f := open(t, nil)
	for _, path := range []string{"/api/v1/health", "/api/v1/setup", "/api/openapi.json", "/api/v1/me", "/api/nothing"} {
		a := f.do(request{method: "GET", path: path})
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	a := f.do(request{method: "GET", path: "/api/v1/health"})
	if string(a.body) != `{"status":"ok","version":"1.2.3"}` {
		t.Errorf("health %s", a.body)
	}
}

// Parts that are not there are said to be unavailable, and when to ask again.
func TestPartsThatAreNotThere(t *testing.T) {
	f := open(t, func(o *Options) { o.Engine, o.Live, o.SiteStatus, o.Auditor = nil, nil, nil, nil })
	cookie := f.login()
	for _, q := range []request{
		{method: "POST", path: "/api/v2/query", body: `{"site_id":"a.example","date_range":"7d","metrics":["visitors"]}`},
		{method: "POST", path: "/api/v2/explain", body: `{"site_id":"a.example","date_range":"7d","metrics":["visitors"]}`},
		{method: "GET", path: "/api/v1/sites/a.example/status"},
		{method: "GET", path: "/api/v1/live?site_id=a.example", headers: []string{"Connection: Upgrade", "Upgrade: websocket"}},
	} {
		q.cookie = cookie
		a := f.do(q)
		f.wantError(a, 503, "unavailable", "")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", q.path)
		}
	}
	var snapshot map[string]any
	f.read(f.do(request{method: "GET", path: "/api/v1/sites/a.example/realtime", cookie: cookie}), 200, &snapshot)
	if snapshot["available"] != false || snapshot["metrics"] != nil || snapshot["site_id"] != f.a.WebsiteID {
		t.Errorf("realtime %v", snapshot)
	}
}

func TestErrorTable(t *testing.T) {
	codes := []code{codeInvalid, codeUnauthorized, codeForbidden, codeNotFound, codeMethod, codeConflict, codeTooLarge, codeUnsupported, codeTooMany, codeInternal, codeUnavailable}
	var statuses []int
	for _, c := range codes {
		statuses = append(statuses, c.status())
		if http.StatusText(c.status()) == "" {
			t.Errorf("%s has status %d", c, c.status())
		}
	}
	if slices.Sort(statuses); len(slices.Compact(statuses)) != len(codes) {
		t.Error("two codes have one status")
	}
	if got := failureOf(fmt.Errorf("odd")); got.code != codeInternal || strings.Contains(got.message, "odd") {
		t.Errorf("an unknown error becomes %v", got)
	}
	if got := failureOf(fmt.Errorf("cannot add: %w: refused", account.ErrUnavailable)); got.code != codeUnavailable || strings.Contains(got.message, "refused") {
		t.Errorf("a database that is away becomes %v", got)
	}
	if got := failureOf(fmt.Errorf("cannot read: %w: 1 MiB used", query.ErrMemory)); got.code != codeUnavailable || strings.Contains(got.message, "MiB") {
		t.Errorf("a query without memory becomes %v", got)
	}
}

func FuzzDecodeObject(f *testing.F) {
	for _, seed := range []string{`{"domain":"a.example"}`, `{"hostnames":["a",1]}`, `{"threshold":1e5}`, `{"domain":null}`, `[`, `{"":{}}`, "{\"a\":\"\\ud800\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var request siteRequest
		err := decodeObject(body, &request)
		if err != nil {
			if failureOf(err).code != codeInvalid {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("%q was taken for JSON", body)
		}
	})
}

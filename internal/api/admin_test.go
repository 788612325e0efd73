package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// admin asks the handler as the command line does.
func (f *fixture) admin(method, path, body string) answer {
	w := httptest.NewRecorder()
	f.api.Admin().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

func TestAdmin(t *testing.T) {
	f := open(t, nil)
	var info infoReply
	f.read(f.admin("GET", "/admin/info", ""), 200, &info)
	if info.PID != os.Getpid() || info.Version != "1.2.3" {
		t.Errorf("info %+v", info)
	}
	var site adminSiteReply
	f.read(f.admin("POST", "/admin/sites", `{"domain":"c.example","timezone":"Europe/Berlin"}`), 201, &site)
	if got, ok := f.accounts.ByTracking(site.TrackingID); !ok || got.WebsiteID != site.WebsiteID || got.Timezone != "Europe/Berlin" {
		t.Errorf("site %+v", site)
	}
	f.wantError(f.admin("POST", "/admin/sites", `{"domain":"c.example"}`), 409, "conflict", "")

	var key, all adminKeyReply
	f.read(f.admin("POST", "/admin/keys", `{"site":"c.example","name":"cli","scopes":["stats","ingest","import"]}`), 201, &key)
	if bound, ok := f.accounts.Authorize(key.Key, "import"); !ok || bound != site.WebsiteID {
		t.Errorf("the key is bound to %q, %v", bound, ok)
	}
	f.read(f.admin("POST", "/admin/keys", `{"site":"*","name":"cli","scopes":["admin"]}`), 201, &all)
	var made siteReply
	f.read(f.do(request{method: "POST", path: "/api/v1/sites", key: all.Key, body: `{"domain":"d.example"}`}), 201, &made)
	f.wantError(f.admin("POST", "/admin/keys", `{"site":"nobody.example","name":"cli","scopes":["stats"]}`), 404, "not_found", "")

	var user userReply
	f.read(f.admin("POST", "/admin/users", `{"email":"ada@example.com","password":"correct horse","name":""}`), 201, &user)
	f.wantError(f.admin("POST", "/admin/users", `{"email":"ada@example.com","password":"correct horse"}`), 409, "conflict", "")
	f.read(f.do(request{method: "POST", path: "/api/v1/login", body: `{"email":"ada@example.com","password":"correct horse"}`}), 200, nil)

	var report map[string]any
	f.read(f.admin("POST", "/admin/audit", "{}"), 200, &report)
	if report["clean"] != true {
		t.Errorf("audit %v", report)
	}
	f.read(f.admin("POST", "/admin/query", `{"site_id":"c.example","date_range":"7d","metrics":["visitors"]}`), 200, nil)
	f.wantError(f.admin("POST", "/admin/query", `{"site_id":"nobody.example","date_range":"7d","metrics":["visitors"]}`), 404, "not_found", "")
	f.wantError(f.admin("POST", "/admin/query", `{}`), 400, "invalid", "site_id")
	f.wantError(f.admin("GET", "/admin/query", ""), 405, "method_not_allowed", "")
	f.wantError(f.admin("GET", "/api/v1/sites", ""), 404, "not_found", "")
}

// The handler without rights must not be reachable by the network's door.
func TestAdminIsNotServedByTheAPI(t *testing.T) {
	f := open(t, nil)
	for _, rt := range f.api.adminRoutes() {
		f.wantError(f.do(request{method: rt.method, path: rt.path, cookie: f.login()}), 404, "not_found", "")
	}
}

func TestAdminFailures(t *testing.T) {
	f := open(t, func(o *Options) { o.Auditor = nil })
	f.wantError(f.admin("POST", "/admin/audit", "{}"), 503, "unavailable", "")
	broken := open(t, func(o *Options) {
		o.Auditor = auditFunc(func() (any, bool, error) { return nil, false, fmt.Errorf("a table is gone") })
	})
	broken.wantError(broken.admin(http.MethodPost, "/admin/audit", "{}"), 500, "internal", "")
}

package api

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// cookieOf returns the cookie that an answer sets.
func cookieOf(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: a.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	return cookies[0]
}

func TestSetupLoginLogout(t *testing.T) {
	f := open(t, nil)
	var setup setupReply
	f.read(f.do(request{method: "GET", path: "/api/v1/setup"}), 200, &setup)
	if !setup.Needed {
		t.Error("setup is not needed")
	}
	var made userReply
	a := f.do(request{method: "POST", path: "/api/v1/setup", body: `{"email":"Ada@example.com","password":"correct horse","name":"Ada"}`})
	f.read(a, 201, &made)
	if made.User.Email != testEmail || made.User.Name != "Ada" || made.User.ID == "" || made.User.CreatedAt != f.clock.Now().UnixMilli() {
		t.Errorf("user %+v", made.User)
	}
	first := cookieOf(t, a)
	if first.Name != "footfall_session" || !first.HttpOnly || first.SameSite != http.SameSiteLaxMode || first.Secure || first.Path != "/" || first.Domain != "" || first.MaxAge != 90*24*3600 {
		t.Errorf("cookie %+v", first)
	}
	f.read(f.do(request{method: "GET", path: "/api/v1/setup"}), 200, &setup)
	if setup.Needed {
		t.Error("setup is still needed")
	}
	f.wantError(f.do(request{method: "POST", path: "/api/v1/setup", body: `{"email":"b@example.com","password":"correct horse"}`}), 409, "conflict", "")

	a = f.do(request{method: "POST", path: "/api/v1/login", body: `{"email":"ada@example.com","password":"correct horse"}`, cookie: first.Value})
	var again userReply
	f.read(a, 200, &again)
	second := cookieOf(t, a)
	if again != made || second.Value == first.Value {
		t.Errorf("login gives %+v; a new token: %v", again, second.Value != first.Value)
	}
	f.wantError(f.do(request{method: "GET", path: "/api/v1/me", cookie: first.Value}), 401, "unauthorized", "")
	f.read(f.do(request{method: "GET", path: "/api/v1/me", cookie: second.Value}), 200, &again)

	a = f.do(request{method: "POST", path: "/api/v1/logout", cookie: second.Value})
	f.read(a, 204, nil)
	if gone := cookieOf(t, a); gone.MaxAge >= 0 || gone.Value != "" || len(a.body) != 0 {
		t.Errorf("logout: cookie %+v, body %q", gone, a.body)
	}
	f.wantError(f.do(request{method: "GET", path: "/api/v1/me", cookie: second.Value}), 401, "unauthorized", "")
	f.read(f.do(request{method: "POST", path: "/api/v1/logout"}), 204, nil)
}

func TestCookieBehindTLS(t *testing.T) {
	f := open(t, func(o *Options) { o.Secure = func(*http.Request) bool { return true } })
	plain := f.login()
	a := f.do(request{method: "POST", path: "/api/v1/login", body: `{"email":"ada@example.com","password":"correct horse"}`})
	f.read(a, 200, nil)
	cookie := cookieOf(t, a)
	if cookie.Name != "__Host-footfall_session" || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("cookie %+v", cookie)
	}
	f.wantError(f.do(request{method: "GET", path: "/api/v1/me", cookie: plain}), 401, "unauthorized", "")
	f.read(f.do(request{method: "GET", path: "/api/v1/me", headers: []string{"Cookie: " + cookie.Name + "=" + cookie.Value}}), 200, nil)
}

func TestLoginRefuses(t *testing.T) {
	f := open(t, nil)
	f.login()
	try := func(email, password string, headers ...string) answer {
		return f.do(request{method: "POST", path: "/api/v1/login", body: fmt.Sprintf(`{"email":%q,"password":%q}`, email, password), headers: headers})
	}
	known, unknown := try(testEmail, "wrong"), try("bob@example.com", "wrong")
	f.wantError(known, 401, "unauthorized", "")
	if !bytes.Equal(known.body, unknown.body) || known.status != unknown.status || known.header.Get("Set-Cookie")+unknown.header.Get("Set-Cookie") != "" {
		t.Errorf("known %s, unknown %s", known.body, unknown.body)
	}
	for range 9 {
		f.wantError(try(testEmail, "wrong"), 401, "unauthorized", "")
	}
	refused := try(testEmail, testPassword, "X-Forwarded-For: 198.51.100.7")
	f.wantError(refused, 429, "too_many_requests", "")
	if refused.header.Get("Retry-After") != "900" {
		t.Errorf("Retry-After %q", refused.header.Get("Retry-After"))
	}
	f.clock.Add(15 * time.Minute)
	f.read(try(testEmail, testPassword), 200, nil)
}

func TestLoginLimitIsByClientAddress(t *testing.T) {
	f := open(t, func(o *Options) {
		o.ClientAddress = func(r *http.Request) string { return r.Header.Get("X-Test-Address") }
	})
	f.login()
	try := func(address string) answer {
		return f.do(request{method: "POST", path: "/api/v1/login", body: `{"email":"ada@example.com","password":"wrong"}`, headers: []string{"X-Test-Address: " + address}})
	}
	for range 10 {
		f.wantError(try("192.0.2.1"), 401, "unauthorized", "")
	}
	f.wantError(try("192.0.2.1"), 429, "too_many_requests", "")
	f.wantError(try("192.0.2.2"), 401, "unauthorized", "")
}

// Nothing that lets somebody in may reach the log.
func TestLogHoldsNoSecret(t *testing.T) {
	f := open(t, func(o *Options) {
		o.SiteStatus = statusFunc(func(string) (int64, int64, int64, error) { return 0, 0, 0, fmt.Errorf("the disk is on fire") })
	})
	_, key := f.addKey(f.a.WebsiteID, "stats")
	detail := f.wantError(f.do(request{method: "GET", path: "/api/v1/sites/a.example/status", key: key}), 500, "internal", "")
	if strings.Contains(detail.Message, "fire") {
		t.Errorf("the client sees %q", detail.Message)
	}
	if log := f.log.String(); !strings.Contains(log, "fire") || strings.Contains(log, key) || strings.Count(log, "\n") != 1 {
		t.Errorf("log: %q", log)
	}
}

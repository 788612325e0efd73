package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// statusFunc is a SiteStatus.
type statusFunc func(websiteID string) (first, last, events int64, err error)

func (f statusFunc) SiteStatus(_ context.Context, websiteID string) (first, last, events int64, err error) {
	return f(websiteID)
}

// auditFunc is an Auditor.
type auditFunc func() (any, bool, error)

func (f auditFunc) Audit(context.Context) (any, bool, error) { return f() }

// fixture is an API with real accounts and a real hub, served on loopback.
type fixture struct {
	t        *testing.T
	clock    *clock
	accounts *account.Store
	hub      *live.Hub
	api      *API
	server   *httptest.Server
	log      *lockedBuffer
	a, b     *event.Site
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const (
	testEmail    = "ada@example.com"
	testPassword = "correct horse"
)

// open makes an API with two sites and no user. change may change its options.
func open(t *testing.T, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: &clock{now: time.UnixMilli(1_763_856_000_000)}, log: &lockedBuffer{}}
	logger := slog.New(slog.NewTextHandler(f.log, nil))
	var err error
	f.accounts, err = account.Open(account.Options{Path: filepath.Join(t.TempDir(), "accounts.db"), Clock: f.clock.Now, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	f.hub = live.New(live.Options{Now: func() int64 { return f.clock.Now().UnixMilli() }})
	options := Options{
		Accounts: f.accounts, Engine: echoEngine(), Live: f.hub, Version: "1.2.3", Clock: f.clock.Now, Logger: logger,
		SiteStatus: statusFunc(func(string) (int64, int64, int64, error) { return 0, 0, 0, nil }),
		Auditor:    auditFunc(func() (any, bool, error) { return map[string]any{"clean": true, "differences": []any{}}, true, nil }),
	}
	if change != nil {
		change(&options)
	}
	if f.api, err = New(options); err != nil {
		t.Fatal(err)
	}
	f.server = httptest.NewServer(f.api)
	t.Cleanup(f.close)
	f.a, f.b = f.addSite("a.example"), f.addSite("b.example")
	return f
}

func (f *fixture) close() {
	http.DefaultClient.CloseIdleConnections()
	for _, err := range []error{f.api.Close(), f.accounts.Close()} {
		if err != nil {
			f.t.Error(err)
		}
	}
	f.server.Close()
}

func (f *fixture) addSite(domain string) *event.Site {
	f.t.Helper()
	site, err := f.accounts.AddSite(context.Background(), account.NewSite{Domain: domain})
	if err != nil {
		f.t.Fatal(err)
	}
	return site
}

func (f *fixture) addKey(site string, scopes ...string) (id, text string) {
	f.t.Helper()
	key, text, err := f.accounts.AddKey(context.Background(), site, "test", scopes)
	if err != nil {
		f.t.Fatal(err)
	}
	return key.ID, text
}

// login makes the user when needed and returns the value of a fresh cookie.
func (f *fixture) login() string {
	f.t.Helper()
	f.accounts.AddFirstUser(context.Background(), account.NewUser{Email: testEmail, Password: testPassword, Name: "Ada"})
	_, token, err := f.accounts.Login(context.Background(), testEmail, testPassword, "192.0.2.1")
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// answer is a reply, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request describes what is sent; headers stand as "Name: value".
type request struct {
	method, path, body string
	key, cookie        string
	headers            []string
}

func (f *fixture) do(q request) answer {
	f.t.Helper()
	r, err := http.NewRequest(q.method, f.server.URL+q.path, strings.NewReader(q.body))
	if err != nil {
		f.t.Fatal(err)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.key != "" {
		r.Header.Set("Authorization", "Bearer "+q.key)
	}
	if q.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "footfall_session", Value: q.cookie})
	}
	for _, header := range q.headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// read decodes the body of an answer that must have the status.
func (f *fixture) read(a answer, status int, into any) {
	f.t.Helper()
	if a.status != status {
		f.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if into == nil {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		f.t.Fatalf("cannot read %s: %v", a.body, err)
	}
}

// wantError checks status, code and path of an error, and the exact form of its body.
func (f *fixture) wantError(a answer, status int, code, path string) ErrorDetail {
	f.t.Helper()
	var reply ErrorReply
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&reply); err != nil {
		f.t.Errorf("the error is not in its form: %v: %s", err, a.body)
	}
	if a.status != status || reply.Error.Code != code || reply.Error.Path != path || reply.Error.Message == "" {
		f.t.Errorf("%d %s, want %d %s at %q", a.status, a.body, status, code, path)
	}
	if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		f.t.Errorf("content type %q", got)
	}
	return reply.Error
}

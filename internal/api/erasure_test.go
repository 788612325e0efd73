package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/store"
)

// eraser is an Erasures that keeps what it is asked.
type eraser struct {
	asked []collect.Forget
	sites []string
	err   error
}

func (e *eraser) Erase(_ context.Context, site *event.Site, f collect.Forget) (store.ErasureReport, error) {
	if e.err != nil {
		return store.ErasureReport{}, e.err
	}
	e.asked, e.sites = append(e.asked, f), append(e.sites, site.Domain)
	return store.ErasureReport{Erased: event.Erased{ID: "one", WebsiteID: site.WebsiteID, Scope: event.EraseVisitor, AskedAt: 1000, AskedBy: f.By}}, nil
}

func (e *eraser) Erasures(_ context.Context, websiteID string) ([]store.ErasureReport, error) {
	return []store.ErasureReport{
		{Erased: event.Erased{ID: "two", WebsiteID: websiteID, Scope: event.EraseVisitor, Subjects: []event.Subject{event.SubjectOf(websiteID, "ann")}}, AppliedAt: 5,
			Proofs: []store.Proof{{Part: "events", Found: 3, Removed: 3, VerifiedAt: 7}, {Part: "sessions", Found: 1, Removed: 1, VerifiedAt: 9}}},
		{Erased: event.Erased{ID: "one", WebsiteID: websiteID}, AppliedAt: 5, Proofs: []store.Proof{{Part: "events", Left: 2}}},
	}, nil
}

func (e *eraser) LogMillis() int64 { return 9 }

func TestErasures(t *testing.T) {
	e := &eraser{}
	f := open(t, func(o *Options) { o.Erasures = e })
	cookie := f.login()
	path := "/api/v1/sites/" + f.a.WebsiteID + "/erasures"
	got := f.do(request{method: "POST", path: path, body: `{"visitor":"ann"}`, cookie: cookie})
	if got.status != http.StatusCreated || !strings.Contains(string(got.body), `"status":"asked"`) || !strings.Contains(string(got.body), `"log_until":1009`) ||
		len(e.asked) != 1 || e.asked[0] != (collect.Forget{Visitor: "ann", By: "user " + testEmail}) || e.sites[0] != "a.example" {
		t.Errorf("%d %s, asked %+v", got.status, got.body, e.asked)
	}
	for body, want := range map[string]string{
		`{"all":true}`:                        `"path":"confirm"`,
		`{"all":true,"confirm":"b.example"}`:  `"path":"confirm"`,
		`{"visitor":"ann","everything":true}`: "unknown key",
	} {
		if got := f.do(request{method: "POST", path: path, body: body, cookie: cookie}); got.status != http.StatusBadRequest || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if got := f.do(request{method: "POST", path: path, body: `{"all":true,"confirm":"a.example"}`, cookie: cookie}); got.status != http.StatusCreated || !e.asked[1].All || e.asked[1].Forever {
		t.Errorf("%d %s, asked %+v", got.status, got.body, e.asked)
	}
	var list erasuresReply
	if got := f.do(request{method: "GET", path: path, body: "", cookie: cookie}); json.Unmarshal(got.body, &list) != nil || len(list.Erasures) != 2 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	two, one := list.Erasures[0], list.Erasures[1]
	if two.Status != erasureVerified || *two.VerifiedAt != 9 || one.Status != erasureApplied || one.VerifiedAt != nil || len(two.Subjects) != 1 {
		t.Errorf("%+v", list.Erasures)
	}
	if got := f.do(request{method: "GET", path: path + "/one", body: "", cookie: cookie}); got.status != http.StatusOK || !strings.Contains(string(got.body), `"left":2`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := f.do(request{method: "GET", path: path + "/none", body: "", cookie: cookie}); got.status != http.StatusNotFound {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestWhoMayErase(t *testing.T) {
	e := &eraser{}
	f := open(t, func(o *Options) { o.Erasures = e })
	path := "/api/v1/sites/" + f.a.WebsiteID + "/erasures"
	key := func(site string, scopes ...string) string {
		_, text := f.addKey(site, scopes...)
		return text
	}
	for key, want := range map[string]int{
		key("a.example", "stats"): http.StatusForbidden, key("a.example", "ingest", "import"): http.StatusForbidden,
		key("b.example", "admin"): http.StatusForbidden, key("a.example", "admin"): http.StatusCreated, "": http.StatusUnauthorized,
	} {
		if got := f.do(request{method: "POST", path: path, body: `{"visitor":"ann"}`, key: key}); got.status != want {
			t.Errorf("%q: %d %s, want %d", key, got.status, got.body, want)
		}
	}
	if len(e.asked) != 1 || !strings.HasPrefix(e.asked[0].By, "key ff_") {
		t.Errorf("asked %+v", e.asked)
	}
}

func TestErasuresThatCannotBe(t *testing.T) {
	e := &eraser{}
	f := open(t, func(o *Options) { o.Erasures = e })
	cookie := f.login()
	path := "/api/v1/sites/" + f.a.WebsiteID
	for _, c := range []struct {
		err    error
		status int
	}{{&collect.InvalidForgetError{Field: "day", Message: "no"}, 400}, {eventlog.ErrUnavailable, 503}, {eventlog.ErrFull, 503}, {errors.New("x"), 500}} {
		e.err = c.err
		if got := f.do(request{method: "POST", path: path + "/erasures", body: `{"visitor":"ann"}`, cookie: cookie}); got.status != c.status {
			t.Errorf("%v: %d %s", c.err, got.status, got.body)
		}
		if got := f.do(request{method: "DELETE", path: path, body: "", cookie: cookie}); got.status != c.status {
			t.Errorf("%v: a site was removed whose events stay: %d %s", c.err, got.status, got.body)
		}
	}
	e.err = nil
	if got := f.do(request{method: "DELETE", path: path, body: "", cookie: cookie}); got.status != http.StatusNoContent || len(e.asked) != 1 || !e.asked[0].All || !e.asked[0].Forever {
		t.Errorf("%d %s, asked %+v", got.status, got.body, e.asked)
	}
}

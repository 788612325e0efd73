package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// engineFuncs is an Engine for tests that are not about figures; TestFigures has the real one.
type engineFuncs struct {
	query   func(site *event.Site, body []byte) (*query.Reply, error)
	explain func(site *event.Site, body []byte) (*query.Explanation, error)
}

func (e engineFuncs) Query(_ context.Context, site *event.Site, body []byte) (*query.Reply, error) {
	return e.query(site, body)
}

func (e engineFuncs) Explain(_ context.Context, site *event.Site, body []byte) (*query.Explanation, error) {
	return e.explain(site, body)
}

// echoEngine answers with the site that it was given.
func echoEngine() Engine {
	return engineFuncs{
		query: func(site *event.Site, body []byte) (*query.Reply, error) {
			if _, err := query.Parse(body); err != nil {
				return nil, err
			}
			return &query.Reply{Results: []query.Result{}, Query: query.Echo{SiteID: site.WebsiteID}}, nil
		},
		explain: func(site *event.Site, body []byte) (*query.Explanation, error) {
			return &query.Explanation{Source: site.WebsiteID}, nil
		},
	}
}

// The engine gets the site that was authorized, however the body names it, and nothing else.
func TestEngineGetsTheAuthorizedSite(t *testing.T) {
	f := open(t, nil)
	cookie := f.login()
	for _, name := range []string{f.a.WebsiteID, "a.example", "A.Example"} {
		a := f.do(request{method: "POST", path: "/api/v2/query", cookie: cookie, body: fmt.Sprintf(`{"site_id":%q,"date_range":"7d","metrics":["visitors"]}`, name)})
		var reply struct {
			Query struct {
				SiteID string `json:"site_id"`
			}
		}
		if err := json.Unmarshal(a.body, &reply); err != nil || reply.Query.SiteID != f.a.WebsiteID {
			t.Errorf("site %q: %d %s", name, a.status, a.body)
		}
	}
}

func TestEngineErrors(t *testing.T) {
	var fault error
	f := open(t, func(o *Options) {
		o.Engine = engineFuncs{
			query:   func(*event.Site, []byte) (*query.Reply, error) { return nil, fault },
			explain: func(*event.Site, []byte) (*query.Explanation, error) { return nil, fault },
		}
	})
	cookie := f.login()
	requests := []request{
		{method: "POST", path: "/api/v2/query", body: `{"site_id":"a.example"}`},
		{method: "POST", path: "/api/v2/explain", body: `{"site_id":"a.example"}`},
	}
	for _, q := range requests {
		q.cookie = cookie
		fault = &query.Error{Message: "unknown metric", Path: "metrics[0]"}
		f.wantError(f.do(q), 400, "invalid", "metrics[0]")
		fault = fmt.Errorf("cannot run: %w", query.ErrTimeout)
		f.wantError(f.do(q), 503, "unavailable", "")
		fault = errors.New("a column is gone")
		f.wantError(f.do(q), 500, "internal", "")
	}
	report := request{method: "GET", path: "/api/v1/sites/a.example/report?from=2025-11-01&to=2025-11-02", cookie: cookie}
	fault = &query.Error{Message: "the range is too long", Path: "date_range"}
	f.wantError(f.do(report), 400, "invalid", "from")
	fault = query.ErrTimeout
	f.wantError(f.do(report), 503, "unavailable", "")
}

package api

import (
	"context"
	"encoding/json"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/report"
)

// Engine answers queries, of which only the site_id has been read; *query.Engine is one.
type Engine interface {
	Query(ctx context.Context, site *event.Site, body []byte) (*query.Reply, error)
	Explain(ctx context.Context, site *event.Site, body []byte) (*query.Explanation, error)
}

func postQuery(c *call) (any, error) { return ask(c, Engine.Query) }

func postExplain(c *call) (any, error) { return ask(c, Engine.Explain) }

func ask[R any](c *call, question func(Engine, context.Context, *event.Site, []byte) (R, error)) (any, error) {
	engine, err := c.engine()
	if err != nil {
		return nil, err
	}
	name, err := siteInBody(c.body)
	if err != nil {
		return nil, err
	}
	site, err := c.siteNamed(name)
	if err != nil {
		return nil, err
	}
	return question(engine, c.r.Context(), site, c.body)
}

func (c *call) engine() (Engine, error) {
	if c.api.options.Engine == nil {
		return nil, fail(codeUnavailable, "there is no query engine here")
	}
	return c.api.options.Engine, nil
}

// getReport is the historical report, which is a query in other words.
func getReport(c *call) (any, error) {
	engine, err := c.engine()
	if err != nil {
		return nil, err
	}
	params, err := report.ParseParams(c.r.URL.Query())
	if err != nil {
		return nil, err
	}
	return report.Make(c.r.Context(), engine, c.site, params)
}

// siteNamed returns the site that a body or parameter names, when the caller may use it.
func (c *call) siteNamed(name string) (*event.Site, error) {
	if c.route.access != local {
		return c.api.authorize(c.caller, c.route.scopes, name)
	}
	if site, ok := c.api.options.Accounts.ByID(name); ok {
		return site, nil
	}
	return nil, fail(codeNotFound, "there is no site %q", name)
}

// siteInBody finds the site_id of a query, whose other keys are the engine's to judge.
func siteInBody(body []byte) (string, error) {
	members, err := readMembers(body)
	if err != nil {
		return "", err
	}
	for _, m := range members {
		if m.key != "site_id" {
			continue
		}
		var name *string
		if err := json.Unmarshal(m.value, &name); err != nil || name == nil {
			return "", failAt("site_id", "site_id must be a text")
		}
		return *name, nil
	}
	return "", failAt("site_id", "the key \"site_id\" is missing")
}

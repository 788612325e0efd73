package api

import (
	"context"
	"encoding/json"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
)

// Engine answers queries. The body is that of the request, not yet read but for its site_id.
type Engine interface {
	Query(ctx context.Context, site *event.Site, body []byte) (reply any, err error)
	Explain(ctx context.Context, site *event.Site, body []byte) (reply any, err error)
}

func postQuery(c *call) (any, error) { return c.ask(Engine.Query) }

func postExplain(c *call) (any, error) { return c.ask(Engine.Explain) }

func (c *call) ask(question func(Engine, context.Context, *event.Site, []byte) (any, error)) (any, error) {
	engine := c.api.options.Engine
	if engine == nil {
		return nil, fail(codeUnavailable, "there is no query engine here")
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

// siteNamed returns the site that a body or parameter names, when the caller may use it.
func (c *call) siteNamed(name string) (*event.Site, error) {
	if c.route.access != local {
		return c.api.authorize(c.caller, c.route.scopes, name)
	}
	if site, ok := c.api.options.Accounts.ByID(name); ok {
		return site, nil
	}
	return nil, account.ErrNotFound
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

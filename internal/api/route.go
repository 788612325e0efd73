package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
)

// access says who may call a route.
type access uint8

const (
	public  access = iota // anybody
	callers               // a user, or a key with one of the route's scopes
	ofSite                // the same, with the right to the site that {id} names
	inBody                // the same, for the site that the handler finds in the request and gives to authorize
	local                 // whoever reaches the admin handler
)

// route is one request of the API. Mux, rights and documentation are made from it.
type route struct {
	method, path string
	access       access
	scopes       []string // of keys that may call it, any of them; none: users only
	limited      bool     // counts against the queries of a key's hour
	handle       func(*call) (any, error)

	summary string
	params  []param
	request any // value of the body's type; nil: no body. rawBody: the handler reads the body itself
	reply   any // value of the reply's type; nil: 204
	created bool
	errors  []code // beyond those that follow from the fields above
}

// param is a parameter of the query string.
type param struct {
	name, doc string
	required  bool
}

// rawBody is the type of bodies that a package below reads: schema is what stands in the OpenAPI document for it.
type rawBody struct{ schema any }

func (rt *route) pattern() string { return rt.method + " " + rt.path }

func (rt *route) status() int {
	switch {
	case rt.created:
		return http.StatusCreated
	case rt.reply == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// call is one request on its way through a handler.
type call struct {
	api    *API
	w      http.ResponseWriter
	r      *http.Request
	route  *route
	caller caller
	site   *event.Site // of routes with access ofSite
	body   []byte
}

// hijacked is what a handler returns that has taken over the connection: nothing is left to write.
type hijacked struct{}

// handler checks a request by its route, hands it to the route's function and writes what that returns.
func (a *API) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{api: a, w: w, r: r, route: &rt}
		reply, err := c.serve()
		switch {
		case err != nil:
			a.writeError(w, r, err)
		case reply == hijacked{}:
		case rt.reply == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			writeJSON(w, rt.status(), reply)
		}
	})
}

func (c *call) serve() (any, error) {
	if err := c.admit(); err != nil {
		return nil, err
	}
	if err := c.checkParams(); err != nil {
		return nil, err
	}
	if c.route.request != nil {
		body, err := readBody(c.w, c.r)
		if err != nil {
			return nil, err
		}
		c.body = body
	}
	return c.route.handle(c)
}

// admit decides whether the request may go on, before anything of it is read.
func (c *call) admit() (err error) {
	rt, a := c.route, c.api
	if rt.access == local {
		return nil
	}
	if err := a.checkOrigin(c.r); err != nil {
		return err
	}
	if rt.access == public {
		return nil
	}
	if c.caller, err = a.identifyRoute(c.r, rt); err != nil {
		return err
	}
	if err := c.caller.permit(rt.scopes); err != nil {
		return err
	}
	if rt.access == ofSite {
		if c.site, err = a.authorize(c.caller, rt.scopes, c.r.PathValue("id")); err != nil {
			return err
		}
	}
	if rt.limited && c.caller.key != nil {
		return a.hourly.take(c.caller.key.ID, a.options.Clock())
	}
	return nil
}

// checkParams refuses parameters that the route does not know, and repeated ones.
func (c *call) checkParams() error {
	for name, values := range c.r.URL.Query() {
		if !slices.ContainsFunc(c.route.params, func(p param) bool { return p.name == name }) {
			return failAt(name, "unknown parameter %q", name)
		}
		if len(values) > 1 {
			return failAt(name, "the parameter %q stands twice", name)
		}
	}
	for _, p := range c.route.params {
		if p.required && c.r.URL.Query().Get(p.name) == "" {
			return failAt(p.name, "the parameter %q is missing", p.name)
		}
	}
	return nil
}

// decode reads the body into the struct that into points to.
func (c *call) decode(into any) error { return decodeObject(c.body, into) }

// allowedMethods returns the methods that the mux has for the path of a request, as the header Allow lists them.
func allowedMethods(mux *http.ServeMux, r *http.Request) string {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := *r
		other.Method = method
		if _, pattern := mux.Handler(&other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	return strings.Join(allowed, ", ")
}

// statsScopes and adminScopes are what most routes ask of a key.
func statsScopes() []string { return []string{account.ScopeStats} }
func adminScopes() []string { return []string{account.ScopeAdmin} }
func eitherScope() []string { return []string{account.ScopeStats, account.ScopeAdmin} }

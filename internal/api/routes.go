package api

import (
	"encoding/json"

	"github.com/footfall-analytics/footfall/internal/live"
)

// routes is every request under /api/.
func (a *API) routes() []route {
	return append(append(a.accountRoutes(), a.siteRoutes()...), a.figureRoutes()...)
}

type healthReply struct {
	Status  string `json:"status"`
	Version string `json:"version"`
}

func (a *API) accountRoutes() []route {
	return []route{
		{method: "GET", path: "/api/v1/health", access: public, summary: "Whether the server answers",
			handle: getHealth, reply: healthReply{}},
		{method: "GET", path: "/api/openapi.json", access: public, summary: "This document",
			handle: getDocument, reply: rawBody{}},
		{method: "GET", path: "/api/v1/setup", access: public, summary: "Whether the first user must still be made",
			handle: getSetup, reply: setupReply{}},
		{method: "POST", path: "/api/v1/setup", access: public, summary: "Make the first user and log in",
			handle: postSetup, request: setupRequest{}, reply: userReply{}, created: true, errors: []code{codeConflict}},
		{method: "POST", path: "/api/v1/login", access: public, summary: "Log in",
			handle: postLogin, request: loginRequest{}, reply: userReply{}, errors: []code{codeUnauthorized, codeTooMany}},
		{method: "POST", path: "/api/v1/logout", access: public, summary: "Log out",
			handle: postLogout},
		{method: "GET", path: "/api/v1/batch", access: callers, summary: "How the daily job of a cluster is; enabled is false where there is none",
			handle: getBatch, reply: batchReply{}},
		{method: "GET", path: "/api/v1/me", access: callers, summary: "Who is logged in",
			handle: getMe, reply: userReply{}},
	}
}

func (a *API) siteRoutes() []route {
	return []route{
		{method: "GET", path: "/api/v1/sites", access: callers, scopes: eitherScope(), summary: "The sites that the caller may see",
			handle: getSites, reply: sitesReply{}},
		{method: "POST", path: "/api/v1/sites", access: callers, scopes: adminScopes(), summary: "Add a site",
			handle: postSite, request: newSiteRequest{}, reply: siteReply{}, created: true, errors: []code{codeConflict}},
		{method: "GET", path: "/api/v1/sites/{id}", access: ofSite, scopes: eitherScope(), summary: "One site",
			handle: getSite, reply: siteReply{}},
		{method: "PUT", path: "/api/v1/sites/{id}", access: ofSite, scopes: adminScopes(), summary: "Change a site",
			handle: putSite, request: siteRequest{}, reply: siteReply{}, errors: []code{codeConflict}},
		{method: "DELETE", path: "/api/v1/sites/{id}", access: ofSite, scopes: adminScopes(), summary: "Remove a site and its keys; its events stay",
			handle: deleteSite},
		{method: "GET", path: "/api/v1/sites/{id}/status", access: ofSite, scopes: eitherScope(), summary: "What is stored of a site",
			handle: getStatus, reply: statusReply{}},
		{method: "GET", path: "/api/v1/sites/{id}/keys", access: ofSite, scopes: adminScopes(), summary: "The keys of a site",
			handle: getKeys, reply: keysReply{}},
		{method: "POST", path: "/api/v1/sites/{id}/keys", access: ofSite, scopes: adminScopes(), summary: "Make a key",
			handle: postKey, request: newKeyRequest{}, reply: newKeyReply{}, created: true},
		{method: "DELETE", path: "/api/v1/sites/{id}/keys/{key}", access: ofSite, scopes: adminScopes(), summary: "Revoke a key",
			handle: deleteKey},
	}
}

func (a *API) figureRoutes() []route {
	return []route{
		{method: "POST", path: "/api/v2/query", access: inBody, scopes: statsScopes(), limited: true, summary: "Ask for figures",
			handle: postQuery, request: rawBody{queryRequest{}}, reply: rawBody{queryReply{}}},
		{method: "POST", path: "/api/v2/explain", access: inBody, scopes: statsScopes(), limited: true, summary: "How a query would be answered, and the ledger behind it",
			handle: postExplain, request: rawBody{queryRequest{}}, reply: rawBody{explainReply{}}},
		{method: "GET", path: "/api/v1/sites/{id}/realtime", access: ofSite, scopes: statsScopes(), summary: "The last 30 minutes",
			handle: getRealtime, reply: live.Snapshot{}},
		{method: "GET", path: "/api/v1/sites/{id}/report", access: ofSite, scopes: statsScopes(), limited: true, summary: "Users, sessions, pageviews and bounce rate by date, source and device",
			params: reportParams(), handle: getReport, reply: rawBody{reportReply{}}},
		{method: "GET", path: livePath, access: inBody, scopes: statsScopes(), summary: "WebSocket: the last 30 minutes as they change",
			params: []param{{"site_id", "website_id or domain", true}}, handle: getLive, reply: rawBody{liveMessage{}}},
	}
}

func reportParams() []param {
	return []param{
		{"from", "first date, as 2026-10-01", true}, {"to", "last date", true},
		{"dimensions", "list of date, source, device", false}, {"metrics", "list of users, sessions, pageviews, bounce_rate", false},
		{"limit", "at most 100000; default 10000", false}, {"offset", "default 0", false},
	}
}

func getHealth(c *call) (any, error) { return healthReply{"ok", c.api.options.Version}, nil }

func getDocument(c *call) (any, error) { return json.RawMessage(c.api.document), nil }

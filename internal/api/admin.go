package api

import (
	"errors"
	"os"

	"github.com/footfall-analytics/footfall/internal/account"
)

type (
	adminSiteReply struct {
		WebsiteID  string `json:"website_id"`
		TrackingID string `json:"tracking_id"`
	}
	adminKeyRequest struct {
		Site   string   `json:"site"`
		Name   string   `json:"name"`
		Scopes []string `json:"scopes"`
	}
	adminKeyReply struct {
		Key string `json:"key"`
	}
	infoReply struct {
		PID     int    `json:"pid"`
		Version string `json:"version"`
	}
)

// adminRoutes are for the command line; docs/format/api.md, "Administration".
func (a *API) adminRoutes() []route {
	return []route{
		{method: "GET", path: "/admin/info", access: local, handle: adminInfo, reply: infoReply{}},
		{method: "POST", path: "/admin/sites", access: local, handle: adminSite, request: newSiteRequest{}, reply: adminSiteReply{}, created: true},
		{method: "POST", path: "/admin/keys", access: local, handle: adminKey, request: adminKeyRequest{}, reply: adminKeyReply{}, created: true},
		{method: "POST", path: "/admin/users", access: local, handle: adminUser, request: setupRequest{}, reply: userReply{}, created: true},
		{method: "POST", path: "/admin/query", access: local, handle: postQuery, request: rawBody{}, reply: rawBody{}},
		{method: "POST", path: "/admin/audit", access: local, handle: adminAudit, reply: rawBody{}},
		{method: "POST", path: "/admin/erasures", access: local, handle: adminErase, request: adminErasureRequest{}, reply: erasureReply{}, created: true},
		{method: "GET", path: "/admin/erasures", access: local, handle: adminErasures, params: []param{{"site", "website_id or domain", true}}, reply: erasuresReply{}},
		{method: "POST", path: "/admin/migrate", access: local, handle: adminMigrate, request: rawBody{}, reply: rawBody{}},
		{method: "POST", path: "/admin/export", access: local, handle: adminExport, request: rawBody{}, reply: rawBody{}},
	}
}

func adminInfo(c *call) (any, error) { return infoReply{os.Getpid(), c.api.options.Version}, nil }

func adminSite(c *call) (any, error) {
	var request newSiteRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	site, err := c.api.addSite(c, request)
	if err != nil {
		return nil, err
	}
	return adminSiteReply{site.WebsiteID, site.TrackingID}, nil
}

// adminKey also makes keys for all sites, of site "*", which the API itself never does.
func adminKey(c *call) (any, error) {
	var request adminKeyRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	_, text, err := c.api.options.Accounts.AddKey(c.r.Context(), request.Site, request.Name, request.Scopes)
	if errors.Is(err, account.ErrNotFound) {
		return nil, fail(codeNotFound, "there is no site %q", request.Site)
	}
	if err != nil {
		return nil, err
	}
	return adminKeyReply{text}, nil
}

func adminUser(c *call) (any, error) {
	var request setupRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	user, err := c.api.options.Accounts.AddUser(c.r.Context(), newUserOf(request))
	if err != nil {
		return nil, err
	}
	return userReply{userOf(user)}, nil
}

func adminAudit(c *call) (any, error) {
	if c.api.options.Auditor == nil {
		return nil, fail(codeUnavailable, "there is nothing to audit here")
	}
	report, _, err := c.api.options.Auditor.Audit(c.r.Context())
	return report, err
}

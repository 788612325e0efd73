package api

import (
	"errors"
	"os"
	"time"

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
		{method: "POST", path: "/admin/audit", access: local, handle: adminAudit, request: auditRequest{}, reply: rawBody{}},
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

// auditRequest names the days (UTC) by which the stores of a cluster are compared; both or none.
type auditRequest struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

func adminAudit(c *call) (any, error) {
	var request auditRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	auditor := c.api.options.Auditor
	if auditor == nil {
		return nil, fail(codeUnavailable, "there is nothing to audit here")
	}
	if request == (auditRequest{}) {
		report, _, err := auditor.Audit(c.r.Context())
		return report, err
	}
	first, last, err := request.days()
	if err != nil {
		return nil, err
	}
	byDay, ok := auditor.(DayAuditor)
	if !ok {
		return nil, failAt("from", "days are compared in a cluster only")
	}
	report, _, err := byDay.AuditDays(c.r.Context(), first, last)
	return report, err
}

func (r *auditRequest) days() (first, last time.Time, err error) {
	if first, err = time.Parse(time.DateOnly, r.From); err != nil {
		return first, last, failAt("from", "%q is no date as 2026-11-01", r.From)
	}
	if last, err = time.Parse(time.DateOnly, r.To); err != nil || last.Before(first) {
		return first, last, failAt("to", "%q is no date from the first on", r.To)
	}
	return first, last, nil
}

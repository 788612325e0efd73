package api

import (
	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
)

// Site is a site as clients see one.
type Site struct {
	WebsiteID       string   `json:"website_id"`
	TrackingID      string   `json:"tracking_id"`
	Domain          string   `json:"domain"`
	Timezone        string   `json:"timezone"`
	Threshold       int      `json:"threshold" minimum:"0" maximum:"4" doc:"first bot band that is not people"`
	IPPolicy        string   `json:"ip_policy" enum:"none,truncated,full"`
	Hostnames       []string `json:"hostnames" nullable:"false" doc:"host names that are counted; empty: all"`
	IgnoreSignals   bool     `json:"ignore_signals" doc:"true: visitors that send GPC or DNT are counted"`
	QueryKeys       []string `json:"query_keys" nullable:"false" doc:"query parameters that stay in a page's address"`
	RetentionMonths int      `json:"retention_months" minimum:"0" maximum:"1200" doc:"how long raw events are kept, months of 31 days; 0: as long as the installation keeps them. Rollups stay"`
	CreatedAt       int64    `json:"created_at"`
	Demo            bool     `json:"demo"`
}

func siteOf(s *event.Site) Site {
	return Site{
		WebsiteID: s.WebsiteID, TrackingID: s.TrackingID, Domain: s.Domain, Timezone: s.Timezone,
		Threshold: int(s.Threshold), IPPolicy: string(s.IPPolicy), Hostnames: texts(s.Hostnames),
		IgnoreSignals: s.IgnoreSignals, QueryKeys: texts(s.QueryKeys), RetentionMonths: s.RetentionMonths, CreatedAt: s.CreatedAt, Demo: s.Demo,
	}
}

// texts is a list that is [] in JSON when it is empty.
func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

type (
	sitesReply struct {
		Sites []Site `json:"sites" nullable:"false"`
	}
	siteReply struct {
		Site Site `json:"site"`
	}
	newSiteRequest struct {
		Domain   string `json:"domain"`
		Timezone string `json:"timezone,omitempty" doc:"IANA name; default UTC"`
	}
	siteRequest struct {
		Domain          *string   `json:"domain,omitempty"`
		Timezone        *string   `json:"timezone,omitempty"`
		IPPolicy        *string   `json:"ip_policy,omitempty" enum:"none,truncated,full"`
		Threshold       *int      `json:"threshold,omitempty" minimum:"0" maximum:"4"`
		Hostnames       *[]string `json:"hostnames,omitempty"`
		QueryKeys       *[]string `json:"query_keys,omitempty"`
		IgnoreSignals   *bool     `json:"ignore_signals,omitempty"`
		RetentionMonths *int      `json:"retention_months,omitempty" minimum:"0" maximum:"1200"`
	}
	statusReply struct {
		FirstEventAt *int64 `json:"first_event_at"`
		LastEventAt  *int64 `json:"last_event_at"`
		Events       int64  `json:"events"`
	}
)

// getSites lists what the caller may see: of a key, its own site.
func getSites(c *call) (any, error) {
	reply := sitesReply{Sites: []Site{}}
	for _, site := range c.api.options.Accounts.All() {
		if c.caller.key == nil || c.caller.key.Covers(site.WebsiteID) {
			reply.Sites = append(reply.Sites, siteOf(site))
		}
	}
	return reply, nil
}

func postSite(c *call) (any, error) {
	if c.caller.key != nil && c.caller.key.WebsiteID != account.AllSites {
		return nil, fail(codeForbidden, "the API key is bound to one site")
	}
	var request newSiteRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	site, err := c.api.addSite(c, request)
	if err != nil {
		return nil, err
	}
	return siteReply{siteOf(site)}, nil
}

func (a *API) addSite(c *call, request newSiteRequest) (*event.Site, error) {
	return a.options.Accounts.AddSite(c.r.Context(), account.NewSite{Domain: request.Domain, Timezone: request.Timezone})
}

func getSite(c *call) (any, error) { return siteReply{siteOf(c.site)}, nil }

func putSite(c *call) (any, error) {
	var request siteRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	site, err := c.api.options.Accounts.ChangeSite(c.r.Context(), c.site.WebsiteID, account.SiteChange(request))
	if err != nil {
		return nil, err
	}
	return siteReply{siteOf(site)}, nil
}

func getStatus(c *call) (any, error) {
	if c.api.options.SiteStatus == nil {
		return nil, fail(codeUnavailable, "there is no event store here")
	}
	first, last, events, err := c.api.options.SiteStatus.SiteStatus(c.r.Context(), c.site.WebsiteID)
	if err != nil {
		return nil, err
	}
	return statusReply{timeOrNull(first), timeOrNull(last), events}, nil
}

// timeOrNull is null for 0, which stands for never.
func timeOrNull(millis int64) *int64 {
	if millis == 0 {
		return nil
	}
	return &millis
}

package api

import (
	"context"
	"slices"

	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// Erasures forgets visitors and sites, and tells what became of it.
type Erasures interface {
	// Erase returns when the request is durable; what it covers goes soon after. A *collect.InvalidForgetError says what is wrong with it.
	Erase(ctx context.Context, site *event.Site, f collect.Forget) (store.ErasureReport, error)
	// Erasures returns those of a site, the latest first, with their proofs.
	Erasures(ctx context.Context, websiteID string) ([]store.ErasureReport, error)
	// LogMillis is how long the log keeps what it was given.
	LogMillis() int64
}

// States of an erasure.
const (
	erasureAsked    = "asked"    // it is in the log
	erasureApplied  = "applied"  // the store has removed what it covers
	erasureVerified = "verified" // later looks have found nothing of it
)

type (
	erasureRequest struct {
		Visitor   string `json:"visitor,omitempty" doc:"a user_id"`
		IP        string `json:"ip,omitempty" doc:"with user_agent and day: whoever had no id of their own; the address is not kept"`
		UserAgent string `json:"user_agent,omitempty"`
		Day       string `json:"day,omitempty" doc:"today or yesterday, UTC, as 2026-11-26"`
		All       bool   `json:"all,omitempty" doc:"all events of the site"`
		Confirm   string `json:"confirm,omitempty" doc:"with all: the site's domain"`
	}
	erasureReply struct {
		Erasure Erasure `json:"erasure"`
	}
	erasuresReply struct {
		Erasures []Erasure `json:"erasures" nullable:"false"`
	}
	adminErasureRequest struct {
		Site      string `json:"site"`
		Visitor   string `json:"visitor,omitempty"`
		IP        string `json:"ip,omitempty"`
		UserAgent string `json:"user_agent,omitempty"`
		Day       string `json:"day,omitempty"`
		All       bool   `json:"all,omitempty"`
		Confirm   string `json:"confirm,omitempty"`
	}
)

// Erasure is a request to forget and what became of it.
type Erasure struct {
	ID         string         `json:"id"`
	WebsiteID  string         `json:"website_id"`
	Scope      string         `json:"scope" enum:"visitor,person,site"`
	AskedAt    int64          `json:"asked_at"`
	AskedBy    string         `json:"asked_by"`
	Subjects   []string       `json:"subjects" nullable:"false" doc:"of each visitor id the first 16 bytes of SHA-256 of website_id, a space and the id, in hex"`
	Status     string         `json:"status" enum:"asked,applied,verified"`
	AppliedAt  *int64         `json:"applied_at"`
	VerifiedAt *int64         `json:"verified_at" doc:"when the last part was found empty"`
	LogUntil   int64          `json:"log_until" doc:"until when the log may hold what was erased from the stores"`
	Proofs     []ErasureProof `json:"proofs" nullable:"false"`
}

// ErasureProof says what became of an erasure in one part of the stores.
type ErasureProof struct {
	Part       string `json:"part"`
	Found      int64  `json:"found"`
	Removed    int64  `json:"removed"`
	Left       int64  `json:"left" doc:"what the last look still found"`
	VerifiedAt *int64 `json:"verified_at" doc:"when a look found nothing"`
}

func (a *API) erasureOf(r *store.ErasureReport) Erasure {
	out := Erasure{ID: r.ID, WebsiteID: r.WebsiteID, Scope: string(r.Scope), AskedAt: r.AskedAt, AskedBy: r.AskedBy, Subjects: []string{},
		Status: erasureAsked, AppliedAt: timeOrNull(r.AppliedAt), VerifiedAt: timeOrNull(r.Verified()), LogUntil: r.AskedAt + a.options.Erasures.LogMillis(), Proofs: []ErasureProof{}}
	for _, s := range r.Subjects {
		out.Subjects = append(out.Subjects, s.Text())
	}
	for _, p := range r.Proofs {
		out.Proofs = append(out.Proofs, ErasureProof{p.Part, p.Found, p.Removed, p.Left, timeOrNull(p.VerifiedAt)})
	}
	switch {
	case out.VerifiedAt != nil:
		out.Status = erasureVerified
	case out.AppliedAt != nil:
		out.Status = erasureApplied
	}
	return out
}

func (c *call) erasures() (Erasures, error) {
	if c.api.options.Erasures == nil {
		return nil, fail(codeUnavailable, "there is no event store here")
	}
	return c.api.options.Erasures, nil
}

func (c *call) erase(site *event.Site, f collect.Forget) (any, error) {
	erasures, err := c.erasures()
	if err != nil {
		return nil, err
	}
	f.By = c.caller.name()
	report, err := erasures.Erase(c.r.Context(), site, f)
	if err != nil {
		return nil, err
	}
	return erasureReply{c.api.erasureOf(&report)}, nil
}

// name says for the record who calls.
func (c *caller) name() string {
	switch {
	case c.user != nil:
		return "user " + c.user.Email
	case c.key != nil:
		return "key " + c.key.Prefix
	}
	return "command line"
}

func postErasure(c *call) (any, error) {
	var request erasureRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	if err := confirmed(c.site, request.All, request.Confirm); err != nil {
		return nil, err
	}
	return c.erase(c.site, collect.Forget{Visitor: request.Visitor, IP: request.IP, UserAgent: request.UserAgent, Day: request.Day, All: request.All})
}

// confirmed guards what cannot be taken back.
func confirmed(site *event.Site, all bool, confirm string) error {
	if all && confirm != site.Domain {
		return failAt("confirm", "to erase all events of a site, confirm must be its domain, %s", site.Domain)
	}
	return nil
}

func getErasures(c *call) (any, error) { return c.listErasures(c.site.WebsiteID) }

func (c *call) listErasures(websiteID string) (any, error) {
	erasures, err := c.erasures()
	if err != nil {
		return nil, err
	}
	reports, err := erasures.Erasures(c.r.Context(), websiteID)
	if err != nil {
		return nil, err
	}
	reply := erasuresReply{Erasures: []Erasure{}}
	for i := range reports {
		reply.Erasures = append(reply.Erasures, c.api.erasureOf(&reports[i]))
	}
	return reply, nil
}

func getErasure(c *call) (any, error) {
	erasures, err := c.erasures()
	if err != nil {
		return nil, err
	}
	reports, err := erasures.Erasures(c.r.Context(), c.site.WebsiteID)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(reports, func(r store.ErasureReport) bool { return r.ID == c.r.PathValue("erasure") })
	if at < 0 {
		return nil, fail(codeNotFound, "there is no such erasure")
	}
	return erasureReply{c.api.erasureOf(&reports[at])}, nil
}

func adminErase(c *call) (any, error) {
	var request adminErasureRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	site, ok := c.api.options.Accounts.ByID(request.Site)
	if !ok {
		return nil, fail(codeNotFound, "there is no site %q", request.Site)
	}
	if err := confirmed(site, request.All, request.Confirm); err != nil {
		return nil, err
	}
	return c.erase(site, collect.Forget{Visitor: request.Visitor, IP: request.IP, UserAgent: request.UserAgent, Day: request.Day, All: request.All})
}

// adminErasures also lists those of sites that have gone, by their website_id.
func adminErasures(c *call) (any, error) {
	websiteID := c.r.URL.Query().Get("site")
	if site, ok := c.api.options.Accounts.ByID(websiteID); ok {
		websiteID = site.WebsiteID
	}
	return c.listErasures(websiteID)
}

// deleteSite asks for the erasure of all events first: when that is in the log, nothing of the site stays, whatever fails next.
func deleteSite(c *call) (any, error) {
	if erasures := c.api.options.Erasures; erasures != nil {
		if _, err := erasures.Erase(c.r.Context(), c.site, collect.Forget{All: true, Forever: true, By: c.caller.name()}); err != nil {
			return nil, err
		}
	}
	return nil, c.api.options.Accounts.DeleteSite(c.r.Context(), c.site.WebsiteID)
}

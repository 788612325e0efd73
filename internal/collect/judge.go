package collect

import (
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// judge decides what becomes of a draft and adds the record of it.
func (h *Handler) judge(q *request, index int) {
	d := &q.drafts[index]
	site, receivedAt := h.siteOf(q, d), q.receivedAt(d)
	websiteID := ""
	if site != nil {
		websiteID = site.WebsiteID
	}
	receipt := q.receipt(websiteID, receivedAt)
	receipt.Received++
	if reason := h.failure(q, d, site); reason != "" {
		refuse(receipt, event.Failed, reason)
		q.addFailed(websiteID, receivedAt, reason, d.raw)
		q.reply.Rejected = append(q.reply.Rejected, Rejection{index, reason})
		return
	}
	q.reply.Received++
	h.fill(q, d, site, receivedAt, index)
	if reason := q.policy(site, receivedAt); reason != "" {
		refuse(receipt, event.Filtered, reason)
		return
	}
	e := &q.event
	if e.Flags&event.DerivedID != 0 {
		q.reply.DerivedIDs++
	}
	if e.Flags&event.Truncated != 0 {
		q.reply.Truncated++
	}
	if !q.imported {
		if info, known := h.sessions.Observe(e); known {
			q.session = info
			e.Session = &q.session
		}
	}
	q.old = h.opts.Route != nil && q.now-e.Timestamp > h.opts.Route.StreamMillis
	q.addEvent()
}

// siteOf returns the site that the draft names, nil when there is none.
func (h *Handler) siteOf(q *request, d *draft) *event.Site {
	if d.trackingID == "" {
		return nil
	}
	if d.trackingID != q.trackingID { // events of one request nearly always name one site
		q.trackingID = d.trackingID
		q.site, _ = h.opts.Sites.ByTracking(d.trackingID)
	}
	return q.site
}

// receivedAt is the time of the request, or the one that an imported event brings.
func (q *request) receivedAt(d *draft) int64 {
	if q.imported && d.receivedAt > 0 {
		return min(d.receivedAt, q.now)
	}
	return q.now
}

// failure returns why the draft is no event, "" when it is one.
func (h *Handler) failure(q *request, d *draft, site *event.Site) string {
	if d.reason != "" {
		return d.reason
	}
	kind, known := event.ParseType(d.kind)
	switch {
	case d.kind == "":
		return "missing_type"
	case !known:
		return "unknown_type"
	case d.trackingID == "":
		return "missing_tracking_id"
	case site == nil:
		return "unknown_tracking_id"
	case q.imported && q.keySite != "" && q.keySite != site.WebsiteID:
		return "other_site"
	case d.tooManyProps:
		return "too_many_properties"
	}
	switch kind {
	case event.Custom:
		if isBlank(d.name) && isBlank(d.action) {
			return "missing_name"
		}
	case event.Identify:
		if isBlank(d.userID) {
			return "missing_user_id"
		}
	case event.Engagement:
		return engagementFailure(d)
	}
	if d.revenue != "" && takesRevenue(kind) {
		return revenueFailure(d)
	}
	return ""
}

func engagementFailure(d *draft) string {
	switch {
	case d.scrollDepth > 100:
		return "invalid_scroll_depth"
	case !d.hasScroll && d.timeOnPage == 0:
		return "empty_engagement"
	}
	return ""
}

func revenueFailure(d *draft) string {
	if _, ok := parseRevenue(d.revenue); !ok {
		return "invalid_revenue"
	}
	if _, ok := parseCurrency(d.currency); !ok {
		return "invalid_currency"
	}
	return ""
}

func takesRevenue(kind event.Type) bool { return kind == event.Custom || kind == event.Pageview }

// isBlank reports whether nothing would be left of the text once it is cleaned.
func isBlank(text string) bool {
	for i := range len(text) {
		if c := text[i]; c > ' ' && c != 0x7f {
			return false
		}
	}
	return true
}

// policy returns why the owner or the visitor does not want q.event counted, "" when they do.
func (q *request) policy(site *event.Site, receivedAt int64) string {
	switch {
	case !q.imported && receivedAt-q.event.Timestamp > event.LateLimitMillis:
		return "too_old"
	case q.gpc && !site.IgnoreSignals:
		return "gpc"
	case q.dnt && !site.IgnoreSignals:
		return "dnt"
	case len(site.Hostnames) > 0 && !listed(site.Hostnames, q.event.Hostname):
		return "hostname"
	}
	return ""
}

// listed reports whether the host is on the list; an entry "*.example.com" stands for all below example.com.
func listed(list []string, host string) bool {
	for _, allowed := range list {
		if strings.EqualFold(allowed, host) {
			return true
		}
		if suffix, ok := strings.CutPrefix(allowed, "*"); ok && len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix) {
			return true
		}
	}
	return false
}

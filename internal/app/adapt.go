package app

import (
	"context"
	"math"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/api"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/live"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/audit"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
)

// The adapters below join parts whose interfaces were declared by their consumers.
var (
	_ api.Engine     = (*query.Engine)(nil)
	_ api.Auditor    = auditorForAPI{}
	_ api.DayAuditor = auditorOfCluster{}
	_ api.SiteStatus = statusForAPI{}
	_ live.Source    = (*duckdb.Store)(nil)
	_ collect.Keys   = keysForDoor{}

	_ duckdb.Retention = sitesForStore{}

	_ parts = (*embedded)(nil)
)

// auditReport is the reply of an audit.
type auditReport struct {
	Clean bool `json:"clean"`
	duckdb.Report
}

// auditorForAPI audits the store after it has taken in what the log held when the audit was asked for.
type auditorForAPI struct{ embedded *embedded }

func (a auditorForAPI) Audit(ctx context.Context) (report any, clean bool, err error) {
	if err := a.embedded.flush(ctx); err != nil {
		return nil, false, err
	}
	r, err := a.embedded.store.Audit(ctx)
	if err != nil {
		return nil, false, err
	}
	clean = r.Found == 0
	return auditReport{clean, r}, clean, nil
}

// auditorOfCluster audits ClickHouse at a cut: what was received a moment ago, or since the loaders are behind, is on its way.
type auditorOfCluster struct{ cluster *cluster }

func (a auditorOfCluster) Audit(ctx context.Context) (report any, clean bool, err error) {
	r, err := a.audit(ctx)
	if err != nil {
		return nil, false, err
	}
	clean = r.Found == 0
	return auditReport{clean, r}, clean, nil
}

func (a auditorOfCluster) audit(ctx context.Context) (audit.Report, error) {
	fresh, err := a.cluster.freshAt(ctx)
	if err != nil {
		return audit.Report{}, err
	}
	if fresh == 0 { // no loader has told yet: all that is there came another way
		fresh = math.MaxInt64
	}
	return a.cluster.store.AuditBefore(ctx, fresh)
}

// statusForAPI answers from what the store keeps in memory.
type statusForAPI struct{ store *duckdb.Store }

func (s statusForAPI) SiteStatus(_ context.Context, websiteID string) (first, last, events int64, err error) {
	first, ok := s.store.FirstEvent(websiteID)
	if !ok {
		return 0, 0, 0, nil
	}
	last, _ = s.store.LastEvent(websiteID)
	return first, last, s.store.Stored(websiteID), nil
}

// keysForDoor names all sites by "", as the door does.
type keysForDoor struct{ accounts *account.Store }

func (k keysForDoor) Authorize(key, scope string) (websiteID string, ok bool) {
	websiteID, ok = k.accounts.Authorize(key, scope)
	if websiteID == account.AllSites {
		websiteID = ""
	}
	return websiteID, ok
}

// sitesForStore adds to the sites how long their raw events are kept.
type sitesForStore struct {
	*account.Store
	months int // 0 = for good
}

// forever is longer than any site has been.
const forever = 1000 * 365 * event.DayMillis

// RawRetention returns how long the site's events are kept, in ms.
func (s sitesForStore) RawRetention(site *event.Site) int64 {
	months := monthsOf(site, s.months)
	if months == 0 {
		return forever
	}
	return int64(months) * 31 * event.DayMillis
}

// monthsOf returns how long a site's events are kept where the installation keeps them for so many months; 0 is for good.
func monthsOf(site *event.Site, installation int) int {
	if site.RetentionMonths == 0 || installation > 0 && installation < site.RetentionMonths {
		return installation
	}
	return site.RetentionMonths
}

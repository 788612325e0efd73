package app

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/audit"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/internal/store/druid"
)

// dayAudit compares the stores of a cluster by site and UTC day: the archive with the events, the rollups of clean days with events and
// sessions, the ledger with the events of the receipt day.
type dayAudit struct {
	*cluster
	from, to time.Time // whole days, half open
	report   *audit.Report
	kept     store.Kept
	clean    map[lake.SiteDay]bool
}

// run compares what there is of engines: without [s3] no archive, without Druid no rollups.
func (a *dayAudit) run(ctx context.Context) error {
	states, err := a.store.DayStates(ctx, a.from, a.to)
	if err != nil {
		return err
	}
	a.clean = map[lake.SiteDay]bool{}
	for _, d := range states {
		a.report.Days++
		if d.Changes == d.Rolled {
			a.clean[lake.SiteDay{WebsiteID: d.WebsiteID, Day: d.Day.UnixMilli()}] = true
		}
	}
	steps := []func(context.Context) error{a.ledger}
	if a.cfg.S3.Endpoint != "" {
		steps = append(steps, a.archive)
	}
	if a.druid != nil {
		steps = append(steps,
			func(ctx context.Context) error { return a.rollups(ctx, druid.PageViews, a.store.ViewSums) },
			func(ctx context.Context) error { return a.rollups(ctx, druid.Sources, a.store.SourceSums) })
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("cannot compare the stores by day: %w", err)
		}
	}
	return nil
}

// differ reports a difference, but of days whose events the site keeps no longer.
func (a *dayAudit) differ(what string, at lake.SiteDay, expected, found int64) {
	if expected != found && at.Day >= a.kept.Of(at.WebsiteID).UnixMilli() {
		a.report.Add(at.WebsiteID, fmt.Sprintf("%s: %s", time.UnixMilli(at.Day).UTC().Format(time.DateOnly), what), strconv.FormatInt(expected, 10), strconv.FormatInt(found, 10))
	}
}

func (a *dayAudit) ledger(ctx context.Context) error {
	days, err := a.store.LedgerSums(ctx, a.from, a.to)
	for _, d := range days {
		if _, own := a.kept.Sites[d.WebsiteID]; own && d.Sums["rows"] < d.Sums["stored"] {
			continue // events of older days were received on this one
		}
		a.differ("events received, by the ledger", siteDay(d.WebsiteID, d.Day), d.Sums["rows"], d.Sums["stored"])
	}
	return err
}

func siteDay(site string, day time.Time) lake.SiteDay {
	return lake.SiteDay{WebsiteID: site, Day: day.UnixMilli()}
}

func (a *dayAudit) archive(ctx context.Context) error {
	objects, err := object.OpenS3(s3Options(&a.cfg.S3))
	if err != nil {
		return err
	}
	archived, err := lake.Counts(ctx, objects, a.from, a.to)
	if err != nil {
		return err
	}
	tallies, err := a.store.DayTallies(ctx, a.from, a.to)
	if err != nil {
		return err
	}
	const what = "events in the archive"
	for _, d := range tallies {
		key := siteDay(d.WebsiteID, d.Day)
		a.differ(what, key, d.Events, archived[key])
		delete(archived, key)
	}
	for key, n := range archived {
		a.differ(what, key, 0, n)
	}
	return nil
}

// rollups compares the clean days; nobody reads the rollups of others.
func (a *dayAudit) rollups(ctx context.Context, datasource string, sums func(ctx context.Context, from, to time.Time) ([]clickhouse.DaySums, error)) error {
	rolled, err := a.druid.Days(ctx, datasource, a.from, a.to)
	if err != nil {
		return err
	}
	found := map[lake.SiteDay]map[string]int64{}
	for _, d := range rolled {
		found[siteDay(d.WebsiteID, d.Day)] = d.Sums
	}
	expected, err := sums(ctx, a.from, a.to)
	if err != nil {
		return err
	}
	for _, d := range expected {
		key := siteDay(d.WebsiteID, d.Day)
		for name, n := range d.Sums {
			if a.clean[key] {
				a.differ(datasource+"."+name, key, n, found[key][name])
			}
		}
		delete(found, key)
	}
	for key, sums := range found {
		for name, n := range sums {
			if a.clean[key] {
				a.differ(datasource+"."+name, key, 0, n)
			}
		}
	}
	return nil
}

// AuditDays implements api.DayAuditor.
func (a auditorOfCluster) AuditDays(ctx context.Context, first, last time.Time) (report any, clean bool, err error) {
	r, err := a.audit(ctx)
	if err != nil {
		return nil, false, err
	}
	days := &dayAudit{cluster: a.cluster, from: first.UTC().Truncate(24 * time.Hour), to: last.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour), report: &r}
	if days.kept, err = a.cluster.store.Kept(ctx); err != nil {
		return nil, false, err
	}
	if days.from.Before(days.kept.All) { // retention has taken events that the others still have
		days.from = days.kept.All
	}
	if err := days.run(ctx); err != nil {
		return nil, false, err
	}
	clean = r.Found == 0
	return auditReport{clean, r}, clean, nil
}

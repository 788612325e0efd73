package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/audit"
)

// auditLag is how long what was received may be on its way to all tables.
const auditLag = 2 * time.Minute

// auditor holds one audit. What was received behind the cut is left out, and what it touches.
type auditor struct {
	store  *Store
	report *audit.Report
	cut    int64
	kept   store.Kept
	rows   int64 // of events
}

// Audit recomputes from the events received 2 minutes ago or earlier, along other ways than those that made them, the
// sessions, the views and the ledger, and reports every difference. As the engine has no snapshots, a difference counts
// when it is still there on a second look.
func (s *Store) Audit(ctx context.Context) (audit.Report, error) {
	return s.AuditBefore(ctx, math.MaxInt64)
}

// AuditBefore is Audit of what was received before that time (ms) too: the loaders may be further behind.
func (s *Store) AuditBefore(ctx context.Context, before int64) (audit.Report, error) {
	report := audit.Report{Differences: []audit.Difference{}}
	now := s.opts.Clock()
	a := &auditor{store: s, report: &report, cut: min(before, now.Add(-auditLag).UnixMilli())}
	var err error
	if a.kept, err = s.Kept(ctx); err != nil {
		return audit.Report{}, err
	}
	for _, step := range []func(context.Context) error{a.begin, a.ledgerIdentity, a.ledgerRows, a.eventHours, a.pageViews, a.duplicates, a.sessions} {
		if err := step(ctx); err != nil {
			return audit.Report{}, fmt.Errorf("cannot audit the event store: %w", err)
		}
	}
	return report, nil
}

// rawFrom returns the time (ms) before which events of any site may be gone.
func (a *auditor) rawFrom() int64 { return a.kept.All.UnixMilli() }

// each runs a statement of an audit, which may take its time.
func (a *auditor) each(ctx context.Context, sql string, args []any, yield func(scanner) error) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"do_not_merge_across_partitions_select_final": 1,
		"max_bytes_before_external_sort": 256 << 20, "max_bytes_before_external_group_by": 256 << 20}))
	return eachOn(ctx, a.store.writer, sql, args, yield)
}

// confirm reports the differences that are found twice.
func (a *auditor) confirm(ctx context.Context, find func(ctx context.Context, add func(websiteID, what, expected, found string)) error) error {
	seen := map[audit.Difference]bool{}
	err := find(ctx, func(websiteID, what, expected, found string) {
		seen[audit.Difference{WebsiteID: websiteID, What: what, Expected: expected, Found: found}] = true
	})
	if err != nil || len(seen) == 0 {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(a.store.secondLook): // inserts that were under way are done
	}
	return find(ctx, func(websiteID, what, expected, found string) {
		if seen[audit.Difference{WebsiteID: websiteID, What: what, Expected: expected, Found: found}] {
			a.report.Add(websiteID, what, expected, found)
		}
	})
}

func (a *auditor) begin(ctx context.Context) error {
	err := a.each(ctx, "select toInt64(count()) from events where received_at < fromUnixTimestamp64Milli({p1:Int64}, 'UTC')", []any{a.cut}, func(scan scanner) error { return scan(&a.rows) })
	if err != nil {
		return err
	}
	a.report.Events = a.rows
	const minutes = "select toInt64(uniqExact(website_id, minute)) from ledger where minute < toStartOfMinute(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))"
	return a.each(ctx, minutes, []any{a.cut}, func(scan scanner) error { return scan(&a.report.Minutes) })
}

//go:embed sql/audit_identity.sql
var auditIdentitySQL string

//go:embed sql/audit_rows.sql
var auditRowsSQL string

//go:embed sql/audit_hours.sql
var auditHoursSQL string

// pairOfCounts is a site, a time and two numbers that should be equal.
type pairOfCounts struct {
	site            string
	at              int64
	expected, found int64
}

func (a *auditor) pairs(ctx context.Context, sql string, args []any, yield func(pairOfCounts)) error {
	return a.each(ctx, sql, args, func(scan scanner) error {
		var p pairOfCounts
		if err := scan(&p.site, &p.at, &p.expected, &p.found); err != nil {
			return err
		}
		yield(p)
		return nil
	})
}

// ledgerIdentity checks received = stored + duplicate + filtered + failed.
func (a *auditor) ledgerIdentity(ctx context.Context) error {
	return a.confirm(ctx, func(ctx context.Context, add func(string, string, string, string)) error {
		return a.pairs(ctx, auditIdentitySQL, []any{a.cut}, func(p pairOfCounts) { // received stands first
			add(p.site, fmt.Sprintf("ledger, minute %d: received", p.at), strconv.FormatInt(p.found, 10)+" (stored + duplicate + filtered + failed)", strconv.FormatInt(p.expected, 10))
		})
	})
}

// ledgerRows checks that the ledger's stored is the number of rows of each receipt minute. Where events are gone, there
// may be fewer.
func (a *auditor) ledgerRows(ctx context.Context) error {
	gone, err := a.sitesWithGoneEvents(ctx)
	if err != nil {
		return err
	}
	return a.confirm(ctx, func(ctx context.Context, add func(string, string, string, string)) error {
		return a.pairs(ctx, auditRowsSQL, []any{a.cut}, func(p pairOfCounts) {
			if p.expected > p.found || !gone[p.site] {
				add(p.site, fmt.Sprintf("ledger, minute %d: stored", p.at), strconv.FormatInt(p.expected, 10)+" (rows of events)", strconv.FormatInt(p.found, 10))
			}
		})
	})
}

func (a *auditor) sitesWithGoneEvents(ctx context.Context) (map[string]bool, error) {
	gone := map[string]bool{}
	const sql = "select website_id, toInt64(toUnixTimestamp64Milli(min(first))) from event_hours group by website_id"
	err := a.each(ctx, sql, nil, func(scan scanner) error {
		var site string
		var first int64
		err := scan(&site, &first)
		gone[site] = first < a.kept.Of(site).UnixMilli()
		return err
	})
	return gone, err
}

func (a *auditor) eventHours(ctx context.Context) error {
	return a.confirm(ctx, func(ctx context.Context, add func(string, string, string, string)) error {
		return a.pairs(ctx, auditHoursSQL, []any{a.cut, a.rawFrom()}, func(p pairOfCounts) {
			add(p.site, fmt.Sprintf("event_hours, hour %d", p.at), strconv.FormatInt(p.expected, 10), strconv.FormatInt(p.found, 10))
		})
	})
}

//go:embed sql/audit_months.sql
var auditMonthsSQL string

//go:embed sql/audit_pages.sql
var auditPagesSQL string

// pageViews compares the view of pages month by month.
func (a *auditor) pageViews(ctx context.Context) error {
	var months []int64
	err := a.each(ctx, auditMonthsSQL, []any{a.rawFrom()}, func(scan scanner) error {
		var month uint32
		var days uint64
		err := scan(&month, &days)
		months = append(months, int64(month))
		a.report.Days += int64(days)
		return err
	})
	for _, month := range months {
		if err != nil {
			break
		}
		err = a.confirm(ctx, func(ctx context.Context, add func(string, string, string, string)) error {
			return a.each(ctx, auditPagesSQL, []any{a.cut, a.rawFrom(), month}, func(scan scanner) error {
				var site, page, expected, found string
				var date time.Time
				var band uint8
				if err := scan(&site, &date, &page, &band, &expected, &found); err != nil {
					return err
				}
				add(site, fmt.Sprintf("page_views, %s, page %q, band %d", date.Format(time.DateOnly), page, band), expected, found)
				return nil
			})
		})
	}
	return err
}

//go:embed sql/audit_duplicates.sql
var auditDuplicatesSQL string

// duplicates looks for ids that were stored twice within the window. It takes the ids in parts, to bound the memory.
func (a *auditor) duplicates(ctx context.Context) error {
	parts := uint64(a.rows/2_000_000 + 1)
	for part := range parts {
		err := a.each(ctx, auditDuplicatesSQL, []any{a.cut, parts, part}, func(scan scanner) error {
			var site, id string
			var times []int64
			if err := scan(&site, &id, &times); err != nil {
				return err
			}
			for i := 1; i < len(times); i++ {
				if times[i]-times[i-1] < event.LateLimitMillis {
					a.report.Add(site, fmt.Sprintf("event %s, received at %d", id, times[i]), "one row", "a second one")
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

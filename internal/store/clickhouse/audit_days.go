package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"
)

//go:embed sql/audit_day_views.sql
var auditDayViewsSQL string

//go:embed sql/audit_day_sources.sql
var auditDaySourcesSQL string

//go:embed sql/audit_day_ledger.sql
var auditDayLedgerSQL string

// DaySums are what the rollups of a site's day (UTC) must add up to, by the names of their columns.
type DaySums struct {
	WebsiteID string
	Day       time.Time
	Sums      map[string]int64
}

// ViewSums adds up the events of the days in [from, to): the columns of the rollup page_views.
func (s *Store) ViewSums(ctx context.Context, from, to time.Time) ([]DaySums, error) {
	return s.daySums(ctx, auditDayViewsSQL, []string{"events", "revenue", "revenue_events", "total_time", "views"}, from, to)
}

// SourceSums adds up the sessions that start on the days in [from, to): the columns of the rollup sources.
func (s *Store) SourceSums(ctx context.Context, from, to time.Time) ([]DaySums, error) {
	return s.daySums(ctx, auditDaySourcesSQL, []string{"bounces", "duration", "pageviews", "revenue", "sessions"}, from, to)
}

// LedgerSums returns by day of receipt how many rows of events there are, as "rows", and how many the ledger says, as "stored".
func (s *Store) LedgerSums(ctx context.Context, from, to time.Time) ([]DaySums, error) {
	return s.daySums(ctx, auditDayLedgerSQL, []string{"rows", "stored"}, from, to)
}

// daySums reads a site, a day and the named numbers.
func (s *Store) daySums(ctx context.Context, sql string, names []string, from, to time.Time) (days []DaySums, err error) {
	err = s.batchRead(ctx, sql, []any{clampTime(from.UnixMilli()), clampTime(to.UnixMilli())}, func(scan scanner) error {
		d := DaySums{Sums: make(map[string]int64, len(names))}
		var at int64
		numbers := make([]int64, len(names))
		into := []any{&d.WebsiteID, &at}
		for i := range numbers {
			into = append(into, &numbers[i])
		}
		if err := scan(into...); err != nil {
			return err
		}
		for i, name := range names {
			d.Sums[name] = numbers[i]
		}
		d.Day = time.UnixMilli(at).UTC()
		days = append(days, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot add up the days from %s to %s: %w", from.Format(time.DateOnly), to.Format(time.DateOnly), err)
	}
	return days, nil
}

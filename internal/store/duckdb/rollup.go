package duckdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

const (
	// closedAfter is how long behind its end a day is closed: what is received by then and processed is in it at once.
	closedAfter = 5 * 60 * 1000
	// maxRunRows bounds the events that one step of the builder reads; a single day may exceed it.
	maxRunRows = 1_500_000
	maxRunDays = 120
)

// BuildRollups makes the rollups of all days of the site that are closed at now and not clean. A day that a commit
// touches meanwhile stays dirty.
func (s *Store) BuildRollups(ctx context.Context, site *event.Site, now int64) error {
	return s.buildWhile(ctx, site, now, func() bool { return true })
}

// buildWhile makes them as long as may says so, which is asked before each run of days.
func (s *Store) buildWhile(ctx context.Context, site *event.Site, now int64, may func() bool) error {
	if !may() {
		return nil
	}
	loc, err := time.LoadLocation(site.Timezone)
	if err != nil {
		return fmt.Errorf("cannot build the rollups of site %q: %w", site.WebsiteID, err)
	}
	if err := s.rezone(ctx, site.WebsiteID, loc, len(s.dirtyRuns(site.WebsiteID, loc, now)) > 0); err != nil {
		return fmt.Errorf("cannot build the rollups of site %q: %w", site.WebsiteID, err)
	}
	for _, run := range s.dirtyRuns(site.WebsiteID, loc, now) {
		if !may() {
			return nil
		}
		if err := s.buildRun(ctx, site.WebsiteID, run); err != nil {
			return fmt.Errorf("cannot build the rollups of site %q from %d to %d: %w", site.WebsiteID, run[0].Start, run[len(run)-1].End, err)
		}
	}
	return nil
}

// dirtyRuns returns the closed days that are not clean, from the first event on, in runs of days without a gap. Days without
// an event are left out: they have no rollups, and EmptyDays knows them.
func (s *Store) dirtyRuns(websiteID string, loc *time.Location, now int64) (runs [][]Day) {
	first, ok := s.FirstEvent(websiteID)
	if !ok || first > now-closedAfter {
		return nil
	}
	edges := query.DayEdges(loc, first, now)
	s.state.mu.RLock()
	clean := s.state.sites[websiteID].clean
	var days []Day
	for i := range len(edges) - 1 {
		day := Day{edges[i], edges[i+1]}
		if !clean[day] && day.End+closedAfter <= now && day.Start%quarterMillis == 0 && day.End%quarterMillis == 0 {
			days = append(days, day)
		}
	}
	s.state.mu.RUnlock()
	days = slices.DeleteFunc(days, func(day Day) bool { return s.Estimate(websiteID, day.Start, day.End) == 0 })
	rows := int64(0)
	for i, day := range days {
		n := s.Estimate(websiteID, day.Start, day.End)
		rows += n
		if last := len(runs) - 1; i > 0 && days[i-1].End == day.Start && rows <= maxRunRows && len(runs[last]) < maxRunDays {
			runs[last] = append(runs[last], day)
			continue
		}
		runs, rows = append(runs, []Day{day}), n
	}
	return runs
}

// rollupKey names a row of rollup_days, or of rollup_quarters.
type rollupKey struct {
	dimension string
	quarters  bool
	bucket    int64
	band      uint8
	value     string
}

// rollupRow holds the measures in the order of the tables.
type rollupRow struct {
	pageviews, events, engagedMs, revenueEvents, revenue int64
	currency                                             string
	visits, bounces, durationMs, sessionPageviews        int64
	visitors                                             visitorSet
}

func (s *Store) buildRun(ctx context.Context, websiteID string, run []Day) error {
	versions := make([]uint64, len(run)) // before the snapshot: a commit between makes the day be built again
	for i, day := range run {
		versions[i] = s.Version(websiteID, day.Start, day.End)
	}
	rows, err := s.computeRun(ctx, websiteID, run)
	if err != nil {
		return err
	}
	return s.storeRun(ctx, websiteID, run, versions, rows)
}

// computeRun makes the rows of a run of days from events and sessions.
func (s *Store) computeRun(ctx context.Context, websiteID string, run []Day) (map[rollupKey]*rollupRow, error) {
	from, to := run[0].Start, run[len(run)-1].End
	args := []any{websiteID, from, to, daysByQuarter(run)}
	rows := map[rollupKey]*rollupRow{}
	err := s.Read(ctx, func(r *Reader) error {
		for _, statement := range rollupStatements() {
			err := r.Select(ctx, statement.sql, args, func(chunk *Chunk) error {
				for i := range chunk.Rows() {
					addRollupRow(rows, statement, chunk, i)
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("dimension %q: %w", statement.dimension, err)
			}
		}
		return nil
	})
	return rows, err
}

// daysByQuarter returns the start of the day of each quarter hour of the run.
func daysByQuarter(run []Day) (days []int64) {
	for _, day := range run {
		for q := day.Start; q < day.End; q += quarterMillis {
			days = append(days, day.Start)
		}
	}
	return days
}

// addRollupRow adds row i of a rollup statement to the row of its key.
func addRollupRow(rows map[rollupKey]*rollupRow, statement rollupStatement, c *Chunk, i int) {
	key := rollupKey{statement.dimension, statement.quarters, c.Int64s(0)[i], c.Uint8s(1)[i], c.Text(2, i)}
	row := rows[key]
	if row == nil {
		row = &rollupRow{}
		rows[key] = row
	}
	row.pageviews += c.Int64s(3)[i]
	row.events += c.Int64s(4)[i]
	row.engagedMs += c.Int64s(5)[i]
	row.revenueEvents += c.Int64s(6)[i]
	if n := c.Int64s(6)[i]; n > 0 {
		row.revenue, row.currency = c.Int64s(7)[i], c.Text(8, i)
		if row.currency != c.Text(9, i) || row.currency == event.MixedCurrency {
			row.revenue, row.currency = 0, event.MixedCurrency
		}
	}
	row.visits += c.Int64s(10)[i]
	row.bounces += c.Int64s(11)[i]
	row.durationMs += c.Int64s(12)[i]
	row.sessionPageviews += c.Int64s(13)[i]
	if !c.Null(14, i) {
		row.visitors.add(c.Uint32List(14, i))
	}
}

// storeRun replaces the rows of those days that are as they were when their rows were made.
func (s *Store) storeRun(ctx context.Context, websiteID string, run []Day, versions []uint64, rows map[rollupKey]*rollupRow) error {
	s.write.Lock()
	defer s.write.Unlock()
	still, starts := []Day{}, map[int64]bool{}
	for i, day := range run {
		if s.Version(websiteID, day.Start, day.End) == versions[i] {
			still = append(still, day)
			for q := day.Start; q < day.End; q += quarterMillis {
				starts[q] = true
			}
		}
	}
	if len(still) == 0 {
		return nil
	}
	err := s.transact(ctx, func() error { return s.replaceRollups(ctx, websiteID, still, starts, rows) })
	if err != nil {
		return err
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	for _, day := range still {
		s.state.site(websiteID).clean[day] = true
	}
	return nil
}

func (s *Store) replaceRollups(ctx context.Context, websiteID string, days []Day, starts map[int64]bool, rows map[rollupKey]*rollupRow) error {
	for _, span := range joined(days) {
		for _, sql := range []string{
			"delete from rollup_days where website_id = ? and bucket >= ? and bucket < ?",
			"delete from rollup_quarters where website_id = ? and bucket >= ? and bucket < ?",
			"delete from rollup_clean where website_id = ? and day_start >= ? and day_start < ?",
		} {
			if err := s.writer.exec(ctx, sql, websiteID, span.Start, span.End); err != nil {
				return err
			}
		}
	}
	keys := make([]rollupKey, 0, len(rows))
	for key := range rows {
		if starts[key.bucket] {
			keys = append(keys, key)
		}
	}
	sortRollupKeys(keys)
	for _, key := range keys {
		s.writeRollup(websiteID, key, rows[key], totalOf(days, key, rows))
	}
	for _, day := range days {
		t := s.tables.clean
		t.text(websiteID)
		t.int64(day.Start)
		t.int64(day.End)
		t.end()
	}
	for _, t := range []*table{s.tables.days, s.tables.quarters, s.tables.clean} {
		if err := t.flush(); err != nil {
			return err
		}
	}
	return nil
}

// totalOf returns the row of the total of the key's day and band, nil for a total.
func totalOf(days []Day, key rollupKey, rows map[rollupKey]*rollupRow) *rollupRow {
	day := rollupKey{bucket: key.bucket, band: key.band}
	if key == day {
		return nil
	}
	if key.quarters {
		next := slices.IndexFunc(days, func(day Day) bool { return day.End > key.bucket })
		day.bucket = days[next].Start
	}
	return rows[day]
}

// joined returns the spans that ordered days make.
func joined(days []Day) (spans []Day) {
	for _, day := range days {
		if last := len(spans) - 1; last >= 0 && spans[last].End == day.Start {
			spans[last].End = day.End
			continue
		}
		spans = append(spans, day)
	}
	return spans
}

// writeRollup writes the columns in the order of schema.sql.
func (s *Store) writeRollup(websiteID string, key rollupKey, row, total *rollupRow) {
	t := s.tables.days
	if key.quarters {
		t = s.tables.quarters
	}
	t.text(websiteID)
	if !key.quarters {
		t.text(key.dimension)
	}
	t.int64(key.bucket)
	t.uint8(key.band)
	if !key.quarters {
		t.text(key.value)
	}
	for _, n := range [...]int64{row.pageviews, row.events, row.engagedMs, row.revenueEvents, row.revenue} {
		t.int64(n)
	}
	t.text(row.currency)
	for _, n := range [...]int64{row.visits, row.bounces, row.durationMs, row.sessionPageviews} {
		t.int64(n)
	}
	switch total {
	case nil:
		t.blob(row.visitors.appendTotal(nil))
	default:
		t.blob(row.visitors.appendPart(nil, &total.visitors))
	}
	t.end()
}

// CleanDays returns the days inside [from, to] whose rollups are in place, in order. They are days of the zone that the
// site had when they were built: a planner must compare both ends.
func (s *Store) CleanDays(websiteID string, from, to int64) (days []Day) {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	site := s.state.sites[websiteID]
	if site == nil {
		return nil
	}
	for day := range site.clean {
		if day.Start >= from && day.End <= to {
			days = append(days, day)
		}
	}
	sortDays(days)
	return days
}

// EmptyDays returns those of the days between the edges that are closed and have no event: all that rollups could say of them is
// known. A day that meets a clean one of another time zone is left out, as that one's rows may stand in it until rezone drops them.
func (s *Store) EmptyDays(websiteID string, edges []int64) (days []Day) {
	now := s.opts.Clock().UnixMilli()
	first, _ := s.FirstEvent(websiteID) // an estimate counts whole hours, and a day may begin in the middle of one
	clean := s.CleanDays(websiteID, edges[0]-2*dayMillis, edges[len(edges)-1]+2*dayMillis)
	for i := range len(edges) - 1 {
		day := Day{edges[i], edges[i+1]}
		for len(clean) > 0 && clean[0].End <= day.Start {
			clean = clean[1:]
		}
		foreign := len(clean) > 0 && clean[0].Start < day.End && clean[0] != day
		if !foreign && day.End+closedAfter <= now && (day.End <= first || s.Estimate(websiteID, day.Start, day.End) == 0) {
			days = append(days, day)
		}
	}
	return days
}

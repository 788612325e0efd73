package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// RolledDay says that the rollups by the minute hold a site's day (UTC).
type RolledDay struct {
	WebsiteID string
	Day       time.Time
	// Changes is the sum of the day's changes (table changes) that they hold. Whoever makes them reads it before the events and again
	// when readers see the rollups: a day whose sum has moved in between must not be marked.
	Changes uint64
	Events  uint64 // rows of events that they were made of
}

// MarkRolled remembers days. It may be called again with the same days; the last call counts.
func (s *Store) MarkRolled(ctx context.Context, days []RolledDay) error {
	rows, made := make([]rolledRow, len(days)), s.opts.Clock().UnixMilli()
	for i := range days {
		rows[i] = rolledRow{&days[i], made}
	}
	year := func(r *rolledRow) int64 { return int64(r.Day.UTC().Year()) }
	return insert(ctx, s, rolledTable(), fmt.Sprint(made), rows, year)
}

// rolledRow is a day and when it was made.
type rolledRow struct {
	*RolledDay
	made int64
}

func rolledTable() *table[rolledRow] {
	type row = rolledRow
	return &table[row]{"rolled_days", []columnOf[row]{
		of("website_id", func(r *row) string { return r.WebsiteID }),
		of("day", func(r *row) time.Time { return r.Day.UTC() }),
		of("changes", func(r *row) uint64 { return r.Changes }),
		of("events", func(r *row) uint64 { return r.Events }),
		of("made_at", func(r *row) int64 { return r.made }),
	}}
}

//go:embed sql/catalog_rolled.sql
var catalogRolledSQL string

// readRolled adds the changes that the rollups of each day hold to the facts of sites.
func readRolled(ctx context.Context, s *Store, sites map[string]*siteFacts, ids []string) error {
	err := s.each(ctx, catalogRolledSQL, []any{ids}, func(scan scanner) error {
		var id string
		var day int64
		var changes uint64
		if err := scan(&id, &day, &changes); err != nil {
			return err
		}
		sites[id].rolled[day] = changes
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the rolled days of %s: %w", countOfSites(ids), err)
	}
	return nil
}

// clean returns the days that [from, to) meets, ended by now, of which the rollups say what the events say: joined where they lie side
// by side. That a day becomes clean does not change the version of a range: the rollups answer what the events answer.
func (f *siteFacts) clean(from, to, rawFrom, now int64) (clean []query.Range) {
	for day := floor(from, event.DayMillis); day < to && day+event.DayMillis <= now; day += event.DayMillis {
		if !f.isClean(day, rawFrom) {
			continue
		}
		if n := len(clean); n > 0 && clean[n-1].To == day {
			clean[n-1].To += event.DayMillis
			continue
		}
		clean = append(clean, query.Range{From: day, To: day + event.DayMillis})
	}
	return clean
}

func (f *siteFacts) isClean(day, rawFrom int64) bool {
	changes, rolled := f.changes[day], f.rolled[day]
	if day+event.DayMillis <= rawFrom { // its events are gone: the rollups are all there is
		return changes == 0 || rolled > 0
	}
	return changes == rolled // both 0 where nothing was ever stored
}

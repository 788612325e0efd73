package duckdb

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/migrate"
)

// Export reads the store as it was fed: migrate.Source. What schema.sql stores in another form is put back.
type Export struct{ store *Store }

var _ migrate.Source = Export{}

// Export returns the store's reader for a migration.
func (s *Store) Export() Export { return Export{s} }

//go:embed sql/export_days_events.sql
var exportDaysEventsSQL string

//go:embed sql/export_days_sessions.sql
var exportDaysSessionsSQL string

//go:embed sql/export_days_ledger.sql
var exportDaysLedgerSQL string

// Days implements migrate.Source. Days that retention has cut are left out: what is left of them are sessions at their ends, beside
// which all others would look as if they had been withdrawn.
func (x Export) Days(ctx context.Context) (map[migrate.Day]migrate.Tallies, error) {
	days := map[migrate.Day]migrate.Tallies{}
	add := func(c *Chunk, i int, set func(*migrate.Tallies)) {
		day := migrate.Day{WebsiteID: c.Text(0, i), Start: c.Int64s(1)[i] * dayMillis}
		tallies := days[day]
		set(&tallies)
		days[day] = tallies
	}
	err := x.store.Read(ctx, func(r *Reader) error {
		err := eachRow(ctx, r, exportDaysEventsSQL, nil, func(c *Chunk, i int) {
			add(c, i, func(t *migrate.Tallies) {
				t.Events = migrate.EventTally(c.Int64s(2)[i], c.Uint64s(3)[i], c.Int64s(4)[i])
			})
		})
		if err != nil {
			return err
		}
		err = eachRow(ctx, r, exportDaysSessionsSQL, nil, func(c *Chunk, i int) {
			add(c, i, func(t *migrate.Tallies) { t.Sessions = readSums(c, i).Tally() })
		})
		if err != nil {
			return err
		}
		err = eachRow(ctx, r, exportDaysLedgerSQL, nil, func(c *Chunk, i int) {
			add(c, i, func(t *migrate.Tallies) { t.Ledger = migrate.LedgerTally(c.Int64s(2)[i]) })
		})
		if err != nil {
			return err
		}
		rawFrom, err := readRawFrom(ctx, r)
		maps.DeleteFunc(days, func(day migrate.Day, _ migrate.Tallies) bool { return day.Start < rawFrom[day.WebsiteID] })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot count the rows of each day: %w", err)
	}
	return days, nil
}

func readSums(c *Chunk, i int) (sums migrate.SessionSums) {
	for n, to := range [...]*int64{&sums.Rows, &sums.Starts, &sums.Lengths, &sums.Leads, &sums.Events, &sums.Pageviews, &sums.Interactive, &sums.Engaged, &sums.Sales} {
		*to = c.Int64s(2 + n)[i]
	}
	return sums
}

// eachRow calls yield for each row of a statement.
func eachRow(ctx context.Context, r *Reader, sql string, args []any, yield func(c *Chunk, row int)) error {
	return r.Select(ctx, sql, args, func(c *Chunk) error {
		for i := range c.Rows() {
			yield(c, i)
		}
		return nil
	})
}

//go:embed sql/export_seconds.sql
var exportSecondsSQL string

// Slices implements migrate.Source. A slice is a second at least, however many events that has.
func (x Export) Slices(ctx context.Context, day migrate.Day, rows int) (slices []migrate.Slice, err error) {
	err = x.store.Read(ctx, func(r *Reader) error {
		slices, err = readSlices(ctx, r, day, int64(rows))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot cut a day of site %q: %w", day.WebsiteID, err)
	}
	return slices, nil
}

func readSlices(ctx context.Context, r *Reader, day migrate.Day, rows int64) (slices []migrate.Slice, err error) {
	slice := migrate.Slice{WebsiteID: day.WebsiteID, From: day.Start}
	held := int64(0)
	err = eachRow(ctx, r, exportSecondsSQL, []any{day.WebsiteID, day.Start, day.Start + dayMillis}, func(c *Chunk, i int) {
		second, n := c.Int64s(0)[i], c.Int64s(1)[i]
		if held > 0 && held+n > rows {
			slice.To = second * 1000
			slices = append(slices, slice)
			slice.From, held = slice.To, 0
		}
		held += n
	})
	slice.To = day.Start + dayMillis
	return append(slices, slice), err
}

//go:embed sql/export_events.sql
var exportEventsSQL string

//go:embed sql/export_sessions.sql
var exportSessionsSQL string

//go:embed sql/export_ledger.sql
var exportLedgerSQL string

// Read implements migrate.Source.
func (x Export) Read(ctx context.Context, slice migrate.Slice) (*migrate.Rows, error) {
	rows := &migrate.Rows{}
	args := []any{slice.WebsiteID, slice.From, slice.To}
	err := x.store.Read(ctx, func(r *Reader) error {
		err := readSlice(ctx, r, slice, func(e *event.Event) error { rows.Events = append(rows.Events, *e); return nil })
		if err != nil {
			return err
		}
		err = eachRow(ctx, r, exportSessionsSQL, args, func(c *Chunk, i int) { rows.Sessions = append(rows.Sessions, readSession(c, i)) })
		if err != nil {
			return err
		}
		minutes := []any{slice.WebsiteID, minutesBefore(slice.From), minutesBefore(slice.To)}
		return eachRow(ctx, r, exportLedgerSQL, minutes, func(c *Chunk, i int) {
			outcome, _ := event.ParseOutcome(c.Text(1, i))
			rows.Ledger = append(rows.Ledger, event.LedgerRow{WebsiteID: slice.WebsiteID, Minute: c.Int64s(0)[i] * minuteMillis,
				Outcome: outcome, Reason: c.Text(2, i), Count: c.Int64s(3)[i]})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the rows of site %q in [%d, %d): %w", slice.WebsiteID, slice.From, slice.To, err)
	}
	return rows, nil
}

// Events calls yield for each event of a UTC day of a site, by time and id, of one snapshot: the lake's Source. The event is yield's
// until it returns; its texts stay.
func (x Export) Events(ctx context.Context, day migrate.Day, yield func(*event.Event) error) error {
	err := x.store.Read(ctx, func(r *Reader) error {
		slices, err := readSlices(ctx, r, day, x.store.sortRows)
		if err != nil {
			return err
		}
		for _, slice := range slices {
			if err := readSlice(ctx, r, slice, yield); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the events of site %q on day %d: %w", day.WebsiteID, day.Start, err)
	}
	return nil
}

// readSlice calls yield for each event of a slice, by time and id.
func readSlice(ctx context.Context, r *Reader, slice migrate.Slice, yield func(*event.Event) error) error {
	return r.Select(ctx, exportEventsSQL, []any{slice.WebsiteID, slice.From, slice.To}, func(c *Chunk) error {
		for i := range c.Rows() {
			e := readEvent(slice.WebsiteID, c, i)
			if err := yield(&e); err != nil {
				return err
			}
		}
		return nil
	})
}

// readEvent reads the columns of sql/export_events.sql, undoing writeEvent.
func readEvent(websiteID string, c *Chunk, i int) event.Event {
	timestamp, session := c.Int64s(0)[i], c.Text(10, i)
	typ, _ := event.ParseType(c.Text(4, i))
	e := event.Event{ID: idOf(c.Uint64s(2)[i], c.Uint64s(3)[i], timestamp), WebsiteID: websiteID, Type: typ, Name: c.Text(5, i), Interactive: c.Bools(6)[i],
		Timestamp: timestamp, ReceivedAt: timestamp + c.Int64s(1)[i], UserID: userOf(c.Text(7, i), session), SampleKey: c.Uint64s(8)[i],
		VisitorCoupon: c.Uint32s(9)[i], SessionID: session, BotScore: c.Uint8s(32)[i], BotBand: c.Uint8s(33)[i],
		Category: c.Text(35, i), Action: c.Text(36, i), Label: c.Text(37, i), Value: c.Float64s(38)[i], Revenue: c.Int64s(39)[i], Currency: c.Text(40, i),
		TimeOnPage: c.Int64s(41)[i], ScrollDepth: int16(c.Int8s(42)[i]), Flags: event.Flags(c.Uint32s(45)[i])}
	for n, to := range [...]*string{&e.Page, &e.Hostname, &e.Title, &e.Referrer, &e.Source, &e.Medium, &e.Campaign, &e.Term, &e.Content, &e.Channel,
		&e.IPAddress, &e.Country, &e.Region, &e.City, &e.DeviceType, &e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Screen, &e.Language} {
		*to = c.Text(11+n, i)
	}
	if reasons := c.Text(34, i); reasons != "" {
		e.BotReasons = strings.Split(reasons, ",")
	}
	values := c.TextList(44, i)
	for n, key := range c.TextList(43, i) {
		e.Properties = append(e.Properties, event.Property{Key: key, Value: values[n]})
	}
	return e
}

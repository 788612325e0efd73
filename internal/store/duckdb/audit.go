package duckdb

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store/audit"
)

// Report is what an audit found.
type Report = audit.Report

// auditor holds one audit: all of it reads one snapshot.
type auditor struct {
	reader  *Reader
	most    int64 // events that are sorted at once, about
	report  *Report
	rows    int64            // of events
	rawFrom map[string]int64 // by site: events before were deleted by retention
}

// Audit recomputes from the stored events, along other ways than those that made them, the sessions, the rollups of
// clean days and the ledger, and reports every difference. It reads one snapshot and may run beside commits.
func (s *Store) Audit(ctx context.Context) (Report, error) {
	report := Report{Differences: []audit.Difference{}}
	err := s.Read(ctx, func(r *Reader) error {
		a := &auditor{reader: r, most: s.sortRows, report: &report}
		for _, step := range []func(context.Context) error{a.begin, a.ledgerIdentity, a.ledgerRows, a.eventHours, a.duplicates, a.sessions, a.rollups} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("cannot audit the event store: %w", err)
	}
	return report, nil
}

func (a *auditor) begin(ctx context.Context) error {
	var err error
	if a.rawFrom, err = readRawFrom(ctx, a.reader); err != nil {
		return err
	}
	return a.each(ctx, "select count(*) from events", nil, func(c *Chunk, i int) {
		a.rows = c.Int64s(0)[i]
		a.report.Events = a.rows
	})
}

// readRawFrom returns from when on events are kept (ms), by site; a site that is not named has all.
func readRawFrom(ctx context.Context, r *Reader) (map[string]int64, error) {
	rawFrom := map[string]int64{}
	err := eachRow(ctx, r, "select key, value from meta where starts_with(key, '"+rawFromKey+"')", nil, func(c *Chunk, i int) {
		from, _ := strconv.ParseInt(c.Text(1, i), 10, 64)
		rawFrom[strings.TrimPrefix(c.Text(0, i), rawFromKey)] = from
	})
	return rawFrom, err
}

// each calls yield for each row of a statement.
func (a *auditor) each(ctx context.Context, sql string, args []any, yield func(c *Chunk, row int)) error {
	return eachRow(ctx, a.reader, sql, args, yield)
}

const ledgerIdentitySQL = `with minutes as (
    select website_id, minute,
        (coalesce(sum(count) filter (outcome = 'received'), 0))::bigint as received,
        (coalesce(sum(count) filter (outcome <> 'received'), 0))::bigint as ended
    from ledger
    group by 1, 2
)
select website_id, minute, received, ended, (select count(*) from minutes)
from minutes
where received <> ended
order by 1, 2`

// ledgerIdentity checks received = stored + duplicate + filtered + failed.
func (a *auditor) ledgerIdentity(ctx context.Context) error {
	err := a.each(ctx, ledgerIdentitySQL, nil, func(c *Chunk, i int) {
		a.report.Add(c.Text(0, i), fmt.Sprintf("ledger, minute %d: received", minuteMillis*c.Int64s(1)[i]),
			strconv.FormatInt(c.Int64s(3)[i], 10)+" (stored + duplicate + filtered + failed)", strconv.FormatInt(c.Int64s(2)[i], 10))
	})
	if err != nil {
		return err
	}
	return a.each(ctx, "select count(distinct (website_id, minute)) from ledger", nil, func(c *Chunk, i int) { a.report.Minutes = c.Int64s(0)[i] })
}

const ledgerRowsSQL = `with counted as (
    select website_id, minute, sum(count)::bigint as stored
    from ledger
    where outcome = 'stored'
    group by 1, 2
),
there as (
    select website_id, (timestamp + received_after) // 60000 as minute, count(*) as rows
    from events
    group by 1, 2
)
select coalesce(counted.website_id, there.website_id), coalesce(counted.minute, there.minute), coalesce(rows, 0), coalesce(stored, 0)
from counted
full join there on counted.website_id = there.website_id and counted.minute = there.minute
where coalesce(rows, 0) <> coalesce(stored, 0)
order by 1, 2`

// ledgerRows checks that the ledger's stored is the number of rows of each receipt minute. Where retention has deleted
// events, there may be fewer.
func (a *auditor) ledgerRows(ctx context.Context) error {
	return a.each(ctx, ledgerRowsSQL, nil, func(c *Chunk, i int) {
		site, rows, stored := c.Text(0, i), c.Int64s(2)[i], c.Int64s(3)[i]
		if _, cut := a.rawFrom[site]; cut && rows < stored {
			return
		}
		a.report.Add(site, fmt.Sprintf("ledger, minute %d: stored", minuteMillis*c.Int64s(1)[i]), strconv.FormatInt(rows, 10)+" (rows of events)", strconv.FormatInt(stored, 10))
	})
}

const eventHoursSQL = `with noted as (select website_id, hour, sum(rows)::bigint as rows from event_hours group by 1, 2),
there as (select website_id, timestamp // 3600000 * 3600000 as hour, count(*) as rows from events group by 1, 2)
select coalesce(noted.website_id, there.website_id), coalesce(noted.hour, there.hour), coalesce(there.rows, 0), coalesce(noted.rows, 0)
from noted
full join there on noted.website_id = there.website_id and noted.hour = there.hour
where coalesce(noted.rows, 0) <> coalesce(there.rows, 0)
order by 1, 2`

func (a *auditor) eventHours(ctx context.Context) error {
	return a.each(ctx, eventHoursSQL, nil, func(c *Chunk, i int) {
		a.report.Add(c.Text(0, i), fmt.Sprintf("event_hours, hour %d", c.Int64s(1)[i]), strconv.FormatInt(c.Int64s(2)[i], 10), strconv.FormatInt(c.Int64s(3)[i], 10))
	})
}

const duplicatesSQL = `with ids as (
    select website_id, id_high(event_id_high, timestamp) as high, event_id_low as low, timestamp + received_after as received_at
    from events
    where event_id_low %% %[1]d = %[2]d
),
twice as (
    select website_id, high, low
    from ids
    group by all
    having count(*) > 1
)
select website_id, high, low, received_at
from ids
join twice using (website_id, high, low)
order by all`

// auditIDs bounds about how many ids are compared at once.
const auditIDs = 500_000

// duplicates looks for ids that were stored twice within the window. It takes the ids in parts, to bound the memory.
func (a *auditor) duplicates(ctx context.Context) error {
	parts := a.rows/auditIDs + 1
	for part := range parts {
		var site, id string
		var at int64
		err := a.each(ctx, fmt.Sprintf(duplicatesSQL, parts, part), nil, func(c *Chunk, i int) {
			nextSite, nextID, nextAt := c.Text(0, i), idOf(c.Uint64s(1)[i], c.Uint64s(2)[i], 0).String(), c.Int64s(3)[i]
			if site == nextSite && id == nextID && nextAt-at < event.LateLimitMillis {
				a.report.Add(site, fmt.Sprintf("event %s, received at %d", id, nextAt), "one row", "a second one")
			}
			site, id, at = nextSite, nextID, nextAt
		})
		if err != nil {
			return err
		}
	}
	return nil
}

package clickhouse

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/migrate"
	"github.com/footfall-analytics/footfall/internal/store"
)

// Intake takes what is copied from another store: migrate.Target. Each site has a Writer of its own, whose commits are written
// down before anything of them is stored. One goroutine calls it, and one Intake takes a site at a time.
type Intake struct {
	store   *Store
	writers map[string]*Writer

	failPoint func(name string) error // of the writers; for tests
}

var _ migrate.Target = (*Intake)(nil)

// Intake returns what takes copied rows.
func (s *Store) Intake() *Intake { return &Intake{store: s, writers: map[string]*Writer{}} }

// RawFrom returns the time (ms) before which events are not kept, of any site.
func (s *Store) RawFrom() int64 {
	return max(0, floor(s.opts.Clock().UnixMilli(), event.DayMillis)-int64(s.opts.retentionDays())*event.DayMillis)
}

// copiedTopic is the log_topic of copied events of a site.
func copiedTopic(websiteID string) string { return "migration/" + websiteID }

func (n *Intake) writer(websiteID string) *Writer {
	w := n.writers[websiteID]
	if w == nil {
		w = n.store.Writer(WriterOptions{Topic: copiedTopic(websiteID), Copied: true, FailPoint: n.failPoint})
		n.writers[websiteID] = w
	}
	return w
}

//go:embed sql/intake_events.sql
var intakeEventsSQL string

//go:embed sql/intake_sessions.sql
var intakeSessionsSQL string

//go:embed sql/intake_ledger.sql
var intakeLedgerSQL string

// each runs a statement that may take its time.
func (n *Intake) each(ctx context.Context, sql string, args []any, yield func(scanner) error) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"do_not_merge_across_partitions_select_final": 1}))
	return eachOn(ctx, n.store.writer, sql, args, yield)
}

// Days implements migrate.Target.
func (n *Intake) Days(ctx context.Context, websiteID string) (map[int64]migrate.Tallies, error) {
	if _, err := n.writer(websiteID).Position(ctx); err != nil {
		return nil, err
	}
	days := map[int64]migrate.Tallies{}
	var day int64
	add := func(set func(*migrate.Tallies)) {
		tallies := days[day*event.DayMillis]
		set(&tallies)
		days[day*event.DayMillis] = tallies
	}
	err := n.each(ctx, intakeEventsSQL, []any{websiteID, copiedTopic(websiteID)}, func(scan scanner) error {
		var rows, delays int64
		var ids uint64
		err := scan(&day, &rows, &ids, &delays)
		add(func(t *migrate.Tallies) { t.Events = migrate.EventTally(rows, ids, delays) })
		return err
	})
	if err == nil {
		err = n.each(ctx, intakeSessionsSQL, []any{websiteID, uint64(copiedEpoch)}, func(scan scanner) error {
			var s migrate.SessionSums
			err := scan(&day, &s.Rows, &s.Starts, &s.Lengths, &s.Leads, &s.Events, &s.Pageviews, &s.Interactive, &s.Engaged, &s.Sales)
			add(func(t *migrate.Tallies) { t.Sessions = s.Tally() })
			return err
		})
	}
	if err == nil {
		err = n.each(ctx, intakeLedgerSQL, []any{websiteID}, func(scan scanner) error {
			var count int64
			err := scan(&day, &count)
			add(func(t *migrate.Tallies) { t.Ledger = migrate.LedgerTally(count) })
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot count what is there of site %q: %w", websiteID, err)
	}
	return days, nil
}

//go:embed sql/intake_ids.sql
var intakeIDsSQL string

//go:embed sql/intake_versions.sql
var intakeVersionsSQL string

//go:embed sql/intake_counts.sql
var intakeCountsSQL string

// Present implements migrate.Target.
func (n *Intake) Present(ctx context.Context, slice migrate.Slice) (*migrate.Present, error) {
	p := &migrate.Present{Events: map[event.UUID][]int64{}, Sessions: map[event.SessionRef]migrate.Held{}, Ledger: map[migrate.LedgerKey]int64{}}
	args := []any{slice.WebsiteID, slice.From, slice.To}
	err := n.each(ctx, intakeIDsSQL, args, func(scan scanner) error {
		var id uuid.UUID
		var receivedAt int64
		err := scan(&id, &receivedAt)
		p.Events[event.UUID(id)] = append(p.Events[event.UUID(id)], receivedAt)
		return err
	})
	if err == nil {
		err = n.sessions(ctx, slice.WebsiteID, args, p)
	}
	if err == nil {
		err = n.each(ctx, intakeCountsSQL, args, func(scan scanner) error {
			var key migrate.LedgerKey
			var outcome string
			var count int64
			err := scan(&key.Minute, &outcome, &key.Reason, &count)
			key.Outcome, _ = event.ParseOutcome(outcome)
			p.Ledger[key] = count
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what is there of site %q in [%d, %d): %w", slice.WebsiteID, slice.From, slice.To, err)
	}
	return p, nil
}

const sessionsOfSlice = "where website_id = {p1:String} and session_start >= fromUnixTimestamp64Milli({p2:Int64}, 'UTC') and session_start < fromUnixTimestamp64Milli({p3:Int64}, 'UTC')"

func (n *Intake) sessions(ctx context.Context, websiteID string, args []any, p *migrate.Present) error {
	versions := map[event.SessionRef]uint64{}
	err := n.each(ctx, intakeVersionsSQL, args, func(scan scanner) error {
		ref := event.SessionRef{SessionKey: event.SessionKey{WebsiteID: websiteID}}
		var version uint64
		var withdrawn uint8
		err := scan(&ref.SessionID, &ref.Band, &ref.Start, &version, &withdrawn)
		versions[ref] = version
		if withdrawn == 1 && stays(version) {
			p.Sessions[ref] = migrate.Held{Stays: true}
		}
		return err
	})
	if err != nil {
		return err
	}
	return eachSession(ctx, n.each, sessionsOfSlice, args, func(s *event.Session, _ bool) {
		version := versions[s.Ref()]
		p.Sessions[s.Ref()] = migrate.Held{Session: *s, Copied: copied(version), Stays: stays(version)}
	})
}

// Commit implements migrate.Target.
func (n *Intake) Commit(ctx context.Context, websiteID string, batch *store.Batch) error {
	return n.writer(websiteID).Commit(ctx, batch)
}

package clickhouse

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
)

// DayState is what is known of a site's day (UTC) without reading events.
type DayState struct {
	WebsiteID string
	Day       time.Time
	Changes   uint64 // the sum of the day's changes
	Rolled    uint64 // the changes that the rollups hold; 0: none
	Events    uint64 // rows of events that the rollups were made of
}

// DayTally counts a site's events of a day, or of a part of it.
type DayTally struct {
	WebsiteID string
	Day       time.Time
	Events    int64
	Checksum  uint64 // over what places the events: sql/batch_tallies.sql
}

//go:embed sql/batch_days.sql
var batchDaysSQL string

//go:embed sql/batch_tallies.sql
var batchTalliesSQL string

// batchTime is the longest time of a statement of the daily job, which reads whole days of all sites.
const batchTime = 10 * time.Minute

// batchRead runs a statement of the daily job as the one who writes: the bounds of queries are not for it.
func (s *Store) batchRead(ctx context.Context, sql string, args []any, yield func(scanner) error) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"max_execution_time": int(batchTime.Seconds()), "do_not_merge_across_partitions_select_final": 1,
		"max_bytes_before_external_sort": 256 << 20, "max_bytes_before_external_group_by": 256 << 20,
	}))
	return eachOn(ctx, s.writer, sql, args, yield)
}

// DayStates returns the days in [from, to) of all sites of which anything was ever written.
func (s *Store) DayStates(ctx context.Context, from, to time.Time) (days []DayState, err error) {
	err = s.batchRead(ctx, batchDaysSQL, []any{clampTime(from.UnixMilli()), clampTime(to.UnixMilli())}, func(scan scanner) error {
		var d DayState
		var at int64
		err := scan(&d.WebsiteID, &at, &d.Changes, &d.Rolled, &d.Events)
		d.Day = time.UnixMilli(at).UTC()
		days = append(days, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the state of days: %w", err)
	}
	return days, nil
}

// DayTallies counts the events in [from, to) by site and day.
func (s *Store) DayTallies(ctx context.Context, from, to time.Time) (days []DayTally, err error) {
	err = s.batchRead(ctx, batchTalliesSQL, []any{clampTime(from.UnixMilli()), clampTime(to.UnixMilli())}, func(scan scanner) error {
		var d DayTally
		var at int64
		err := scan(&d.WebsiteID, &at, &d.Events, &d.Checksum)
		d.Day = time.UnixMilli(at).UTC()
		days = append(days, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot count the events of days: %w", err)
	}
	return days, nil
}

const startedSessions = `where session_start >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
    and session_start < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
    and session_end >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC')
order by website_id, session_start, session_id, bot_band`

// StartedSessions calls yield for the sessions that start in [from, to) and end at or behind ending, ordered by site, start, session
// id and band, until it fails.
func (s *Store) StartedSessions(ctx context.Context, from, to, ending time.Time, yield func(*event.Session) error) error {
	args := []any{clampTime(from.UnixMilli()), clampTime(to.UnixMilli()), clampTime(ending.UnixMilli())}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed error
	err := eachSession(ctx, s.batchRead, startedSessions, args, func(session *event.Session, _ bool) {
		if failed == nil {
			if failed = yield(session); failed != nil {
				cancel()
			}
		}
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("cannot read the sessions that start in %s: %w", from.Format(time.RFC3339), err)
	}
	return nil
}

// RepairSessions writes changes of sessions as the daily job of that time has found them: they win over all that the stream and
// processors wrote, and over earlier repairs. The same changes of the same run are stored once.
func (s *Store) RepairSessions(ctx context.Context, run time.Time, changes []event.SessionChange) error {
	versions := make([]uint64, len(changes))
	hash := xxhash.New()
	for i := range changes {
		versions[i] = Version(Repair, 0, run.UnixMilli())
		record := changes[i].AppendRecord(nil)
		_, _ = hash.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(record)))) // a hash takes everything
		_, _ = hash.Write(record)
	}
	return s.InsertSessions(ctx, fmt.Sprintf("repair/%d/%016x", run.UnixMilli(), hash.Sum64()), changes, versions)
}

package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// keptDay says that a site's events of earlier days have been, or are being, deleted.
type keptDay struct {
	websiteID string
	day       time.Time
}

func keptTable() *table[keptDay] {
	return &table[keptDay]{"kept_from", []columnOf[keptDay]{
		of("website_id", func(k *keptDay) string { return k.websiteID }),
		of("day", func(k *keptDay) time.Time { return k.day }),
	}}
}

const keptSQL = `select website_id, toInt64(max(day) - toDate('1970-01-01')) * 86400000
from kept_from
group by website_id`

// Kept returns the first days (UTC) whose events are all kept.
func (s *Store) Kept(ctx context.Context) (store.Kept, error) {
	kept := store.Kept{All: time.UnixMilli(s.RawFrom()).UTC(), Sites: map[string]time.Time{}}
	err := eachOn(ctx, s.writer, keptSQL, nil, func(scan scanner) error {
		var site string
		var ms int64
		err := scan(&site, &ms)
		kept.Sites[site] = time.UnixMilli(ms).UTC()
		return err
	})
	if err != nil {
		return store.Kept{}, fmt.Errorf("cannot read from when on events are kept: %w", err)
	}
	return kept, nil
}

//go:embed sql/expired_events.sql
var expiredEventsSQL string

// expiring are the tables that hold something of single visits, and which of their rows are of days before {p2}, whatever time zone the
// server is in.
var expiring = []struct{ table, before string }{
	{"events", "timestamp < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')"},
	{"sessions", "session_start < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')"},
	{"page_views", "date < toDate(intDiv({p2:Int64}, 86400000))"},
}

// expiredAfter is how long events are left alone that have just come: others that have them too may not have them yet.
const expiredAfter = time.Hour

// Expire deletes what is stored of a site's days before one (UTC); what was counted of them, and that they are rolled, stays. That
// the days are incomplete from now on is written down first; then first is called with the first day that has events, if there are any
// and none of them came within the last hour: they are deleted when it returns without an error. Expire may be ended and called again:
// what came in late goes too. It returns how many events went.
func (s *Store) Expire(ctx context.Context, websiteID string, before time.Time, first func(ctx context.Context, day time.Time) error) (events int64, err error) {
	before = before.UTC().Truncate(24 * time.Hour)
	kept, err := s.Kept(ctx)
	if err != nil {
		return 0, err
	}
	if before.After(kept.Sites[websiteID]) {
		rows := []keptDay{{websiteID, before}}
		if err := insert(ctx, s, keptTable(), fmt.Sprintf("kept/%s/%d", websiteID, before.UnixMilli()), rows, func(*keptDay) int64 { return 0 }); err != nil {
			return 0, err
		}
	}
	args := named([]any{websiteID, before.UnixMilli(), s.opts.Clock().Add(-expiredAfter).UnixMilli()})
	var day, fresh int64
	if err := s.writer.QueryRow(ctx, expiredEventsSQL, args...).Scan(&events, &day, &fresh); err != nil {
		return 0, fmt.Errorf("cannot count the events that site %q keeps no longer: %w", websiteID, because(ctx, err))
	}
	if fresh > 0 {
		return 0, nil
	}
	if events > 0 {
		if err := first(ctx, time.UnixMilli(day*event.DayMillis).UTC()); err != nil {
			return 0, err
		}
	}
	for _, one := range expiring {
		where := "website_id = {p1:String} and " + one.before
		var rows uint64
		if err := s.writer.QueryRow(ctx, "select count() from "+one.table+" where "+where, args[:2]...).Scan(&rows); err != nil {
			return 0, fmt.Errorf("cannot count what site %q keeps no longer in %s: %w", websiteID, one.table, because(ctx, err))
		}
		if rows == 0 {
			continue
		}
		if err := s.mutate(ctx, "alter table "+one.table+" delete where "+where, args[:2]); err != nil {
			return 0, fmt.Errorf("cannot delete what site %q keeps no longer from %s: %w", websiteID, one.table, err)
		}
	}
	return events, nil
}

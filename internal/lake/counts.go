package lake

import (
	"context"
	"fmt"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Counts returns how many events each UTC day in [from, to) of each site has, without repeated ids. Like the daily job it sees these
// days and the ones beside them.
func Counts(ctx context.Context, store Store, from, to time.Time) (map[SiteDay]int64, error) {
	files, err := Files(ctx, store, from.Add(-24*time.Hour), to.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	dropped, err := findRepeats(ctx, store, files)
	if err != nil {
		return nil, fmt.Errorf("cannot count the events of the lake: %w", err)
	}
	counts := map[SiteDay]int64{}
	for i, file := range files {
		if file.Day < dayOf(from.UnixMilli()) || file.Day >= to.UnixMilli() {
			continue
		}
		err := readColumns(ctx, store, file.Key, siteSchema, func(index int, v []parquet.Value) error {
			if !dropped.has(i, index) {
				counts[SiteDay{string(v[0].ByteArray()), file.Day}]++
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("cannot count the events of the lake: %w", err)
		}
	}
	return counts, nil
}

type siteColumn struct {
	WebsiteID string `parquet:"website_id,dict"`
}

var siteSchema = parquet.NewSchema("events", parquet.SchemaOf(siteColumn{}))

// Scan calls yield for each event of the UTC days [from, to) that is no duplicate: an id counts again when it was received more
// than the late limit after the row that was kept. Days come in order, the rows of a file in that of compareRows. The row is
// yield's until it returns; its texts stay.
func Scan(ctx context.Context, store Store, from, to time.Time, yield func(*Row) error) error {
	files, err := Files(ctx, store, from, to)
	if err != nil {
		return err
	}
	dropped, err := findRepeats(ctx, store, files)
	if err != nil {
		return err
	}
	for i := range files {
		err := ReadFile(ctx, store, files[i].Key, func(index int, row *Row) error {
			if dropped.has(i, index) {
				return nil
			}
			return yield(row)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Always is a range that has all days.
func Always() (from, to time.Time) {
	return time.UnixMilli(-100 * 365 * event.DayMillis), time.UnixMilli(200 * 365 * event.DayMillis)
}

package druid

import (
	"context"
	"fmt"
	"time"

	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/sqlgen"
)

// Day are the sums of a site's rows of a UTC day, over all bands, by the column's name.
type Day struct {
	WebsiteID string
	Day       time.Time
	Sums      map[string]int64
}

// Days returns the sums of all sites that have rows in the days, half open, in no order.
func (s *Store) Days(ctx context.Context, datasource string, from, to time.Time) (days []Day, err error) {
	part := &query.Part{View: query.View(datasource), Ranges: []query.Range{{From: from.UnixMilli(), To: to.UnixMilli()}}}
	text, args, columns := sqlgen.MinuteSums(part.View, part.Ranges[0], s.dialect)
	r, err := s.covered(ctx, part, text, args)
	if err != nil {
		return nil, fmt.Errorf("cannot sum up %s: %w", datasource, err)
	}
	defer r.close()
	err = r.each(func(fields [][]byte) error {
		if len(fields) != 2+len(columns) {
			return fmt.Errorf("cannot read a row: %d values, not %d: %w", len(fields), 2+len(columns), errRow)
		}
		day, err := dayOf(fields, columns)
		days = append(days, day)
		return err
	})
	if err == nil {
		err = r.complete()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot sum up %s: %w", datasource, because(ctx, err))
	}
	return days, nil
}

func dayOf(fields [][]byte, columns []string) (Day, error) {
	site, err := appendText(nil, fields[0])
	if err != nil {
		return Day{}, err
	}
	at, err := wholeNumber(fields[1])
	day := Day{WebsiteID: string(site), Day: time.UnixMilli(at).UTC(), Sums: make(map[string]int64, len(columns))}
	for i := range columns {
		if err == nil {
			day.Sums[columns[i]], err = wholeNumber(fields[2+i])
		}
	}
	return day, err
}

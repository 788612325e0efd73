package duckdb

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/footfall-analytics/footfall/internal/query"
)

// rezone drops the rollups of a site where some are of days that are none in loc, as its owner has changed the time zone: rows
// of other days would count beside those of the days that overlap them. All of them go, as the end of a row's day is not known.
// Rollups whose events retention has deleted are kept, since they cannot be made again. building is true where days are
// dirty: their rows are looked at too.
func (s *Store) rezone(ctx context.Context, websiteID string, loc *time.Location, building bool) error {
	cut, is := s.offGrid(websiteID, loc)
	if !is && building {
		err := s.Select(ctx, "select distinct bucket from rollup_days where website_id = ? and dimension = '' and bucket >= ?", []any{websiteID, cut},
			func(chunk *Chunk) error {
				for i := range chunk.Rows() {
					bucket := chunk.Int64s(0)[i]
					is = is || query.DayEdges(loc, bucket, bucket+1)[0] != bucket
				}
				return nil
			})
		if err != nil {
			return fmt.Errorf("cannot look at the days of the rollups: %w", err)
		}
	}
	if !is {
		return nil
	}
	s.write.Lock()
	defer s.write.Unlock()
	err := s.transact(ctx, func() error {
		for _, sql := range []string{
			"delete from rollup_days where website_id = ? and bucket >= ?",
			"delete from rollup_quarters where website_id = ? and bucket >= ?",
			"delete from rollup_clean where website_id = ? and day_start >= ?",
		} {
			if err := s.writer.exec(ctx, sql, websiteID, cut); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot drop the rollups of the time zone before: %w", err)
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	for day := range s.state.site(websiteID).clean {
		if day.Start >= cut {
			delete(s.state.site(websiteID).clean, day)
		}
	}
	return nil
}

// offGrid reports whether a clean day of the site that has events is no day of loc. cut is the end of the rollups that
// have none any more.
func (s *Store) offGrid(websiteID string, loc *time.Location) (cut int64, is bool) {
	first, ok := s.FirstEvent(websiteID)
	if !ok {
		return 0, false
	}
	cut = math.MinInt64
	for _, day := range s.CleanDays(websiteID, math.MinInt64, math.MaxInt64) {
		if day.End <= first {
			cut = day.End
			continue
		}
		if edges := query.DayEdges(loc, day.Start, day.End); len(edges) != 2 || edges[0] != day.Start || edges[1] != day.End {
			is = true
		}
	}
	return cut, is
}

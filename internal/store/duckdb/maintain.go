package duckdb

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Sites says which sites there are.
type Sites interface {
	All() []*event.Site
}

// Retention may be implemented by Sites: how long the raw events of a site are kept, in ms; 0 is DefaultRetention.
type Retention interface {
	RawRetention(site *event.Site) int64
}

// DefaultRetention of raw events and sessions is 14 months.
const DefaultRetention = 425 * dayMillis

const (
	failedRetention = 7 * dayMillis
	// foldAbove is the number of rows of an additive table from which folding pays.
	foldAbove = 20_000

	rollupEvery = 5 * time.Second
	sweepEvery  = 10 * time.Minute
	trimEvery   = 10 * time.Second
	// quiet is how long old days of a site must be left alone before its rollups are built: an import touches them
	// again and again. Where its commits are further apart it is three times that, but longQuiet at most.
	quiet     = 3 * time.Second
	longQuiet = 30 * time.Second
)

// Run keeps the store in order until ctx ends: it builds the rollups of closed days, folds additive rows, deletes what
// is past its retention and folds the log into the file. What fails is logged and tried again.
func (s *Store) Run(ctx context.Context, sites Sites) error {
	rollups, sweeps, trims := time.NewTicker(rollupEvery), time.NewTicker(sweepEvery), time.NewTicker(trimEvery)
	defer rollups.Stop()
	defer sweeps.Stop()
	defer trims.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-rollups.C:
			s.buildAll(ctx, sites)
		case <-trims.C:
			trim()
		case <-sweeps.C:
			if err := s.Sweep(ctx, sites, s.opts.Clock().UnixMilli()); err != nil && ctx.Err() == nil {
				s.opts.Log.Error("event store is not swept", "error", err)
			}
		}
	}
}

func (s *Store) buildAll(ctx context.Context, sites Sites) {
	now := s.opts.Clock()
	for _, site := range sites.All() {
		undisturbed := func() bool { return !s.disturbed(site.WebsiteID, s.opts.Clock()) }
		if err := s.buildWhile(ctx, site, now.UnixMilli(), undisturbed); err != nil && ctx.Err() == nil {
			s.opts.Log.Error("rollups are not built", "site", site.WebsiteID, "error", err)
		}
	}
}

// disturbed reports whether a commit touched an old day of the site a moment ago.
func (s *Store) disturbed(websiteID string, now time.Time) bool {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	site := s.state.sites[websiteID]
	return site != nil && now.UnixMilli()-site.oldTouched < min(max(quiet.Milliseconds(), 3*site.oldEvery), longQuiet.Milliseconds())
}

// Sweep does once what Run does every ten minutes, rollups apart.
func (s *Store) Sweep(ctx context.Context, sites Sites, now int64) error {
	for _, step := range []func() error{
		func() error { return s.fold(ctx) },
		func() error { return s.forgetFailed(ctx, now) },
		func() error { return s.forgetRaw(ctx, sites, now) },
		func() error { return s.Checkpoint(ctx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// Checkpoint folds the log into the file.
func (s *Store) Checkpoint(ctx context.Context) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.writer.exec(ctx, "checkpoint footfall"); err != nil {
		return fmt.Errorf("cannot checkpoint event store %q: %w", s.opts.Path, err)
	}
	return nil
}

// fold replaces the rows of each key of the additive tables by their sum.
func (s *Store) fold(ctx context.Context) error {
	for _, f := range []struct{ table, distinct, folded string }{
		{"ledger", "(website_id, minute, outcome, reason)", "select website_id, minute, outcome, reason, sum(count)::bigint from ledger group by all order by minute"},
		{"event_hours", "(website_id, hour)", "select website_id, hour, sum(rows)::bigint, min(first), max(last) from event_hours group by all order by hour"},
	} {
		if err := s.foldTable(ctx, f.table, f.distinct, f.folded); err != nil {
			return fmt.Errorf("cannot fold table %q: %w", f.table, err)
		}
	}
	return nil
}

func (s *Store) foldTable(ctx context.Context, table, distinct, folded string) error {
	s.write.Lock()
	defer s.write.Unlock()
	row, err := s.writer.one(ctx, "select count(*), count(distinct "+distinct+") from "+table)
	if err != nil || row[0] < foldAbove || row[0] < 2*row[1] {
		return err
	}
	return s.transact(ctx, func() error {
		for _, sql := range []string{
			"create or replace temp table folded as " + folded,
			"delete from " + table,
			"insert into " + table + " select * from folded",
			"drop table folded",
		} {
			if err := s.writer.once(ctx, sql, nil, func(*Chunk) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) forgetFailed(ctx context.Context, now int64) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.writer.exec(ctx, "delete from failed_events where received_at < ?", now-failedRetention); err != nil {
		return fmt.Errorf("cannot delete old failed events: %w", err)
	}
	return nil
}

// forgetRaw deletes events and sessions past the retention of their site, by whole UTC days. Rollups stay, and their days
// stay clean: they cannot be made anew.
func (s *Store) forgetRaw(ctx context.Context, sites Sites, now int64) error {
	retention, own := sites.(Retention)
	for _, site := range sites.All() {
		keep := int64(0)
		if own {
			keep = retention.RawRetention(site)
		}
		if keep <= 0 {
			keep = DefaultRetention
		}
		if err := s.forgetSite(ctx, site.WebsiteID, floor(now-keep, dayMillis)); err != nil {
			return fmt.Errorf("cannot delete the old events of site %q: %w", site.WebsiteID, err)
		}
	}
	return nil
}

// rawFromKey begins the meta keys that say from when on a site's events are kept; a site without one has all of them.
const rawFromKey = "raw_from:"

func (s *Store) forgetSite(ctx context.Context, websiteID string, before int64) error {
	first, ok := s.FirstEvent(websiteID)
	if !ok || first >= before {
		return nil
	}
	s.write.Lock()
	defer s.write.Unlock()
	err := s.transact(ctx, func() error {
		for _, sql := range []string{
			"delete from events where website_id = ? and timestamp < ?",
			"delete from sessions where website_id = ? and session_end < ?",
			"delete from event_hours where website_id = ? and hour < ?",
		} {
			if err := s.writer.exec(ctx, sql, websiteID, before); err != nil {
				return err
			}
		}
		return s.writer.exec(ctx, "insert or replace into meta values (?, ?)", rawFromKey+websiteID, strconv.FormatInt(before, 10))
	})
	if err != nil {
		return err
	}
	s.state.forget(websiteID, before)
	return nil
}

// forget takes the days before a UTC midnight out of the counts.
func (st *state) forget(websiteID string, before int64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	site := st.site(websiteID)
	st.sequence++
	for day := floor(site.first, dayMillis); day < before; day += dayMillis {
		if site.rows[day] != nil {
			delete(site.rows, day)
			site.days[day] = st.sequence
			for q := day; q < day+dayMillis; q += quarterMillis {
				site.quarters[q] = st.sequence
			}
		}
	}
	site.first = max(site.first, before)
	if len(site.rows) == 0 {
		site.first, site.last = 0, 0
	}
}

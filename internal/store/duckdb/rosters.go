package duckdb

import (
	"fmt"

	"github.com/maypok86/otter/v2"

	"github.com/footfall-analytics/footfall/internal/query"
)

// rosterBytes bounds the memory of lists kept from query to query.
const rosterBytes = 16 << 20

// rosterCache keeps the lists of clean days, which every panel reads with the rows of its own dimension. An entry is what is
// stored of a day while it is clean at a version: a day is built from events and sessions alone, and its version rises before
// it can be built again.
type rosterCache struct {
	lists *otter.Cache[rosterKey, *[4][]uint32]
}

type rosterKey struct {
	websiteID string
	day       Day
	version   uint64
	threshold uint8
}

func newRosterCache() (*rosterCache, error) {
	lists, err := otter.New(&otter.Options[rosterKey, *[4][]uint32]{
		MaximumWeight: rosterBytes,
		Weigher: func(key rosterKey, bands *[4][]uint32) uint32 {
			weight := 256 + len(key.websiteID)
			for _, coupons := range bands {
				weight += 4 * cap(coupons)
			}
			return uint32(weight)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make the cache of visitors: %w", err)
	}
	return &rosterCache{lists}, nil
}

// mark says which days of a site were clean at one moment, and at which versions. If they still are once a snapshot is
// taken, the snapshot has their rollups of these versions.
type mark struct {
	store     *Store
	websiteID string
	ranges    []query.Range
	versions  map[Day]uint64
}

// mark looks at the days of some ranges; nil where one of them is neither clean nor known to be empty.
func (s *Store) mark(websiteID string, ranges []query.Range) *mark {
	m := &mark{s, websiteID, ranges, map[Day]uint64{}}
	from, to := ranges[0].From, ranges[len(ranges)-1].To
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	site := s.state.sites[websiteID]
	if site == nil {
		return nil
	}
	for day := range site.clean {
		if day.Start < to && day.End > from {
			m.versions[day] = site.version(day.Start, day.End)
		}
	}
	if !m.covers(site) {
		return nil
	}
	return m
}

// covers reports whether all that is in the ranges besides the marked days has never had an event.
func (m *mark) covers(site *siteState) bool {
	days := m.days()
	for _, span := range m.ranges {
		for at := span.From; at < span.To; {
			for len(days) > 0 && days[0].End <= at {
				days = days[1:]
			}
			if len(days) > 0 && days[0].Start <= at {
				at = days[0].End
				continue
			}
			end := span.To
			if len(days) > 0 {
				end = min(end, days[0].Start)
			}
			if site.version(at, end) != 0 || site.estimate(at, end) != 0 {
				return false
			}
			at = end
		}
	}
	return true
}

// holds reports whether everything is as it was.
func (m *mark) holds() bool {
	m.store.state.mu.RLock()
	defer m.store.state.mu.RUnlock()
	site := m.store.state.sites[m.websiteID]
	for day, version := range m.versions {
		if !site.clean[day] || site.version(day.Start, day.End) != version {
			return false
		}
	}
	return m.covers(site)
}

// find returns the lists of the marked days; false unless it has them all.
func (c *rosterCache) find(m *mark, threshold uint8) (*rosters, bool) {
	out := &rosters{}
	for _, day := range m.days() {
		bands, ok := c.lists.GetIfPresent(rosterKey{m.websiteID, day, m.versions[day], threshold})
		if !ok {
			return nil, false
		}
		for band, coupons := range bands {
			if coupons != nil {
				out.bands[band] = append(out.bands[band], roster{day.Start, coupons})
			}
		}
	}
	return out, true
}

// keep takes the lists of the marked days, which must still hold behind the snapshot that they were read on.
func (c *rosterCache) keep(m *mark, threshold uint8, read *rosters) {
	for day, version := range m.versions {
		bands := &[4][]uint32{}
		for band := range bands {
			bands[band] = read.on(day.Start, uint8(band))
		}
		c.lists.Set(rosterKey{m.websiteID, day, version, threshold}, bands)
	}
}

// days returns the marked days in order.
func (m *mark) days() []Day {
	days := make([]Day, 0, len(m.versions))
	for day := range m.versions {
		days = append(days, day)
	}
	sortDays(days)
	return days
}

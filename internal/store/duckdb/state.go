package duckdb

import (
	"context"
	"fmt"
	"sync"

	"github.com/footfall-analytics/footfall/internal/event"
)

const (
	minuteMillis  = 60 * 1000
	quarterMillis = 15 * 60 * 1000
	hourMillis    = 3600 * 1000
	dayMillis     = event.DayMillis
)

// Day is a day of a site: its first ms and the first ms of the next one.
type Day struct{ Start, End int64 }

// state is what the store keeps in memory of each site, so that a planner's questions cost no statement. Commit changes
// it after its transaction, so a reader that learns a version never misses rows of it in a later snapshot.
type state struct {
	mu       sync.RWMutex
	sequence uint64 // raised by every change
	position int64
	sites    map[string]*siteState
}

type siteState struct {
	// touched holds the sequence of the last change by quarter hour and by UTC day, since the store was opened.
	quarters, days map[int64]uint64
	rows           map[int64]*dayRows // by UTC day
	first, last    int64              // event times; valid when rows is not empty
	clean          map[Day]bool       // days whose rollups are in place
	oldTouched     int64              // when a commit last touched an hour long gone, by the clock
	oldEvery       int64              // how long before that the one before it did
}

// dayRows counts the rows of events of one UTC day by hour.
type dayRows struct {
	total int64
	hours [24]int64
}

func newState() *state { return &state{sites: map[string]*siteState{}} }

func (st *state) site(id string) *siteState {
	site := st.sites[id]
	if site == nil {
		site = &siteState{quarters: map[int64]uint64{}, days: map[int64]uint64{}, rows: map[int64]*dayRows{}, clean: map[Day]bool{}}
		st.sites[id] = site
	}
	return site
}

// loadState reads what is kept in memory from the tables.
func loadState(ctx context.Context, c *conn) (*state, error) {
	st := newState()
	row, err := c.one(ctx, "select value::bigint from meta where key = 'position'")
	if err != nil {
		return nil, fmt.Errorf("cannot read the position: %w", err)
	}
	if row != nil {
		st.position = row[0]
	}
	err = c.each(ctx, "select website_id, hour, rows, first, last from event_hours", nil, func(chunk *Chunk) error {
		for i := range chunk.Rows() {
			st.site(chunk.Text(0, i)).addRows(chunk.Int64s(1)[i], chunk.Int64s(2)[i], chunk.Int64s(3)[i], chunk.Int64s(4)[i])
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the event hours: %w", err)
	}
	err = c.each(ctx, "select website_id, day_start, day_end from rollup_clean", nil, func(chunk *Chunk) error {
		for i := range chunk.Rows() {
			st.site(chunk.Text(0, i)).clean[Day{chunk.Int64s(1)[i], chunk.Int64s(2)[i]}] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the clean days: %w", err)
	}
	return st, nil
}

func (site *siteState) addRows(hour, rows, first, last int64) {
	if len(site.rows) == 0 {
		site.first, site.last = first, last
	}
	site.first, site.last = min(site.first, first), max(site.last, last)
	day := floor(hour, dayMillis)
	if site.rows[day] == nil {
		site.rows[day] = &dayRows{}
	}
	site.rows[day].total += rows
	site.rows[day].hours[(hour-day)/hourMillis] += rows
}

// floor returns the greatest multiple of unit that is not above ms.
func floor(ms, unit int64) int64 { return ms - ((ms%unit)+unit)%unit }

// version returns the last change inside [from, to).
func (site *siteState) version(from, to int64) (v uint64) {
	for at := floor(from, quarterMillis); at < to; {
		if at%dayMillis == 0 && at+dayMillis <= to {
			v = max(v, site.days[at])
			at += dayMillis
			continue
		}
		v = max(v, site.quarters[at])
		at += quarterMillis
	}
	return v
}

// Version returns a number that changes whenever anything is stored that can change an answer about the site in
// [from, to): events, sessions that reach into it, removals. Numbers are comparable within one process only.
func (s *Store) Version(websiteID string, from, to int64) uint64 {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	if site := s.state.sites[websiteID]; site != nil {
		return site.version(from, to)
	}
	return 0
}

// Estimate returns about how many rows of events the site has in [from, to): whole hours at the edges count in part.
func (s *Store) Estimate(websiteID string, from, to int64) (rows int64) {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	if site := s.state.sites[websiteID]; site != nil {
		return site.estimate(from, to)
	}
	return 0
}

func (site *siteState) estimate(from, to int64) (rows int64) {
	if len(site.rows) == 0 {
		return 0
	}
	from, to = max(from, floor(site.first, dayMillis)), min(to, site.last+1)
	for day := floor(from, dayMillis); day < to; day += dayMillis {
		d := site.rows[day]
		switch {
		case d == nil:
		case from <= day && day+dayMillis <= to:
			rows += d.total
		default:
			rows += d.between(day, from, to)
		}
	}
	return rows
}

func (d *dayRows) between(day, from, to int64) (rows int64) {
	for i, n := range d.hours {
		start := day + int64(i)*hourMillis
		overlap := min(to, start+hourMillis) - max(from, start)
		if overlap > 0 {
			rows += (n*overlap + hourMillis - 1) / hourMillis
		}
	}
	return rows
}

// FirstEvent returns the time of the site's earliest stored event; false when it has none.
func (s *Store) FirstEvent(websiteID string) (ms int64, ok bool) {
	first, _, ok := s.eventTimes(websiteID)
	return first, ok
}

// LastEvent returns the time of the site's latest stored event; false when it has none.
func (s *Store) LastEvent(websiteID string) (ms int64, ok bool) {
	_, last, ok := s.eventTimes(websiteID)
	return last, ok
}

// Empty reports whether no event is stored.
func (s *Store) Empty() bool {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	for _, site := range s.state.sites {
		if len(site.rows) > 0 {
			return false
		}
	}
	return true
}

// Stored returns how many events of the site are stored.
func (s *Store) Stored(websiteID string) (rows int64) {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	if site := s.state.sites[websiteID]; site != nil {
		for _, day := range site.rows {
			rows += day.total
		}
	}
	return rows
}

func (s *Store) eventTimes(websiteID string) (first, last int64, ok bool) {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	site := s.state.sites[websiteID]
	if site == nil || len(site.rows) == 0 {
		return 0, 0, false
	}
	return site.first, site.last, true
}

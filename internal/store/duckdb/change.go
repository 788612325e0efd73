package duckdb

import (
	"context"

	"github.com/footfall-analytics/footfall/internal/event"
)

// change collects what one transaction does to the state in memory. It is applied once the transaction stands.
type change struct {
	position int64
	now      int64 // by the clock
	hours    map[hourKey]*hourRows
	touched  map[string]*touchedTimes
	dirty    []siteDay // clean days that are no longer
	// recounted holds all hours of sites that lost rows.
	recounted map[string][]countedHour
}

type countedHour struct {
	hour int64
	hourRows
}

type hourKey struct {
	website string
	hour    int64
}

type hourRows struct{ rows, first, last int64 }

type siteDay struct {
	website string
	Day
}

// touchedTimes holds the quarter hours of one site in which something changed.
type touchedTimes struct {
	quarters map[int64]bool
	last     int64 // the quarter noted last: most changes are in the same one
}

func newChange() *change {
	return &change{position: -1, hours: map[hourKey]*hourRows{}, touched: map[string]*touchedTimes{}}
}

func (c *change) addEvent(e *event.Event) {
	key := hourKey{e.WebsiteID, floor(e.Timestamp, hourMillis)}
	h := c.hours[key]
	if h == nil {
		h = &hourRows{first: e.Timestamp, last: e.Timestamp}
		c.hours[key] = h
	}
	h.rows++
	h.first, h.last = min(h.first, e.Timestamp), max(h.last, e.Timestamp)
	c.touch(e.WebsiteID, e.Timestamp, e.Timestamp)
}

// touch notes that something in [from, to] changed.
func (c *change) touch(website string, from, to int64) {
	t := c.touched[website]
	if t == nil {
		t = &touchedTimes{quarters: map[int64]bool{}, last: -1}
		c.touched[website] = t
	}
	for q := floor(from, quarterMillis); q <= to; q += quarterMillis {
		if q != t.last {
			t.quarters[q], t.last = true, q
		}
	}
}

// cleanDaysOf returns the clean days that the change touches.
func (st *state) cleanDaysOf(c *change) (days []siteDay) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	for website, t := range c.touched {
		site := st.sites[website]
		if site == nil {
			continue
		}
		for day := range site.clean {
			if t.touches(day) {
				days = append(days, siteDay{website, day})
			}
		}
	}
	return days
}

// cleanDays returns the clean days of a site.
func (st *state) cleanDays(website string) (days []Day) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if site := st.sites[website]; site != nil {
		for day := range site.clean {
			days = append(days, day)
		}
	}
	return days
}

// touches reports whether a quarter hour of the day was touched. Days start at multiples of 15 minutes; where one does
// not (a zone of the 19th century), a neighbour may be made anew for nothing.
func (t *touchedTimes) touches(day Day) bool {
	if int64(len(t.quarters)) < (day.End-day.Start)/quarterMillis {
		for q := range t.quarters {
			if q+quarterMillis > day.Start && q < day.End {
				return true
			}
		}
		return false
	}
	for q := floor(day.Start, quarterMillis); q < day.End; q += quarterMillis {
		if t.quarters[q] {
			return true
		}
	}
	return false
}

// apply makes the change visible.
func (st *state) apply(c *change) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sequence++
	if c.position >= 0 {
		st.position = c.position
	}
	for website, hours := range c.recounted {
		site := st.site(website)
		site.rows, site.first, site.last = map[int64]*dayRows{}, 0, 0
		for _, h := range hours {
			site.addRows(h.hour, h.rows, h.first, h.last)
		}
	}
	for key, h := range c.hours {
		st.site(key.website).addRows(key.hour, h.rows, h.first, h.last)
	}
	for website, t := range c.touched {
		site := st.site(website)
		for q := range t.quarters {
			site.quarters[q] = st.sequence
			site.days[floor(q, dayMillis)] = st.sequence
		}
	}
	st.disturb(c)
	for _, d := range c.dirty {
		delete(st.site(d.website).clean, d.Day)
	}
}

// disturb notes which sites have old hours that the change touches. The lock is held.
func (st *state) disturb(c *change) {
	for website, t := range c.touched {
		for q := range t.quarters {
			if q < c.now-hourMillis {
				site := st.site(website)
				if site.oldEvery = c.now - site.oldTouched; site.oldEvery > longQuiet.Milliseconds() { // another import
					site.oldEvery = 0
				}
				site.oldTouched = c.now
				break
			}
		}
	}
}

// Position implements store.Writer.
func (s *Store) Position(context.Context) (int64, error) {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	return s.state.position, nil
}

package query

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // one table of time zones on every machine
)

// rangeNames are the names of date_range. "7d" and its kin are that many whole days before today, "6mo" and "12mo" whole
// months before this month; "24h" ends with the running minute; the others end with their day, month or year.
var rangeNames = []string{"day", "24h", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all"}

// The names of include.compare.
const (
	previousPeriod = "previous_period"
	yearOverYear   = "year_over_year"
)

const (
	dateForm   = "2006-01-02"
	maxYears   = 50
	dayMillis  = 24 * 60 * 60 * 1000
	weekMillis = 7 * dayMillis
)

// zonedForms and localForms are the date-times a range may have: with an offset, and in the site's zone.
var (
	zonedForms = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04Z07:00"}
	localForms = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"}
)

// span is a half-open range in ms.
type span struct{ from, to int64 }

// calendar knows the days of one time zone.
type calendar struct{ loc *time.Location }

// date is a day of the calendar without a zone.
type date struct {
	year  int
	month time.Month
	day   int
}

func (c calendar) dateOf(ms int64) date {
	var d date
	d.year, d.month, d.day = c.at(ms).Date()
	return d
}

func (c calendar) at(ms int64) time.Time { return time.UnixMilli(ms).In(c.loc) }

// plus adds months, then days.
func (d date) plus(months, days int) date {
	t := time.Date(d.year, d.month+time.Month(months), d.day+days, 12, 0, 0, 0, time.UTC)
	return date{t.Year(), t.Month(), t.Day()}
}

func (d date) utc() time.Time { return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC) }

// monday returns the first day of d's week.
func (d date) monday() date { return d.plus(0, -(int(d.utc().Weekday())+6)%7) }

func (d date) first() date { return date{d.year, d.month, 1} }

// start returns the first instant of the date or, where the zone skips the whole date, of the next one.
func (c calendar) start(d date) int64 {
	midnight := d.utc()
	const reach = 36 * time.Hour // an offset change within it can move the midnight
	best, latest := time.Time{}, time.Time{}
	for _, at := range []time.Time{midnight.Add(-reach), midnight, midnight.Add(reach)} {
		_, offset := at.In(c.loc).Zone()
		t := midnight.Add(-time.Duration(offset) * time.Second)
		if local := t.In(c.loc); local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0 && local.Day() == d.day &&
			(best.IsZero() || t.Before(best)) {
			best = t
		}
		if latest.IsZero() || t.Before(latest) {
			latest = t
		}
	}
	if best.IsZero() { // the clock jumps over midnight: the day starts where the jump lands
		_, jump := latest.In(c.loc).ZoneBounds()
		return jump.UnixMilli()
	}
	return best.UnixMilli()
}

// days returns the span of the dates from first to last, both included.
func (c calendar) days(first, last date) span { return span{c.start(first), c.start(last.plus(0, 1))} }

// aligned reports whether the span consists of whole days.
func (c calendar) aligned(s span) bool {
	return c.start(c.dateOf(s.from)) == s.from && c.start(c.dateOf(s.to)) == s.to
}

// checkPair checks the form of a pair; whether it is in order depends on the zone.
func (r DateRange) checkPair(path string) error {
	for i, text := range []string{r.From, r.To} {
		if _, err := time.Parse(dateForm, text); err == nil {
			continue
		}
		if _, _, ok := parseTime(text, time.UTC); !ok {
			return invalid(fmt.Sprintf("%s[%d]", path, i), "%q is neither a date (2026-01-31) nor a date-time (2026-01-31T12:00:00+01:00)", text)
		}
	}
	if (len(r.From) == len(dateForm)) != (len(r.To) == len(dateForm)) {
		return invalid(path, "must be two dates or two date-times")
	}
	return nil
}

// parseTime reads a date-time; zoned tells whether it brings its own offset.
func parseTime(text string, loc *time.Location) (t time.Time, zoned, ok bool) {
	for _, form := range zonedForms {
		if t, err := time.Parse(form, text); err == nil {
			return t, true, true
		}
	}
	for _, form := range localForms {
		if t, err := time.ParseInLocation(form, text, loc); err == nil {
			return t, false, true
		}
	}
	return t, false, false
}

// resolve returns the instants of the range. firstEvent is 0 for a site without events.
func (r DateRange) resolve(c calendar, now time.Time, firstEvent int64, path string) (span, error) {
	if r.Name == "" {
		return r.resolvePair(c, path)
	}
	today := c.dateOf(now.UnixMilli())
	yesterday := today.plus(0, -1)
	thisMonth := today.first()
	switch r.Name {
	case "day":
		return c.days(today, today), nil
	case "24h":
		end := now.Truncate(time.Minute).Add(time.Minute).UnixMilli()
		return span{end - dayMillis, end}, nil
	case "7d", "28d", "30d", "91d":
		var n int
		if _, err := fmt.Sscanf(r.Name, "%dd", &n); err != nil {
			return span{}, err
		}
		return c.days(today.plus(0, -n), yesterday), nil
	case "month":
		return c.days(thisMonth, thisMonth.plus(1, -1)), nil
	case "6mo":
		return c.days(thisMonth.plus(-6, 0), thisMonth.plus(0, -1)), nil
	case "12mo":
		return c.days(thisMonth.plus(-12, 0), thisMonth.plus(0, -1)), nil
	case "year":
		return c.days(date{today.year, 1, 1}, date{today.year, 12, 31}), nil
	case "all":
		first := today
		if firstEvent > 0 && firstEvent < now.UnixMilli() {
			first = c.dateOf(firstEvent)
		}
		return c.days(first, today), nil
	}
	return span{}, invalid(path, "unknown date range %q", r.Name)
}

func (r DateRange) resolvePair(c calendar, path string) (span, error) {
	var s span
	if first, err := time.Parse(dateForm, r.From); err == nil {
		last, err := time.Parse(dateForm, r.To)
		if err != nil {
			return s, invalid(path+"[1]", "must be a date as %s", dateForm)
		}
		s = c.days(date{first.Year(), first.Month(), first.Day()}, date{last.Year(), last.Month(), last.Day()})
	} else {
		from, _, ok := parseTime(r.From, c.loc)
		to, _, ok2 := parseTime(r.To, c.loc)
		if !ok || !ok2 {
			return s, invalid(path, "must be two dates or two date-times")
		}
		s = span{from.UnixMilli(), to.UnixMilli()}
	}
	switch {
	case s.from >= s.to:
		return s, invalid(path, "the range ends before it starts")
	case s.from < 0:
		return s, invalid(path+"[0]", "is before 1970")
	case s.to-s.from > maxYears*366*dayMillis:
		return s, invalid(path, "a range has at most %d years", maxYears)
	}
	return s, nil
}

// before returns the span that a comparison puts beside s.
func (cmp *Compare) before(c calendar, s span) (span, error) {
	switch cmp.Name {
	case previousPeriod:
		if !c.aligned(s) {
			return span{2*s.from - s.to, s.from}, nil
		}
		from, to := c.dateOf(s.from), c.dateOf(s.to)
		n := int(to.utc().Sub(from.utc()) / (24 * time.Hour))
		return span{c.start(from.plus(0, -n)), s.from}, nil
	case yearOverYear:
		if c.aligned(s) {
			return span{c.start(c.dateOf(s.from).plus(-12, 0)), c.start(c.dateOf(s.to).plus(-12, 0))}, nil
		}
		return span{c.at(s.from).AddDate(-1, 0, 0).UnixMilli(), c.at(s.to).AddDate(-1, 0, 0).UnixMilli()}, nil
	}
	return cmp.Range.resolvePair(c, "include.compare")
}

// zone returns the calendar of a site's time zone.
func zone(name string) (calendar, error) {
	if name == "" || strings.EqualFold(name, "local") {
		name = "UTC"
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return calendar{}, fmt.Errorf("cannot load the time zone %q of the site: %w", name, err)
	}
	return calendar{loc}, nil
}

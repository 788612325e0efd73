package clickhouse

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// catalog is what is known of each site without reading events: the small tables, at most freshFor old. Sites are read together: while
// one look is under way, who asks of other sites waits for the next one. So ClickHouse is asked as often for a thousand sites as for one.
type catalog struct {
	store   *Store
	mu      sync.Mutex // guards all below
	sites   map[string]*siteFacts
	waiting []*lookup // those to come, each but the last one full
	works   bool      // somebody works through waiting
}

// How long what was read is good for, how long a lookup takes at most, and of how many sites.
const (
	freshFor    = time.Second
	catalogWait = 5 * time.Second
	maxLookup   = 500
	maxSites    = 10_000 // kept in memory
)

// wholeFor is for how long the hours of a day are taken for read because its changes are still the same. An insert that was
// interrupted may be seen in changes before it is seen in event_hours.
const wholeFor = time.Minute

// lookup is what one look at the small tables is to find.
type lookup struct {
	sites map[string]*siteFacts // nil until done
	done  chan struct{}
}

// siteFacts are the small tables' rows of one site. They do not change once they are known.
type siteFacts struct {
	readAt  time.Time
	err     error            // of the last lookup; the rest is of the one before it then
	changes map[int64]uint64 // by UTC day
	rolled  map[int64]uint64 // likewise: the changes that the rollups hold; empty where nobody reads them
	kept    int64            // from when on the site keeps its events, where it keeps less than others
	hours   []hourRows       // ascending
	whole   *wholeHours      // what hours were made of
}

type hourRows struct{ hour, rows, first, last int64 }

// wholeHours are all hours of a site as they were read at once. A site of some years has tens of thousands of them, and its changes move
// each second: from then on only those of days are read whose changes differ.
type wholeHours struct {
	at      time.Time
	changes map[int64]uint64
	hours   []hourRows
}

func newCatalog(s *Store) *catalog { return &catalog{store: s, sites: map[string]*siteFacts{}} }

// site returns the facts of a site, read anew where they are too old. When they cannot be read, they are the old ones.
func (c *catalog) site(websiteID string) *siteFacts {
	c.mu.Lock()
	if known := c.sites[websiteID]; known != nil && time.Since(known.readAt) < freshFor {
		c.mu.Unlock()
		return known
	}
	l := c.gather(websiteID)
	if !c.works {
		c.works = true
		go c.work()
	}
	c.mu.Unlock()
	<-l.done
	return l.sites[websiteID]
}

// gather puts a site on the list of the next lookup that has room. c.mu is held.
func (c *catalog) gather(websiteID string) *lookup {
	for _, l := range c.waiting {
		if _, ok := l.sites[websiteID]; ok {
			return l
		}
	}
	if n := len(c.waiting); n == 0 || len(c.waiting[n-1].sites) >= maxLookup {
		c.waiting = append(c.waiting, &lookup{sites: map[string]*siteFacts{}, done: make(chan struct{})})
	}
	l := c.waiting[len(c.waiting)-1]
	l.sites[websiteID] = nil
	return l
}

// work makes the lookups that are waited for, one after the other.
func (c *catalog) work() {
	for {
		c.mu.Lock()
		if len(c.waiting) == 0 {
			c.works = false
			c.mu.Unlock()
			return
		}
		l, known := c.waiting[0], map[string]*wholeHours{}
		c.waiting = c.waiting[1:]
		for id := range l.sites {
			if facts := c.sites[id]; facts != nil && facts.whole != nil && time.Since(facts.whole.at) < wholeFor {
				known[id] = facts.whole
			}
		}
		c.mu.Unlock()

		read, err := c.store.readSites(slices.Sorted(maps.Keys(l.sites)), known)
		at := time.Now()
		c.mu.Lock()
		if len(c.sites)+len(l.sites) > maxSites {
			clear(c.sites)
		}
		for id := range l.sites {
			facts := &siteFacts{}
			if err == nil {
				facts = read[id]
			} else if known := c.sites[id]; known != nil {
				*facts = *known
			}
			facts.readAt, facts.err = at, err
			l.sites[id], c.sites[id] = facts, facts
		}
		c.mu.Unlock()
		close(l.done)
	}
}

// failure returns why the facts that the parts were planned with could not be read. The planner's questions have no
// room for an error.
func (c *catalog) failure(parts []query.Part) error {
	for i := range parts {
		if err := c.site(parts[i].WebsiteID).err; err != nil {
			return err
		}
	}
	return nil
}

//go:embed sql/catalog_changes.sql
var catalogChangesSQL string

//go:embed sql/catalog_hours.sql
var catalogHoursSQL string

// readSites returns the facts of sites; of some, it is known what they were. Changes are read first: a version may be older than the
// rest, not younger. A day that was rolled since has other changes by then, and is not clean until the next lookup.
func (s *Store) readSites(ids []string, known map[string]*wholeHours) (map[string]*siteFacts, error) {
	ctx, cancel := context.WithTimeout(context.Background(), catalogWait)
	defer cancel()
	sites := make(map[string]*siteFacts, len(ids))
	for _, id := range ids {
		sites[id] = &siteFacts{changes: map[int64]uint64{}, rolled: map[int64]uint64{}}
	}
	err := s.each(ctx, catalogChangesSQL, []any{ids}, func(scan scanner) error {
		var id string
		var isKept uint8
		var day int64
		var n uint64
		if err := scan(&id, &isKept, &day, &n); err != nil {
			return err
		}
		if isKept == 1 {
			sites[id].kept = day
		} else {
			sites[id].changes[day] = n
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the changes of %s: %w", countOfSites(ids), err)
	}
	if s.opts.Rollups {
		if err = readRolled(ctx, s, sites, ids); err != nil {
			return nil, err
		}
	}
	if err := s.readHours(ctx, sites, known); err != nil {
		return nil, fmt.Errorf("cannot read the event hours of %s: %w", countOfSites(ids), err)
	}
	return sites, nil
}

// readHours adds the hours to the facts of sites: all of a site of which none are known, those of changed days of others.
func (s *Store) readHours(ctx context.Context, sites map[string]*siteFacts, known map[string]*wholeHours) error {
	var all, some []string
	days := map[int64]bool{}               // that changed, of any site
	changed := map[string]map[int64]bool{} // by site
	for id, facts := range sites {
		facts.whole = known[id]
		if facts.whole == nil {
			all = append(all, id)
			continue
		}
		for day, n := range facts.changes {
			if facts.whole.changes[day] == n {
				continue
			}
			if changed[id] == nil {
				changed[id], some = map[int64]bool{}, append(some, id)
			}
			changed[id][day], days[day] = true, true
		}
		if changed[id] == nil {
			facts.hours = facts.whole.hours
			continue
		}
		for _, h := range facts.whole.hours {
			if !changed[id][floor(h.hour, event.DayMillis)] {
				facts.hours = append(facts.hours, h)
			}
		}
	}
	read := func(ids, days []string) error {
		if len(ids) == 0 {
			return nil
		}
		return s.each(ctx, catalogHoursSQL, []any{ids, days}, func(scan scanner) error {
			var id string
			var h hourRows
			if err := scan(&id, &h.hour, &h.rows, &h.first, &h.last); err != nil {
				return err
			}
			if days == nil || changed[id][floor(h.hour, event.DayMillis)] {
				sites[id].hours = append(sites[id].hours, h)
			}
			return nil
		})
	}
	at, dates := time.Now(), []string{}
	for day := range days {
		dates = append(dates, time.UnixMilli(day).UTC().Format(time.DateOnly))
	}
	if err := errors.Join(read(all, nil), read(some, dates)); err != nil {
		return err
	}
	for _, id := range all {
		facts := sites[id]
		facts.whole = &wholeHours{at, facts.changes, facts.hours}
	}
	for _, id := range some {
		slices.SortFunc(sites[id].hours, func(a, b hourRows) int { return cmp.Compare(a.hour, b.hour) })
	}
	return nil
}

// countOfSites names the sites in an error.
func countOfSites(ids []string) string {
	if len(ids) == 1 {
		return fmt.Sprintf("site %q", ids[0])
	}
	return fmt.Sprintf("%d sites (%q and others)", len(ids), ids[0])
}

const hourMillis = 3600 * 1000

// rawFrom returns the time before which events are no longer kept, 0 when all are.
func (f *siteFacts) rawFrom(s *Store) int64 {
	from := max(s.RawFrom(), f.kept)
	if len(f.hours) == 0 || f.hours[0].first >= from {
		return 0
	}
	return from
}

// estimate returns about how many events are kept in [from, to): hours at the edges count in part.
func (f *siteFacts) estimate(from, to int64) (rows int64) {
	if len(f.hours) == 0 {
		return 0
	}
	to = min(to, f.hours[len(f.hours)-1].last+1)
	for _, h := range f.hours {
		if overlap := min(to, h.hour+hourMillis) - max(from, h.hour); overlap > 0 {
			rows += (h.rows*overlap + hourMillis - 1) / hourMillis
		}
	}
	return rows
}

// FirstEvent implements query.Catalog. It knows of events that are no longer kept: the rollups may have them.
func (s *Source) FirstEvent(websiteID string) (ms int64, ok bool) {
	site := s.store.catalog.site(websiteID)
	if len(site.hours) == 0 {
		return 0, false
	}
	return site.hours[0].first, true
}

// Version implements query.Catalog. It may be a second old.
func (s *Source) Version(websiteID string, from, to int64) (version uint64) {
	site := s.store.catalog.site(websiteID)
	first, last := floor(from, event.DayMillis), floor(to-1, event.DayMillis)
	for day, n := range site.changes {
		if first <= day && day <= last {
			version += n
		}
	}
	return version
}

// Facts implements query.Catalog. The rollups are those by the minute; without Options.Rollups no day is clean.
func (s *Source) Facts(websiteID string, from, to int64, _ []int64) query.Facts {
	site := s.store.catalog.site(websiteID)
	rawFrom := site.rawFrom(s.store)
	facts := query.Facts{Rollups: query.ByMinute, Estimate: site.estimate(max(from, rawFrom), to), RawFrom: rawFrom}
	if s.store.opts.Rollups {
		facts.Clean = site.clean(from, to, rawFrom, s.store.opts.Clock().UnixMilli())
	}
	return facts
}

//go:embed sql/ledger.sql
var ledgerSQL string

// Ledger implements query.Catalog. A minute that the range cuts counts where it starts.
func (s *Source) Ledger(ctx context.Context, websiteID string, from, to int64) (*query.Ledger, error) {
	out := &query.Ledger{Filtered: map[string]int64{}, Failed: map[string]int64{}}
	err := s.store.each(ctx, ledgerSQL, []any{websiteID, from, to}, func(scan scanner) error {
		var outcome, reason string
		var count int64
		if err := scan(&outcome, &reason, &count); err != nil {
			return err
		}
		switch outcome {
		case event.Received.String():
			out.Received += count
		case event.Stored.String():
			out.Stored += count
		case event.Duplicate.String():
			out.Duplicate += count
		case event.Filtered.String():
			out.Filtered[reason] += count
		case event.Failed.String():
			out.Failed[reason] += count
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the ledger of site %q: %w", websiteID, err)
	}
	return out, nil
}

// SiteStatus returns the times of the site's first and last event, 0 without one, and how many have been stored.
func (s *Store) SiteStatus(_ context.Context, websiteID string) (first, last, events int64, err error) {
	site := s.catalog.site(websiteID)
	if site.err != nil {
		return 0, 0, 0, site.err
	}
	for i, h := range site.hours {
		if i == 0 || h.first < first {
			first = h.first
		}
		last, events = max(last, h.last), events+h.rows
	}
	return first, last, events, nil
}

package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// catalog is what is known of each site without reading events: the small tables, at most freshFor old.
type catalog struct {
	store *Store
	mu    sync.Mutex // guards sites
	sites map[string]*siteFacts
}

// How long what was read is good for, and how long a planner waits for it.
const (
	freshFor    = time.Second
	catalogWait = 5 * time.Second
	maxSites    = 10_000 // kept in memory
)

// siteFacts are the small tables' rows of one site.
type siteFacts struct {
	mu      sync.Mutex // held while they are read
	readAt  time.Time
	err     error            // of the last reading
	changes map[int64]uint64 // by UTC day
	rolled  map[int64]uint64 // likewise: the changes that the rollups hold; nil where nobody reads them
	hours   []hourRows       // ascending
	kept    int64            // from when on the site keeps its events, where it keeps less than others
}

type hourRows struct{ hour, rows, first, last int64 }

func newCatalog(s *Store) *catalog { return &catalog{store: s, sites: map[string]*siteFacts{}} }

// site returns the facts of a site, read anew where they are too old, locked. When they cannot be read, the old ones stay.
func (c *catalog) site(websiteID string) *siteFacts {
	c.mu.Lock()
	site := c.sites[websiteID]
	if site == nil {
		if len(c.sites) >= maxSites {
			clear(c.sites)
		}
		site = &siteFacts{}
		c.sites[websiteID] = site
	}
	c.mu.Unlock()
	site.mu.Lock()
	if time.Since(site.readAt) >= freshFor {
		site.err = site.read(c.store, websiteID)
		site.readAt = time.Now()
	}
	return site
}

// failure returns why the facts that the parts were planned with could not be read. The planner's questions have no
// room for an error.
func (c *catalog) failure(parts []query.Part) error {
	for i := range parts {
		site := c.site(parts[i].WebsiteID)
		err := site.err
		site.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

//go:embed sql/catalog_changes.sql
var catalogChangesSQL string

//go:embed sql/catalog_hours.sql
var catalogHoursSQL string

// read replaces the facts. Changes are read first: a version may be older than the rest, not younger. A day that was rolled
// since has other changes by then, and is not clean until the next reading.
func (f *siteFacts) read(s *Store, websiteID string) error {
	ctx, cancel := context.WithTimeout(context.Background(), catalogWait)
	defer cancel()
	changes, kept := map[int64]uint64{}, int64(0)
	err := s.each(ctx, catalogChangesSQL, []any{websiteID}, func(scan scanner) error {
		var isKept uint8
		var day int64
		var n uint64
		err := scan(&isKept, &day, &n)
		if isKept == 1 {
			kept = day
		} else {
			changes[day] = n
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot read the changes of site %q: %w", websiteID, err)
	}
	var rolled map[int64]uint64
	if s.opts.Rollups {
		if rolled, err = readRolled(ctx, s, websiteID); err != nil {
			return err
		}
	}
	var hours []hourRows
	err = s.each(ctx, catalogHoursSQL, []any{websiteID}, func(scan scanner) error {
		var h hourRows
		err := scan(&h.hour, &h.rows, &h.first, &h.last)
		hours = append(hours, h)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot read the event hours of site %q: %w", websiteID, err)
	}
	f.changes, f.rolled, f.hours, f.kept = changes, rolled, hours, kept
	return nil
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
	defer site.mu.Unlock()
	if len(site.hours) == 0 {
		return 0, false
	}
	return site.hours[0].first, true
}

// Version implements query.Catalog. It may be a second old.
func (s *Source) Version(websiteID string, from, to int64) (version uint64) {
	site := s.store.catalog.site(websiteID)
	defer site.mu.Unlock()
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
	defer site.mu.Unlock()
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
	defer site.mu.Unlock()
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

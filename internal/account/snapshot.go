package account

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// snapshot is everything the hot path reads. It never changes after it was published.
type snapshot struct {
	revision   int64         // of the database, as it was read
	sites      []*event.Site // ordered by domain
	byTracking map[string]*event.Site
	byID       map[string]*event.Site
	keys       map[keyHash]*Key
}

// readSnapshot returns what tx sees. Keys keep the uses that previous knows; previous may be nil.
func readSnapshot(ctx context.Context, tx *sql.Tx, previous *snapshot) (*snapshot, error) {
	next := &snapshot{byTracking: map[string]*event.Site{}, byID: map[string]*event.Site{}, keys: map[keyHash]*Key{}}
	if err := tx.QueryRowContext(ctx, `select changes from revision where id = 1`).Scan(&next.revision); err != nil {
		return nil, err
	}
	if err := next.readSites(ctx, tx); err != nil {
		return nil, err
	}
	return next, next.readKeys(ctx, tx, previous)
}

func (into *snapshot) readSites(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `select website_id, tracking_id, domain, timezone, threshold, ip_policy, hostnames,
		ignore_signals, query_keys, retention_months, demo, created_at from sites`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		site, hostnames, queryKeys := new(event.Site), "", ""
		err := rows.Scan(&site.WebsiteID, &site.TrackingID, &site.Domain, &site.Timezone, &site.Threshold, &site.IPPolicy, &hostnames,
			&site.IgnoreSignals, &queryKeys, &site.RetentionMonths, &site.Demo, &site.CreatedAt)
		if err != nil {
			return err
		}
		if site.Hostnames, err = readList(hostnames); err != nil {
			return fmt.Errorf("cannot read the hostnames of site %q: %w", site.WebsiteID, err)
		}
		if site.QueryKeys, err = readList(queryKeys); err != nil {
			return fmt.Errorf("cannot read the query keys of site %q: %w", site.WebsiteID, err)
		}
		into.sites = append(into.sites, site)
		into.byTracking[site.TrackingID], into.byTracking[site.Domain] = site, site
		into.byID[site.WebsiteID], into.byID[site.Domain] = site, site
	}
	// Not ordered by the database: that depends on its locale.
	slices.SortFunc(into.sites, func(a, b *event.Site) int { return strings.Compare(a.Domain, b.Domain) })
	return rows.Err()
}

// readList reads a list of texts as it is stored; an empty one is nil.
func readList(stored string) ([]string, error) {
	var list []string
	err := json.Unmarshal([]byte(stored), &list)
	if len(list) == 0 {
		list = nil
	}
	return list, err
}

// writeList returns the stored form of a list of texts.
func writeList(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	stored, _ := json.Marshal(list) // a []string always has a JSON form
	return string(stored)
}

// ByTracking returns the site of a tracking id or domain. It takes no lock. The Site must not be changed.
func (s *Store) ByTracking(id string) (*event.Site, bool) {
	return find(s.snapshot.Load().byTracking, id)
}

// ByID returns the site of a website_id or domain. It takes no lock. The Site must not be changed.
func (s *Store) ByID(idOrDomain string) (*event.Site, bool) {
	return find(s.snapshot.Load().byID, idOrDomain)
}

// find looks the name up as it stands, then as a domain in upper case may stand for it.
func find(sites map[string]*event.Site, name string) (*event.Site, bool) {
	if site, ok := sites[name]; ok {
		return site, true
	}
	if !strings.Contains(name, ".") || len(name) > maxDomainBytes {
		return nil, false
	}
	domain, err := NormalDomain(name)
	if err != nil {
		return nil, false
	}
	site, ok := sites[domain]
	return site, ok
}

// All returns the sites ordered by domain. Neither the list nor the Sites may be changed.
func (s *Store) All() []*event.Site { return s.snapshot.Load().sites }

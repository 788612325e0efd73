package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// snapshot is everything the hot path reads. It never changes after it was published.
type snapshot struct {
	sites      []*event.Site // ordered by domain
	byTracking map[string]*event.Site
	byID       map[string]*event.Site
	keys       map[keyHash]*Key
}

// publish reads the database and makes the result what everybody sees. Callers but Open hold s.write.
func (s *Store) publish(ctx context.Context) error {
	next := &snapshot{byTracking: map[string]*event.Site{}, byID: map[string]*event.Site{}, keys: map[keyHash]*Key{}}
	if err := s.readSites(ctx, next); err != nil {
		return err
	}
	if err := s.readKeys(ctx, next, s.snapshot.Load()); err != nil {
		return err
	}
	s.snapshot.Store(next)
	return nil
}

func (s *Store) readSites(ctx context.Context, into *snapshot) error {
	rows, err := s.db.QueryContext(ctx, `select website_id, tracking_id, domain, timezone, threshold, ip_policy, hostnames,
		ignore_signals, query_keys, demo, created_at from sites order by domain`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		site, hostnames, queryKeys := new(event.Site), "", ""
		err := rows.Scan(&site.WebsiteID, &site.TrackingID, &site.Domain, &site.Timezone, &site.Threshold, &site.IPPolicy, &hostnames,
			&site.IgnoreSignals, &queryKeys, &site.Demo, &site.CreatedAt)
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

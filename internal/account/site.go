package account

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// defaultThreshold: bands 0 and 1 are people.
const defaultThreshold = 2

// NewSite is what a site is made from. Timezone "" is UTC.
type NewSite struct {
	Domain   string
	Timezone string
	Demo     bool
}

// SiteChange holds the new values of a site; nil keeps the old one.
type SiteChange struct {
	Domain, Timezone, IPPolicy *string
	Threshold                  *int
	Hostnames, QueryKeys       *[]string
	IgnoreSignals              *bool
	RetentionMonths            *int
}

// AddSite makes a site with new ids. ErrConflict when the domain has one.
func (s *Store) AddSite(ctx context.Context, spec NewSite) (*event.Site, error) {
	site := &event.Site{
		WebsiteID: newID(), TrackingID: newTrackingID(), Domain: spec.Domain, Timezone: spec.Timezone,
		Threshold: defaultThreshold, IPPolicy: event.IPNone, Demo: spec.Demo, CreatedAt: s.nowMillis(),
	}
	if site.Timezone == "" {
		site.Timezone = "UTC"
	}
	if err := checkSite(site); err != nil {
		return nil, err
	}
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx, _ *snapshot) error {
		if err := checkDomainFree(ctx, tx, site); err != nil {
			return err
		}
		return insertSite(ctx, tx, site)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot add site %q: %w", site.Domain, err)
	}
	return site, nil
}

func insertSite(ctx context.Context, tx *sql.Tx, site *event.Site) error {
	_, err := tx.ExecContext(ctx, `insert into sites (website_id, tracking_id, domain, timezone, threshold, ip_policy, hostnames,
		ignore_signals, query_keys, retention_months, demo, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		site.WebsiteID, site.TrackingID, site.Domain, site.Timezone, site.Threshold, string(site.IPPolicy), writeList(site.Hostnames),
		boolInt(site.IgnoreSignals), writeList(site.QueryKeys), site.RetentionMonths, boolInt(site.Demo), site.CreatedAt)
	return err
}

// checkDomainFree is ErrConflict when another site has the domain.
func checkDomainFree(ctx context.Context, tx *sql.Tx, site *event.Site) error {
	var taken int
	err := tx.QueryRowContext(ctx, `select count(*) from sites where domain = $1 and website_id <> $2`, site.Domain, site.WebsiteID).Scan(&taken)
	if err == nil && taken > 0 {
		return ErrConflict
	}
	return err
}

// checkSite puts the values an owner may set into their normal form and refuses bad ones.
func checkSite(site *event.Site) (err error) {
	if site.Domain, err = NormalDomain(site.Domain); err != nil {
		return err
	}
	if err := checkZone(site.Timezone); err != nil {
		return err
	}
	switch site.IPPolicy {
	case event.IPNone, event.IPTruncated, event.IPFull:
	default:
		return invalid("ip_policy", "%q is no ip_policy; it is none, truncated or full", string(site.IPPolicy))
	}
	return nil
}

// ChangeSite changes the site of that website_id or domain and returns it as it is now.
func (s *Store) ChangeSite(ctx context.Context, idOrDomain string, change SiteChange) (*event.Site, error) {
	var next event.Site
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx, now *snapshot) error {
		old, ok := find(now.byID, idOrDomain)
		if !ok {
			return ErrNotFound
		}
		next = *old
		if err := change.apply(&next); err != nil {
			return err
		}
		if err := checkDomainFree(ctx, tx, &next); err != nil {
			return err
		}
		return updateSite(ctx, tx, &next)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot change site %q: %w", idOrDomain, err)
	}
	return &next, nil
}

func (c *SiteChange) apply(site *event.Site) error {
	set(&site.Domain, c.Domain)
	set(&site.Timezone, c.Timezone)
	set((*string)(&site.IPPolicy), c.IPPolicy)
	set(&site.IgnoreSignals, c.IgnoreSignals)
	if c.Threshold != nil {
		if *c.Threshold < 0 || *c.Threshold > 4 {
			return invalid("threshold", "threshold is %d; it must be from 0 to 4", *c.Threshold)
		}
		site.Threshold = uint8(*c.Threshold)
	}
	if c.RetentionMonths != nil {
		if *c.RetentionMonths < 0 || *c.RetentionMonths > maxRetentionMonths {
			return invalid("retention_months", "retention_months is %d; it must be from 0 (as the installation) to %d", *c.RetentionMonths, maxRetentionMonths)
		}
		site.RetentionMonths = *c.RetentionMonths
	}
	if c.Hostnames != nil {
		hostnames, err := normalHostnames(*c.Hostnames)
		if err != nil {
			return err
		}
		site.Hostnames = hostnames
	}
	if c.QueryKeys != nil {
		if err := checkQueryKeys(*c.QueryKeys); err != nil {
			return err
		}
		site.QueryKeys = slices.Clone(*c.QueryKeys)
	}
	return checkSite(site)
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

const maxRetentionMonths = 1200

// maxListItems bounds the lists of a site, which the door searches for every event.
const maxListItems = 100

// normalHostnames accepts "*.example.com" for all hosts below example.com.
func normalHostnames(list []string) ([]string, error) {
	if len(list) > maxListItems {
		return nil, invalid("hostnames", "there are %d hostnames; at most %d are allowed", len(list), maxListItems)
	}
	normal := make([]string, len(list))
	for i, name := range list {
		below, wildcard := strings.CutPrefix(strings.TrimSpace(name), "*.")
		host, err := NormalDomain(below)
		if wildcard {
			host = "*." + host
		}
		if err != nil {
			return nil, invalid(fmt.Sprintf("hostnames[%d]", i), "%s", err)
		}
		normal[i] = host
	}
	return normal, nil
}

func checkQueryKeys(list []string) error {
	if len(list) > maxListItems {
		return invalid("query_keys", "there are %d query keys; at most %d are allowed", len(list), maxListItems)
	}
	for i, key := range list {
		if key == "" || len(key) > event.MaxPropertyKey || strings.ContainsAny(key, "&=#? ") {
			return invalid(fmt.Sprintf("query_keys[%d]", i), "%q is no name of a query parameter", key)
		}
	}
	return nil
}

func updateSite(ctx context.Context, tx *sql.Tx, site *event.Site) error {
	_, err := tx.ExecContext(ctx, `update sites set domain = $1, timezone = $2, threshold = $3, ip_policy = $4, hostnames = $5,
		ignore_signals = $6, query_keys = $7, retention_months = $8 where website_id = $9`,
		site.Domain, site.Timezone, site.Threshold, string(site.IPPolicy), writeList(site.Hostnames),
		boolInt(site.IgnoreSignals), writeList(site.QueryKeys), site.RetentionMonths, site.WebsiteID)
	return err
}

// DeleteSite removes the site of that website_id or domain and its keys. Its events stay where they are.
func (s *Store) DeleteSite(ctx context.Context, idOrDomain string) error {
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx, now *snapshot) error {
		site, ok := find(now.byID, idOrDomain)
		if !ok {
			return ErrNotFound
		}
		_, err := tx.ExecContext(ctx, `delete from sites where website_id = $1`, site.WebsiteID)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot delete site %q: %w", idOrDomain, err)
	}
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

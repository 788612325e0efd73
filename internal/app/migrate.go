package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/api"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/migrate"
	"github.com/footfall-analytics/footfall/internal/stream"
)

var _ api.Migrator = (*migrator)(nil)

// migrator copies the embedded installation into a cluster. The accounts and the event store are written directly; Kafka, Flink
// and Redis have no part in it, and no process of the cluster needs to run.
type migrator struct {
	embedded *embedded
	running  sync.Mutex
}

// migrationReport is the reply of a migration; docs/format/api.md.
type migrationReport struct {
	Agree    bool             `json:"agree"`
	Accounts migratedAccounts `json:"accounts"`
	Copied   migrate.Counts   `json:"copied"`
	Passes   int              `json:"passes"`
	LeftOut  migrate.LeftOut  `json:"left_out"`
	Days     []migratedDay    `json:"days"`
}

type migratedAccounts struct {
	Users       int      `json:"users"`
	Sites       int      `json:"sites"`
	Keys        int      `json:"keys"`
	Salts       int      `json:"salts"`
	Present     int      `json:"present"`
	Differences []string `json:"differences"`
}

// migratedDay says how many rows of a day are here, and how many of them in the cluster.
type migratedDay struct {
	WebsiteID string         `json:"website_id"`
	Domain    string         `json:"domain,omitempty"` // none: the site was deleted
	Day       string         `json:"day"`
	Here      migrate.Counts `json:"here"`
	There     migrate.Counts `json:"there"`
	Status    string         `json:"status"` // agrees, moving, differs
}

// The states of a day. One that moves got events while it was copied; the next run takes them.
const (
	dayAgrees  = "agrees"
	dayMoving  = "moving"
	dayDiffers = "differs"
)

// Migrate implements api.Migrator.
func (m *migrator) Migrate(ctx context.Context, settings []byte, progress func(any)) (any, error) {
	if !m.running.TryLock() {
		return nil, errors.New("cannot migrate: a migration is running already")
	}
	defer m.running.Unlock()
	var to config.Config
	if err := json.Unmarshal(settings, &to); err != nil {
		return nil, fmt.Errorf("cannot read the settings of the cluster: %w", err)
	}
	if !to.Clustered() {
		return nil, errors.New("cannot migrate: the settings given are not those of a cluster (cluster.kafka is not set)")
	}
	if err := to.Validate(); err != nil {
		return nil, fmt.Errorf("cannot use the settings of the cluster: %w", err)
	}
	c := &cluster{cfg: to, logger: m.embedded.logger}
	c.cfg.Roles = []string{"process"} // which has accounts and store
	report, err := m.copyInto(ctx, c, progress)
	return report, errors.Join(err, c.Close())
}

func (m *migrator) copyInto(ctx context.Context, c *cluster, progress func(any)) (*migrationReport, error) {
	opening, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := errors.Join(c.openAccounts(), c.openStore(opening)); err != nil {
		return nil, err
	}
	if err := m.embedded.flush(ctx); err != nil {
		return nil, err
	}
	report := &migrationReport{}
	if err := m.copyAccounts(ctx, c.users, &report.Accounts); err != nil {
		return nil, err
	}
	if err := m.copyErasures(ctx, c); err != nil {
		return nil, err
	}
	result, err := migrate.Run(ctx, migrate.Options{
		Source: m.embedded.store.Export(), Target: c.store.Intake(),
		RawFrom:  c.store.RawFrom() + event.DayMillis, // the day at the edge may go while it is copied
		Progress: func(p migrate.Progress) { progress(p) },
	})
	if err != nil {
		return nil, err
	}
	report.add(result, m.embedded.users)
	return report, nil
}

// copyErasures takes the list of erasures along, and takes out of the cluster what was copied there before they were asked for. Both
// may be repeated, beside a process of the cluster too: a pass has its own tokens.
func (m *migrator) copyErasures(ctx context.Context, c *cluster) error {
	var list []event.Erased
	if err := m.embedded.store.Erased(ctx, func(e event.Erased) { list = append(list, e) }); err != nil {
		return err
	}
	latest := int64(0)
	for i := range list {
		latest = max(latest, list[i].AskedAt)
		if err := c.store.KeepErased(ctx, &list[i]); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return nil
	}
	return c.store.Forget(ctx, latest+event.DayMillis, stream.SessionsOf, nil)
}

// openTime bounds the opening of the store.
const openTime = time.Minute

// copyAccounts copies users, sites, keys and salts. A row that both have and that differs is told, not overwritten.
func (m *migrator) copyAccounts(ctx context.Context, to *account.Store, out *migratedAccounts) error {
	out.Differences = []string{}
	copied, err := to.CopyFrom(ctx, m.embedded.users)
	if err := out.take(copied, err); err != nil {
		return err
	}
	salts, err := collect.NewSaltFile(m.embedded.cfg.Data).SettleSalts(ctx, 0, nil)
	if err != nil {
		return fmt.Errorf("cannot copy the salts: %w", err)
	}
	copied, err = to.CopySalts(ctx, salts)
	return out.take(copied, err)
}

// take adds what was copied. It returns the errors that are no differences.
func (m *migratedAccounts) take(c account.Copied, err error) error {
	m.Users += c.Users
	m.Sites += c.Sites
	m.Keys += c.Keys
	m.Salts += c.Salts
	m.Present += c.Present
	var different *account.DifferentError
	if errors.As(err, &different) {
		m.Differences = append(m.Differences, err.Error())
		return nil
	}
	return err
}

func (r *migrationReport) add(result *migrate.Result, accounts *account.Store) {
	r.Copied, r.Passes, r.LeftOut, r.Days = result.Copied, result.Passes, result.LeftOut, []migratedDay{}
	r.Agree = len(r.Accounts.Differences) == 0
	for _, day := range result.Days {
		out := migratedDay{WebsiteID: day.WebsiteID, Day: time.UnixMilli(day.Start).UTC().Format(time.DateOnly),
			Here: day.Here, There: day.There, Status: dayAgrees}
		if site, ok := accounts.ByID(day.WebsiteID); ok {
			out.Domain = site.Domain
		}
		switch {
		case day.Moving:
			out.Status = dayMoving
		case !day.Agrees:
			out.Status = dayDiffers
			r.Agree = false
		}
		r.Days = append(r.Days, out)
	}
}

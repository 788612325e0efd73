package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/api"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/obs"
)

var _ api.Exporter = (*exporter)(nil)

// exporter writes the events of the embedded store to archives: when it is asked, and each night where the settings say so.
type exporter struct {
	embedded *embedded
	running  sync.Mutex // one at a time: two would delete each other's files of a day

	days, failures atomic.Int64 // of the nightly archive
	done           atomic.Int64 // ms: when it last ended well
}

// exportRequest is what the command asks for; docs/format/api.md.
type exportRequest struct {
	To    string   `json:"to"`    // see openArchive
	From  string   `json:"from"`  // dates, UTC; "": no bound
	Until string   `json:"until"` // the last day
	Sites []string `json:"sites"` // domains or website_ids; none: all
}

// Export implements api.Exporter.
func (x *exporter) Export(ctx context.Context, body []byte, progress func(any)) (any, error) {
	var request exportRequest
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return nil, fmt.Errorf("cannot read what to export: %w", err)
	}
	options, err := x.options(&request)
	if err != nil {
		return nil, err
	}
	if err := x.embedded.flush(ctx); err != nil {
		return nil, err
	}
	options.Progress = func(e lake.Exported) { progress(e) }
	return x.run(ctx, options)
}

func (x *exporter) options(request *exportRequest) (o lake.ExportOptions, err error) {
	if o.Store, err = openArchive(&x.embedded.cfg.S3, request.To); err != nil {
		return o, err
	}
	if o.From, err = parseDate(request.From); err != nil {
		return o, err
	}
	if o.To, err = parseDate(request.Until); err != nil {
		return o, err
	}
	if !o.To.IsZero() {
		o.To = o.To.AddDate(0, 0, 1)
	}
	for _, name := range request.Sites {
		id, ok := x.siteID(name)
		if !ok {
			return o, fmt.Errorf("there is no site %q", name)
		}
		o.Sites = append(o.Sites, id)
	}
	return o, nil
}

func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return at, fmt.Errorf("cannot use %q as a date: write it as 2026-01-31", text)
	}
	return at, nil
}

func (x *exporter) siteID(name string) (string, bool) {
	for _, site := range x.embedded.users.All() {
		if site.WebsiteID == name || site.Domain == name {
			return site.WebsiteID, true
		}
	}
	return "", false
}

func (x *exporter) run(ctx context.Context, o lake.ExportOptions) (lake.Exported, error) {
	x.running.Lock()
	defer x.running.Unlock()
	o.Source = x.embedded.store.Export()
	return lake.Export(ctx, o)
}

const (
	nightlyFirst = time.Minute   // after a start, when others have begun
	nightlyAt    = 1 * time.Hour // after midnight, UTC: what was on its way has come
	nightlyRetry = time.Minute   // doubled up to an hour
)

// nightly archives the days that are over, and again those that have changed since: at the start, and each night.
func (x *exporter) nightly(ctx context.Context) error {
	for wait, retry := nightlyFirst, nightlyRetry; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		now := time.Now()
		done, err := x.archive(ctx, now)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			x.failures.Add(1)
			x.embedded.logger.Error("the archive has to wait", "to", x.embedded.cfg.Archive.To, "error", err, "retry_in", retry)
			wait, retry = retry, min(2*retry, time.Hour)
		default:
			x.days.Add(int64(done.Days))
			x.done.Store(now.UnixMilli())
			x.embedded.logger.Info("archived", "to", x.embedded.cfg.Archive.To, "days", done.Days, "events", done.Events, "unchanged", done.Same)
			wait, retry = time.Until(nextNight(now)), nightlyRetry
		}
	}
}

// nextNight returns when the archive is due after a time.
func nextNight(now time.Time) time.Time {
	day := now.UTC().Truncate(24 * time.Hour)
	if next := day.Add(nightlyAt); next.After(now) {
		return next
	}
	return day.Add(24*time.Hour + nightlyAt)
}

// archive writes what has changed of the days that are over, and deletes the days that need not be kept.
func (x *exporter) archive(ctx context.Context, now time.Time) (lake.Exported, error) {
	store, err := openArchive(&x.embedded.cfg.S3, x.embedded.cfg.Archive.To)
	if err != nil {
		return lake.Exported{}, err
	}
	today := time.UnixMilli(now.UnixMilli() / event.DayMillis * event.DayMillis)
	done, err := x.run(ctx, lake.ExportOptions{Store: store, To: today, Changed: true})
	if err != nil {
		return done, err
	}
	x.running.Lock()
	defer x.running.Unlock()
	if _, err = expireArchive(ctx, &x.embedded.cfg, x.embedded.cfg.Archive.To, now); err != nil {
		return done, err
	}
	for _, site := range x.embedded.users.All() {
		if before, ok := keptFrom(site, x.embedded.cfg.Store.RetentionMonths, now); ok {
			if _, err = lake.Rewrite(ctx, store, time.UnixMilli(0), before, ofSite(site.WebsiteID)); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (x *exporter) watch(m *obs.Registry) {
	m.Counter("footfall_archive_days_total", "Days of sites that were written to the archive.", nil, func() float64 { return float64(x.days.Load()) })
	m.Counter("footfall_archive_failures_total", "How often the archive could not be written.", nil, func() float64 { return float64(x.failures.Load()) })
	m.Gauge("footfall_archive_age_seconds", "How long ago the archive was last brought up to date.", nil,
		func() float64 { return time.Since(time.UnixMilli(x.done.Load())).Seconds() })
}

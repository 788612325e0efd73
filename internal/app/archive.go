package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/kafka"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/obs"
)

var (
	_ lake.Store = (*object.FolderStore)(nil)
	_ lake.Store = (*object.S3Store)(nil)
)

const s3Scheme = "s3://"

// openArchive opens the place of an archive: a folder, "s3://" (the bucket and prefix of the settings) or "s3://bucket/prefix".
func openArchive(settings *config.S3, place string) (lake.Store, error) {
	rest, isS3 := strings.CutPrefix(place, s3Scheme)
	switch {
	case place == "":
		return nil, errors.New("cannot open an archive without a place")
	case !isS3:
		return object.Folder(place), nil
	case settings.Endpoint == "":
		return nil, fmt.Errorf("cannot open %q: s3.endpoint is not set", place)
	}
	o := s3Options(settings)
	if rest != "" {
		o.Bucket, o.Prefix, _ = strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	}
	return object.OpenS3(o)
}

func s3Options(settings *config.S3) object.S3Options {
	return object.S3Options{
		Endpoint: settings.Endpoint, Region: settings.Region, Bucket: settings.Bucket, Prefix: settings.Prefix,
		AccessKey: settings.AccessKey, SecretKey: settings.SecretKey,
	}
}

// archiveGroup shares the partitions of what is archived among the processes.
const archiveGroup = "archive"

// archived are the topics that the archive holds: what Flink has cleaned, and what does not pass through it.
var archived = [...]eventlog.Topic{eventlog.Events, eventlog.Imports}

// archiver takes events from the log to the lake.
type archiver struct {
	lake   *lake.Archive
	loader *load.Loader
	group  *kafka.Group
}

// openArchiver joins the group of the archivers. S3 is not asked for anything: while it is away, the log keeps what comes.
func (c *cluster) openArchiver() error {
	if c.cfg.S3.Endpoint == "" {
		return nil
	}
	store, err := openArchive(&c.cfg.S3, s3Scheme)
	if err != nil {
		return err
	}
	k := &c.cfg.Cluster
	group, err := kafka.OpenGroup(kafka.GroupOptions{Brokers: k.Kafka, Prefix: k.TopicPrefix, Name: archiveGroup, Topics: archived[:], Logger: c.logger})
	if err != nil {
		return err
	}
	a := &archiver{lake: lake.NewArchive(lake.ArchiveOptions{Store: store, Logger: c.logger}), group: group}
	a.loader = load.NewLoader(c.archiverOptions(a.lake, group))
	c.archiver = a
	return nil
}

func (c *cluster) archiverOptions(to *lake.Archive, ranges load.Ranges) load.LoaderOptions {
	inserts := map[eventlog.Topic]load.Insert{}
	for _, topic := range archived {
		inserts[topic] = to.Insert(topic)
	}
	return load.LoaderOptions{
		Log: c.log, Ranges: ranges, Inserts: inserts, Logger: c.logger.With("to", "archive"), AtOnce: 1,
		MaxBytes: int(c.cfg.Archive.FileBytes), MaxEntries: maxArchived, Interval: time.Duration(c.cfg.Archive.FileSeconds) * time.Second,
	}
}

// maxArchived bounds the records of a range beside their bytes: each is some 100 bytes of order while files are made.
const maxArchived = 1 << 20

func (a *archiver) run(ctx context.Context) error { return a.group.Run(ctx, a.loader.Run) }

func (a *archiver) watch(m *obs.Registry, fresh func() float64) {
	count := func(n interface{ Load() int64 }) func() float64 { return func() float64 { return float64(n.Load()) } }
	m.Counter("footfall_archive_events_total", "Events in files that were put into the archive.", nil, count(&a.lake.Events))
	m.Counter("footfall_archive_files_total", "Files that were put into the archive.", nil, count(&a.lake.Files))
	m.Counter("footfall_archive_undecodable_total", "Records that could not be decoded, and are not in the archive.", nil, count(&a.lake.Undecodable))
	m.Counter("footfall_archive_failures_total", "How often a partition's archiver began to fail: S3 or Kafka was away.", nil, count(&a.loader.Faults))
	m.Gauge("footfall_archive_failing", "Partitions whose archiver cannot go on at present.", nil, count(&a.loader.Failing))
	m.Gauge("footfall_archive_fresh_seconds", "How old the latest moment is before which every acknowledged event is in the archive.", nil, fresh)
}

// keepArchiveFresh follows how far all archivers of the installation are.
func (c *cluster) keepArchiveFresh(ctx context.Context) error {
	every := time.NewTicker(archiveFreshEvery)
	defer every.Stop()
	for {
		if at, err := c.leastFresh(ctx, map[string][]eventlog.Topic{archiveGroup: archived[:]}); err == nil {
			c.archiveFresh.Store(at)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

const archiveFreshEvery = 5 * time.Second

const (
	expireEvery = time.Hour
	// expireSlack is how much longer days stay in the archive than in the store: a day is made from some before and behind it.
	expireSlack = 3 * 24 * time.Hour
)

// expireArchive deletes the days that the archive need not keep.
func expireArchive(ctx context.Context, cfg *config.Config, place string, now time.Time) (files int, err error) {
	months := cfg.ArchiveMonths()
	if months == 0 {
		return 0, nil
	}
	store, err := openArchive(&cfg.S3, place)
	if err != nil {
		return 0, err
	}
	return lake.Expire(ctx, store, now.Add(-expireSlack).AddDate(0, 0, -31*months))
}

// expireSites deletes what single sites keep no longer, here and in the archive, in the process that leads.
func (c *cluster) expireSites(ctx context.Context, now time.Time) error {
	for _, site := range c.users.All() {
		before, ok := keptFrom(site, c.cfg.Store.RetentionMonths, now)
		if !ok {
			continue
		}
		events, err := c.store.Expire(ctx, site.WebsiteID, before, func(ctx context.Context, first time.Time) error {
			if c.cfg.S3.Endpoint == "" {
				return nil
			}
			archive, err := openArchive(&c.cfg.S3, s3Scheme)
			if err != nil {
				return err
			}
			_, err = lake.Rewrite(ctx, archive, first, before, ofSite(site.WebsiteID))
			return err
		})
		if err != nil {
			return err
		}
		if events > 0 {
			c.logger.Info("events past their site's retention are gone", "site", site.WebsiteID, "before", before.Format(time.DateOnly), "events", events)
		}
	}
	return nil
}

// keptFrom returns the day (UTC) before which a site keeps no events, where it keeps less than the installation.
func keptFrom(site *event.Site, installation int, now time.Time) (day time.Time, ok bool) {
	months := monthsOf(site, installation)
	if months == installation {
		return time.Time{}, false
	}
	return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -31*months), true
}

func ofSite(websiteID string) func(*lake.Row) bool {
	return func(row *lake.Row) bool { return row.WebsiteID == websiteID }
}

// expireLake does so for the archive of a cluster, in the process that leads.
func (c *cluster) expireLake(ctx context.Context) error {
	files, err := expireArchive(ctx, &c.cfg, s3Scheme, time.Now())
	if files > 0 {
		c.logger.Info("days past their retention are gone from the archive", "files", files)
	}
	return err
}

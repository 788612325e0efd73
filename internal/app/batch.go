package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/batch"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/obs"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/internal/store/druid"
)

var (
	_ batch.Store   = storeForBatch{}
	_ batch.Rollups = rollupsForBatch{}
	_ batch.Objects = (*object.S3Store)(nil)
	_ batch.Runner  = (*batch.Spark)(nil)
)

// batchJob is the name under which one process leads the daily job, and under which it says how it is.
const batchJob = "batch"

// ErrBatchElsewhere: another process makes days at present.
var ErrBatchElsewhere = errors.New("another process leads the daily job")

// storeForBatch shows the event store as the daily job wants it.
type storeForBatch struct{ *clickhouse.Store }

func (s storeForBatch) Days(ctx context.Context, from, to time.Time) ([]batch.DayState, error) {
	states, err := s.DayStates(ctx, from, to)
	days := make([]batch.DayState, len(states))
	for i, d := range states {
		days[i] = batch.DayState{SiteDay: batch.SiteDay{WebsiteID: d.WebsiteID, Day: d.Day}, Changes: d.Changes, Rolled: d.Rolled, Events: d.Events}
	}
	return days, err
}

func (s storeForBatch) Tallies(ctx context.Context, from, to time.Time) (map[batch.SiteDay]batch.Tally, error) {
	days, err := s.DayTallies(ctx, from, to)
	tallies := make(map[batch.SiteDay]batch.Tally, len(days))
	for _, d := range days {
		tallies[batch.SiteDay{WebsiteID: d.WebsiteID, Day: d.Day}] = batch.Tally{Events: d.Events, Checksum: d.Checksum}
	}
	return tallies, err
}

func (s storeForBatch) Sessions(ctx context.Context, from, to, ending time.Time, yield func(*event.Session) error) error {
	return s.StartedSessions(ctx, from, to, ending, yield)
}

func (s storeForBatch) Repair(ctx context.Context, run time.Time, changes []event.SessionChange) error {
	return s.RepairSessions(ctx, run, changes)
}

func (s storeForBatch) Mark(ctx context.Context, days []batch.DayState) error {
	rolled := make([]clickhouse.RolledDay, len(days))
	for i, d := range days {
		rolled[i] = clickhouse.RolledDay{WebsiteID: d.WebsiteID, Day: d.Day, Changes: d.Rolled, Events: d.Events}
	}
	return s.MarkRolled(ctx, rolled)
}

// rollupsForBatch gives the rows of days to Druid.
type rollupsForBatch struct{ store *druid.Store }

func (r rollupsForBatch) Replace(ctx context.Context, datasource string, days batch.Range, uris []string) error {
	return r.store.Replace(ctx, druid.Replacement{Datasource: datasource, From: days.From, To: days.To, URIs: uris})
}

// openBatch makes the daily job and its schedule. Nothing is asked for: S3 and Druid may be away.
func (c *cluster) openBatch() error {
	if !c.cfg.Batches() {
		return nil
	}
	objects, err := object.OpenS3(s3Options(&c.cfg.S3))
	if err != nil {
		return err
	}
	b := &c.cfg.Batch
	made := batch.New(batch.Options{
		Objects: objects, Archive: objects, Store: storeForBatch{c.store}, Rollups: rollupsForBatch{c.druid}, Logger: c.logger, Spark: c.spark(),
	})
	host, _ := os.Hostname() // "" when it has no name
	c.schedule = batch.NewSchedule(batch.ScheduleOptions{
		Batch: made, Name: fmt.Sprintf("%s, process %d", host, os.Getpid()),
		Lead: func(ctx context.Context, do func(context.Context) error) (bool, error) {
			return c.users.Lead(ctx, batchJob, do)
		},
		Save:  c.saveBatch,
		After: time.Duration(b.AfterMinutes) * time.Minute, Every: time.Duration(b.EveryMinutes) * time.Minute, MaxDays: b.MaxDays,
	})
	return nil
}

func (c *cluster) spark() *batch.Spark {
	b, s3 := &c.cfg.Batch, &c.cfg.S3
	root := "s3a://" + s3.Bucket
	if s3.Prefix != "" {
		root += "/" + strings.Trim(s3.Prefix, "/")
	}
	return batch.NewSpark(batch.SparkOptions{
		Home: b.SparkHome, Master: b.Master, Memory: b.Memory, Options: b.Options, Work: b.Work, Root: root,
		Endpoint: s3.Endpoint, Region: s3.Region, AccessKey: s3.AccessKey, SecretKey: s3.SecretKey,
	})
}

func (c *cluster) saveBatch(ctx context.Context, state batch.State) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return c.users.SaveJob(ctx, batchJob, text)
}

func (c *cluster) watchBatch(m *obs.Registry) {
	s := c.schedule
	if s == nil {
		return
	}
	m.Gauge("footfall_batch_leads", "1 where this process leads the daily job.", nil, func() float64 {
		if s.Leads() {
			return 1
		}
		return 0
	})
	m.Counter("footfall_batch_runs_total", "Runs of the daily job in this process.", nil, func() float64 { return float64(s.Runs()) })
	m.Counter("footfall_batch_failures_total", "Runs of the daily job in this process that failed.", nil, func() float64 { return float64(s.Failures()) })
	m.Gauge("footfall_batch_dirty_days", "Finished days of sites whose rollups are not up to date, as this process saw last while it led.", nil, func() float64 { return float64(s.State().Dirty) })
	m.Gauge("footfall_batch_last_run_seconds", "How long the last run that did not fail took.", nil, func() float64 {
		if last := s.State().Last; last != nil {
			return last.Seconds
		}
		return 0
	})
}

// RunBatch makes the days from one date to another anew, both included. It needs the role batch.
func (a *App) RunBatch(ctx context.Context, first, last time.Time) (report *batch.Report, err error) {
	c, err := a.batching()
	if err != nil {
		return nil, err
	}
	days, err := batch.Days(first, last)
	if err != nil {
		return nil, err
	}
	led, err := c.users.Lead(ctx, batchJob, func(ctx context.Context) (err error) {
		report, err = c.schedule.Batch.Run(ctx, days)
		return err
	})
	if err == nil && !led {
		err = ErrBatchElsewhere
	}
	return report, err
}

// BatchStatus returns what the daily job's leader said last, as JSON.
func (a *App) BatchStatus(ctx context.Context) (json.RawMessage, error) {
	return batchForAPI{a.accounts}.BatchStatus(ctx)
}

// batchForAPI reads what the leader, which may be another process, has said.
type batchForAPI struct{ accounts *account.Store }

func (b batchForAPI) BatchStatus(ctx context.Context) (json.RawMessage, error) {
	state, err := b.accounts.Job(ctx, batchJob)
	if errors.Is(err, account.ErrNotFound) {
		return json.RawMessage(`{}`), nil
	}
	return state, err
}

func (a *App) batching() (*cluster, error) {
	c, ok := a.parts.(*cluster)
	if !ok || c.schedule == nil {
		return nil, errors.New("the daily job is not set up here: docs/cluster.md, \"The daily job\"")
	}
	return c, nil
}

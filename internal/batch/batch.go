package batch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/store"
)

// Store is the event store: what it holds of days, its sessions, and which days are rolled.
type Store interface {
	// Days returns the days of all sites in [from, to) of which anything was ever written.
	Days(ctx context.Context, from, to time.Time) ([]DayState, error)
	// Tallies counts the events between two times by site and day.
	Tallies(ctx context.Context, from, to time.Time) (map[SiteDay]Tally, error)
	// Sessions calls yield for the sessions that start in [from, to) and end at or behind ending, in the order of compare.
	Sessions(ctx context.Context, from, to, ending time.Time, yield func(*event.Session) error) error
	// Repair writes changes of sessions that win over whatever was written of them before by others, or by an earlier run.
	Repair(ctx context.Context, run time.Time, changes []event.SessionChange) error
	// Mark remembers what the rollups hold of days.
	Mark(ctx context.Context, days []DayState) error
	// Kept returns the first days whose events are all kept.
	Kept(ctx context.Context) (store.Kept, error)
}

// Rollups is where the rollups by the minute go.
type Rollups interface {
	// Replace gives whole days of a datasource, at most MaxReplaced, other rows; it returns when queries see them.
	Replace(ctx context.Context, datasource string, days Range, uris []string) error
}

// Runner runs the daily job; *Spark is one.
type Runner interface {
	Run(ctx context.Context, job Job) error
}

// MaxReplaced is the most days that are replaced at once.
const MaxReplaced = 31

// datasources are what the job makes for Rollups, by the names of their folders.
var datasources = [...]string{"page_views", "sources"}

// SiteDay is a day of a site, UTC.
type SiteDay struct {
	WebsiteID string
	Day       time.Time
}

// DayState is what is known of a site's day without reading events.
type DayState struct {
	SiteDay
	Changes uint64 // grows with all that is written of the day
	Rolled  uint64 // the Changes that the rollups hold; 0: none
	Events  uint64 // that the rollups were made of
}

// Clean reports whether the rollups say what the events say.
func (d *DayState) Clean() bool { return d.Changes == d.Rolled }

// Tally is how many events there are, and a sum over what places them.
type Tally struct {
	Events   int64
	Checksum uint64
}

// Options of a Batch. All but the last two are needed.
type Options struct {
	Objects Objects
	Archive lake.Store
	Spark   Runner
	Rollups Rollups
	Store   Store
	Clock   func() time.Time // default time.Now
	Logger  *slog.Logger     // default slog.Default()
}

// Batch makes days. One Run at a time: of all processes one may run, see Schedule.
type Batch struct{ Options }

// New returns a batch.
func New(o Options) *Batch {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Batch{o}
}

// Report is what a run did.
type Report struct {
	From     string    `json:"from"`
	To       string    `json:"to"` // the last day
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	Days     int       `json:"days"`     // of sites, in the range
	Rolled   int       `json:"rolled"`   // of which the rollups say now what the events say
	Repaired int       `json:"repaired"` // sessions
	Left     []string  `json:"left"`     // days of sites that stay dirty, and why; the first hundred
}

const maxLeft = 100

func (r *Report) leave(day SiteDay, why string) {
	if len(r.Left) < maxLeft {
		r.Left = append(r.Left, fmt.Sprintf("%s of site %q: %s", day.Day.Format(time.DateOnly), day.WebsiteID, why))
	}
}

// ErrOpen refuses days that have not ended.
var ErrOpen = errors.New("the day has not ended")

var errExpiring = errors.New("a site keeps less than at the start of the run")

// Run makes the days of a range anew and marks those that agree everywhere. It may be ended at any point and called again: what it
// leaves undone is dirty, and read from the event store. Its files are gone at the end.
func (b *Batch) Run(ctx context.Context, days Range) (*Report, error) {
	started := b.Clock()
	if days.To.After(started) {
		return nil, fmt.Errorf("cannot make the days %v: %w", days, ErrOpen)
	}
	kept, err := b.Store.Kept(ctx)
	if err != nil {
		return nil, err
	}
	days.From = later(days.From, kept.All) // what has no events any more is as it is for good
	report := &Report{From: days.From.Format(time.DateOnly), To: days.Last().Format(time.DateOnly), Started: started, Left: []string{}}
	if !days.From.Before(days.To) {
		return report, nil
	}
	err = b.run(ctx, days, kept, report)
	report.Seconds = b.Clock().Sub(started).Seconds()
	if err != nil {
		return report, fmt.Errorf("cannot make the days %v: %w", days, err)
	}
	b.Logger.Info("days are made", "from", report.From, "to", report.To, "rolled", report.Rolled, "left", report.Days-report.Rolled, "repaired", report.Repaired, "seconds", report.Seconds)
	return report, nil
}

func (b *Batch) run(ctx context.Context, days Range, kept store.Kept, report *Report) error {
	states, err := b.Store.Days(ctx, days.From, days.To)
	if err != nil {
		return err
	}
	sealed := sealedDays(states, kept)
	for _, d := range states {
		if owner := sealed[d.Day]; owner != "" && !d.Clean() && !d.Day.Before(kept.Of(d.WebsiteID)) {
			report.Days++
			report.leave(d.SiteDay, fmt.Sprintf("site %q keeps its events no longer that its rollups of that day were made of, and they are replaced together", owner))
		}
	}
	open := days.without(sealed)
	if len(open) == 0 {
		return nil
	}
	if err := (Output{b.Objects, "daily"}).Delete(ctx); err != nil { // what a run that was killed has left
		return err
	}
	out := Output{b.Objects, workFolder + report.Started.UTC().Format("20060102T150405.000Z")}
	if err := b.spark(ctx, days, out); err != nil {
		return err
	}
	r := &running{Batch: b, out: out, days: days, kept: kept, report: report}
	for _, run := range open {
		for _, part := range run.parts(MaxReplaced) {
			if err := r.part(ctx, part); err != nil {
				return err
			}
		}
	}
	return out.Delete(ctx)
}

// sealedDays returns the days that cannot be made anew, each with a site whose rollups of it would be lost: it keeps the events no
// longer, and the rows of a day are replaced for all sites together. What changes on such a day is read from the events.
func sealedDays(states []DayState, kept store.Kept) map[time.Time]string {
	sealed := map[time.Time]string{}
	for _, d := range states {
		if d.Rolled > 0 && d.Day.Before(kept.Whole(d.WebsiteID)) {
			sealed[d.Day] = d.WebsiteID
		}
	}
	return sealed
}

// without returns the runs of days that are left when some are taken out.
func (r Range) without(out map[time.Time]string) (left []Range) {
	for _, d := range r.Each() {
		n := len(left)
		switch {
		case out[d] != "":
		case n > 0 && left[n-1].To.Equal(d):
			left[n-1].To = d.Add(day)
		default:
			left = append(left, Range{d, d.Add(day)})
		}
	}
	return left
}

// margin is how far around the days the archive is read: jobs/daily/daily.sql says why.
const margin = day + 30*time.Minute

// spark runs the job, unless the archive has nothing near the days: then there is nothing of them either.
func (b *Batch) spark(ctx context.Context, days Range, out Output) error {
	files, err := lake.Files(ctx, b.Archive, days.From.Add(-2*day), days.To.Add(2*day))
	if err != nil || len(files) == 0 {
		return err
	}
	job := Job{Range: days, Folder: out.Folder}
	for _, f := range files {
		job.Days = append(job.Days, time.UnixMilli(f.Day).UTC().Format(time.DateOnly))
		job.Bytes += f.Size
	}
	slices.Sort(job.Days)
	job.Days = slices.Compact(job.Days)
	return b.Spark.Run(ctx, job)
}

// running is a run behind Spark.
type running struct {
	*Batch
	out    Output
	days   Range
	kept   store.Kept
	report *Report
}

// states returns the days of the sites that have all that they are made of.
func (r *running) states(ctx context.Context, days Range) ([]DayState, error) {
	states, err := r.Store.Days(ctx, days.From, days.To)
	return slices.DeleteFunc(states, func(d DayState) bool { return d.Day.Before(r.kept.Whole(d.WebsiteID)) }), err
}

// part settles some of the days with the event store, puts them into the rollups, and marks them.
func (r *running) part(ctx context.Context, days Range) error {
	settled, err := r.settle(ctx, days)
	if err != nil {
		return err
	}
	// What goes is noted before it goes: what was read up to here is whole if nothing was noted.
	kept, err := r.Store.Kept(ctx)
	if err != nil {
		return err
	}
	if !maps.EqualFunc(kept.Sites, r.kept.Sites, time.Time.Equal) {
		return errExpiring
	}
	if err := r.unmark(ctx, settled); err != nil {
		return err
	}
	for _, datasource := range datasources {
		if err := r.replace(ctx, datasource, days); err != nil {
			return err
		}
	}
	return r.mark(ctx, days, settled)
}

// unmark forgets that days are rolled whose rows, as they are going to be, do not say what the events say.
func (r *running) unmark(ctx context.Context, s *settled) error {
	var days []DayState
	for _, d := range s.states {
		if s.wrong[d.SiteDay] != "" && d.Clean() && d.Changes > 0 {
			days = append(days, DayState{SiteDay: d.SiteDay})
		}
	}
	if len(days) == 0 {
		return nil
	}
	return r.Store.Mark(ctx, days)
}

// urlTime is how long Druid may take to fetch what a run made.
const urlTime = 6 * time.Hour

func (r *running) replace(ctx context.Context, datasource string, days Range) error {
	var uris []string
	for _, day := range days.Each() {
		keys, err := r.out.keys(ctx, datasource, day)
		if err != nil {
			return err
		}
		for _, key := range keys {
			uri, err := r.Objects.Presign(ctx, key, urlTime)
			if err != nil {
				return err
			}
			uris = append(uris, uri)
		}
	}
	return r.Rollups.Replace(ctx, datasource, days, uris)
}

// mark marks the days that were right before the rollups were replaced and have not changed since.
func (r *running) mark(ctx context.Context, days Range, s *settled) error {
	now, err := r.states(ctx, days)
	if err != nil {
		return err
	}
	before := map[SiteDay]uint64{}
	for _, d := range s.states {
		before[d.SiteDay] = d.Changes
	}
	var right []DayState
	for _, d := range now {
		r.report.Days++
		why := s.wrong[d.SiteDay]
		if changes, known := before[d.SiteDay]; why == "" && (!known || changes != d.Changes) {
			why = "it has changed meanwhile"
		}
		if why != "" {
			r.report.leave(d.SiteDay, why)
			continue
		}
		right = append(right, DayState{SiteDay: d.SiteDay, Rolled: d.Changes, Events: uint64(s.tallies[d.SiteDay].Events)})
	}
	r.report.Rolled += len(right)
	if len(right) == 0 {
		return nil
	}
	return r.Store.Mark(ctx, right)
}

// parts cuts a range into runs of at most n days.
func (r Range) parts(n int) (parts []Range) {
	for from := r.From; from.Before(r.To); {
		to := from.Add(time.Duration(n) * day)
		if to.After(r.To) {
			to = r.To
		}
		parts = append(parts, Range{from, to})
		from = to
	}
	return parts
}

package migrate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Options of a run. Source and Target are needed.
type Options struct {
	Source Source
	Target Target
	// RawFrom (ms): days that begin before are left out, as the target would delete them.
	RawFrom int64
	// BlockRows is about how many rows are read, held and committed at once; 0: 20,000.
	BlockRows int
	// Passes is how often both sides are compared at most, while the source goes on changing; 0: 4.
	Passes int
	// Progress is told after every commit and at the start of every pass.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Pass      int    `json:"pass"`
	WebsiteID string `json:"website_id,omitempty"`
	Day       int64  `json:"day,omitempty"` // start, ms
	DaysDone  int    `json:"days_done"`     // of this pass
	Days      int    `json:"days"`
	Copied    Counts `json:"copied"` // by this run
}

// Counts are numbers of rows.
type Counts struct {
	Events   int64 `json:"events"`
	Sessions int64 `json:"sessions"`
}

// Result is what a run has done, and found in its last pass.
type Result struct {
	Passes  int
	Copied  Counts
	Days    []DayResult // ordered by site and day
	LeftOut LeftOut
}

// DayResult is a day as the last pass found it, before it copied what was missing.
type DayResult struct {
	Day
	Here, There Counts // There: how many of the source's rows the target holds
	// Agrees: the target lacks nothing. Moving: it does, and the source has changed since the pass before.
	Agrees, Moving bool
}

// LeftOut counts what is older than the target keeps.
type LeftOut struct {
	Days   int   `json:"days"`
	Events int64 `json:"events"`
}

// Run copies until a pass finds nothing missing, or the passes are used up. After an error it may be called again: it goes on.
func Run(ctx context.Context, options Options) (*Result, error) {
	options.BlockRows, options.Passes = cmp.Or(options.BlockRows, 20_000), cmp.Or(options.Passes, 4)
	if options.Progress == nil {
		options.Progress = func(Progress) {}
	}
	r := &run{Options: options, result: &Result{}}
	for r.result.Passes < r.Passes {
		r.result.Passes++
		complete, err := r.pass(ctx)
		if err != nil {
			return nil, fmt.Errorf("cannot copy the events (pass %d): %w", r.result.Passes, err)
		}
		if complete {
			break
		}
	}
	return r.result, nil
}

// run is one call of Run.
type run struct {
	Options
	result   *Result
	before   map[Day]Tallies // of the pass before
	progress Progress
}

// pass compares every day and copies what is missing; complete reports that nothing was.
func (r *run) pass(ctx context.Context) (complete bool, err error) {
	here, err := r.Source.Days(ctx)
	if err != nil {
		return false, err
	}
	r.result.Days, r.result.LeftOut = nil, LeftOut{}
	days := slices.SortedFunc(maps.Keys(here), func(a, b Day) int {
		return cmp.Or(cmp.Compare(a.WebsiteID, b.WebsiteID), cmp.Compare(a.Start, b.Start))
	})
	r.progress = Progress{Pass: r.result.Passes, Days: len(days), Copied: r.result.Copied}
	r.Progress(r.progress)
	complete = true
	for len(days) > 0 {
		n := 1
		for n < len(days) && days[n].WebsiteID == days[0].WebsiteID {
			n++
		}
		done, err := r.site(ctx, days[:n], here)
		if err != nil {
			return false, fmt.Errorf("site %q: %w", days[0].WebsiteID, err)
		}
		complete = complete && done
		days = days[n:]
	}
	r.before = here
	return complete, nil
}

// site copies the days of one site. Small days share a commit: what is written is what is missing, whatever a commit holds.
func (r *run) site(ctx context.Context, days []Day, here map[Day]Tallies) (complete bool, err error) {
	websiteID := days[0].WebsiteID
	there, err := r.Target.Days(ctx, websiteID)
	if err != nil {
		return false, err
	}
	complete = true
	b := newBlock()
	for _, day := range days {
		r.progress.WebsiteID, r.progress.Day = websiteID, day.Start
		r.progress.DaysDone++
		if day.Start < r.RawFrom {
			r.leaveOut(here[day])
			continue
		}
		result := DayResult{Day: day, Agrees: true}
		if tallies := here[day]; tallies == there[day.Start] {
			result.Here = Counts{tallies.Events.Rows, tallies.Sessions.Rows}
			result.There = result.Here
		} else if b, err = r.day(ctx, &result, b); err != nil {
			return false, err
		}
		result.Moving = !result.Agrees && r.before != nil && r.before[day] != here[day]
		complete = complete && result.Agrees
		r.result.Days = append(r.result.Days, result)
	}
	_, err = r.commit(ctx, websiteID, b)
	return complete, err
}

func (r *run) leaveOut(t Tallies) {
	if t.Events.Rows > 0 {
		r.result.LeftOut.Days++
		r.result.LeftOut.Events += t.Events.Rows
	}
}

// day compares a day slice by slice and returns the block to go on with.
func (r *run) day(ctx context.Context, result *DayResult, b *block) (*block, error) {
	parts, err := r.Source.Slices(ctx, result.Day, r.BlockRows)
	if err != nil {
		return b, err
	}
	for _, slice := range parts {
		there, err := r.Target.Present(ctx, slice)
		if err != nil {
			return b, err
		}
		here, err := r.Source.Read(ctx, slice)
		if err != nil {
			return b, err
		}
		l := missing(here, there)
		result.note(here, l)
		b.add(l)
		if b.rows() >= r.BlockRows {
			if b, err = r.commit(ctx, result.WebsiteID, b); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}

// note counts a slice.
func (d *DayResult) note(here *Rows, l *lack) {
	events, sessions := int64(len(here.Events)), int64(len(here.Sessions))
	d.Here.Events += events
	d.Here.Sessions += sessions
	d.There.Events += events - int64(len(l.events))
	d.There.Sessions += sessions - int64(len(l.sessions)) + int64(len(l.withdrawals))
	d.Agrees = d.Agrees && l.empty()
}

// commit stores a block and returns the next one.
func (r *run) commit(ctx context.Context, websiteID string, b *block) (*block, error) {
	if b.rows() == 0 {
		return b, nil
	}
	for row, n := range b.counts {
		row.Count = n
		b.batch.Ledger = append(b.batch.Ledger, row)
	}
	slices.SortFunc(b.batch.Ledger, func(a, b event.LedgerRow) int {
		return cmp.Or(cmp.Compare(a.Minute, b.Minute), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	if err := r.Target.Commit(ctx, websiteID, &b.batch); err != nil {
		return b, err
	}
	r.result.Copied.Events += int64(len(b.batch.Events))
	r.result.Copied.Sessions += int64(len(b.batch.Sessions))
	r.progress.Copied = r.result.Copied
	r.Progress(r.progress)
	return newBlock(), nil
}

package batch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ScheduleOptions of a Schedule. Batch, Lead and Save are needed.
type ScheduleOptions struct {
	Batch *Batch
	// Lead runs do when no other process leads, and returns whether it did; the context of do ends when the lead is lost.
	Lead func(ctx context.Context, do func(ctx context.Context) error) (led bool, err error)
	// Save keeps the state where others can read it.
	Save func(ctx context.Context, state State) error
	Name string // of this process

	After   time.Duration // how long after its end a day is made by itself; 0: an hour
	Every   time.Duration // how often it is looked for days; 0: 5 minutes
	MaxDays int           // of one run; 0: 31
	Backoff time.Duration // before days that stay dirty are tried again, doubled each time up to 6 hours; 0: 5 minutes
}

func (o *ScheduleOptions) setDefaults() {
	if o.After <= 0 {
		o.After = time.Hour
	}
	if o.Every <= 0 {
		o.Every = 5 * time.Minute
	}
	if o.MaxDays <= 0 {
		o.MaxDays = 31
	}
	if o.Backoff <= 0 {
		o.Backoff = 5 * time.Minute
	}
}

const maxBackoff = 6 * time.Hour

// State is what a schedule has to say.
type State struct {
	Leader   string    `json:"leader"`
	At       time.Time `json:"at"` // when it was said
	Running  string    `json:"running,omitempty"`
	Dirty    int       `json:"dirty"`    // finished days of sites whose rollups are not up to date
	Oldest   string    `json:"oldest"`   // the oldest of those days, "" without one
	Failures int       `json:"failures"` // runs that failed, since the last one that did not
	Error    string    `json:"error"`    // of the last failure; "" after a run that did not fail
	Last     *Report   `json:"last,omitempty"`
}

// Schedule makes the finished days that are dirty, newest first, in the one process that leads.
type Schedule struct {
	ScheduleOptions
	state  State                  // of the leader alone
	delays map[time.Time]dayDelay // of days that stayed dirty

	mu     sync.Mutex // guards shown
	shown  State
	leads  atomic.Bool
	runs   atomic.Int64
	failed atomic.Int64
}

// dayDelay holds a day back that was made in vain.
type dayDelay struct {
	tries int
	until time.Time
}

// NewSchedule returns a schedule.
func NewSchedule(o ScheduleOptions) *Schedule {
	o.setDefaults()
	return &Schedule{ScheduleOptions: o, delays: map[time.Time]dayDelay{}}
}

// Leads reports whether this process leads at present; State is what it said last, Runs and Failures count its runs.
func (s *Schedule) Leads() bool     { return s.leads.Load() }
func (s *Schedule) Runs() int64     { return s.runs.Load() }
func (s *Schedule) Failures() int64 { return s.failed.Load() }

// State returns what this process said last.
func (s *Schedule) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}

// Run leads whenever no other process does, until ctx ends.
func (s *Schedule) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		_, err := s.Lead(ctx, s.lead)
		s.leads.Store(false)
		if err != nil && ctx.Err() == nil {
			s.Batch.Logger.Warn("the daily job is not led by this process for now", "error", err)
		}
		sleep(ctx, s.Every)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// lead makes days until ctx ends. What goes wrong with days is kept in the state and tried again later.
func (s *Schedule) lead(ctx context.Context) error {
	s.leads.Store(true)
	for ctx.Err() == nil {
		made, err := s.step(ctx)
		if err != nil {
			return err
		}
		if !made {
			sleep(ctx, s.Every)
		}
	}
	return ctx.Err()
}

// step makes the next days; false when there are none.
func (s *Schedule) step(ctx context.Context) (made bool, err error) {
	now := s.Batch.Clock()
	dirty, err := s.dirty(ctx, now)
	if err != nil {
		return false, err
	}
	days, ok := s.next(dirty, now)
	if !ok {
		return false, s.tell(ctx)
	}
	s.state.Running = days.String()
	if err := s.tell(ctx); err != nil {
		return false, err
	}
	report, err := s.Batch.Run(ctx, days)
	s.state.Running = ""
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	s.runs.Add(1)
	if s.state.Error = ""; err != nil {
		s.failed.Add(1)
		s.state.Failures++
		s.state.Error = err.Error()
		s.Batch.Logger.Error("days are not made", "days", days.String(), "failures", s.state.Failures, "error", err)
	} else {
		s.state.Failures, s.state.Last = 0, report
	}
	left, err := s.dirty(ctx, now)
	if err != nil {
		return true, err
	}
	s.delay(days, left, s.Batch.Clock())
	return true, s.tell(ctx)
}

// dirty returns the finished days of which a site's rollups are not up to date, ascending, and counts them.
func (s *Schedule) dirty(ctx context.Context, now time.Time) (days []time.Time, err error) {
	kept, err := s.Batch.Store.Kept(ctx)
	if err != nil {
		return nil, err
	}
	states, err := s.Batch.Store.Days(ctx, kept.All, now.Add(-s.After).UTC().Truncate(day))
	if err != nil {
		return nil, err
	}
	s.state.Dirty, s.state.Oldest = 0, ""
	sealed := sealedDays(states, kept)
	for _, d := range states {
		if !d.Clean() && sealed[d.Day] == "" && !d.Day.Before(kept.Whole(d.WebsiteID)) {
			s.state.Dirty++
			days = append(days, d.Day)
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	days = slices.Compact(days)
	if len(days) > 0 {
		s.state.Oldest = days[0].Format(time.DateOnly)
	}
	return days, nil
}

// next returns the newest run of days that are not held back.
func (s *Schedule) next(dirty []time.Time, now time.Time) (days Range, ok bool) {
	for _, d := range slices.Backward(dirty) {
		switch {
		case s.delays[d].until.After(now):
			if ok {
				return days, true
			}
		case !ok:
			days, ok = Range{d, d.Add(day)}, true
		case !d.Add(day).Equal(days.From) || len(days.Each()) >= s.MaxDays:
			return days, true
		default:
			days.From = d
		}
	}
	return days, ok
}

// delay holds the days of a run that are dirty behind it back, longer each time, and forgets the others.
func (s *Schedule) delay(days Range, dirty []time.Time, now time.Time) {
	for _, d := range days.Each() {
		if _, still := slices.BinarySearchFunc(dirty, d, time.Time.Compare); !still {
			delete(s.delays, d)
			continue
		}
		tries := s.delays[d].tries
		s.delays[d] = dayDelay{tries + 1, now.Add(min(s.Backoff<<min(tries, 10), maxBackoff))}
	}
}

// tell shows the state, here and elsewhere.
func (s *Schedule) tell(ctx context.Context) error {
	s.state.Leader, s.state.At = s.Name, s.Batch.Clock().UTC()
	s.mu.Lock()
	s.shown = s.state
	s.mu.Unlock()
	if err := s.Save(ctx, s.state); err != nil {
		return fmt.Errorf("cannot keep the state of the daily job: %w", err)
	}
	return nil
}

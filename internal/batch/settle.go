package batch

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// settled is what the event store held of some days at one moment, compared with what Spark read and made of them.
type settled struct {
	kept    store.Kept
	states  []DayState
	tallies map[SiteDay]Tally
	wrong   map[SiteDay]string // why the day must not be marked
	repairs []event.SessionChange
}

// settlePasses bounds how often days are compared anew because their sessions were repaired.
const settlePasses = 3

// settle compares the days, and repairs the sessions of those of which Spark has read all that the event store holds. A repair is
// a change: what is compared then is the state after it.
func (r *running) settle(ctx context.Context, days Range) (*settled, error) {
	for pass := 1; ; pass++ {
		s, err := r.compare(ctx, days)
		if err != nil || len(s.repairs) == 0 || pass == settlePasses {
			return s, err
		}
		if err := r.Store.Repair(ctx, r.report.Started, s.repairs); err != nil {
			return nil, err
		}
		r.report.Repaired += len(s.repairs)
	}
}

// compare reads the changes first: what is written while the rest is read shows as a change when days are marked.
func (r *running) compare(ctx context.Context, days Range) (*settled, error) {
	s := &settled{kept: r.kept, wrong: map[SiteDay]string{}}
	var err error
	if s.states, err = r.states(ctx, days); err != nil {
		return nil, err
	}
	// Both sides count the same stretch, with the days beside these that decide whether a session may be repaired: at the ends of the run
	// what Spark has read of them.
	from, to := later(days.From.Add(-2*day), r.days.From.Add(-margin)), earlier(days.To.Add(2*day), r.days.To.Add(margin))
	if s.tallies, err = r.Store.Tallies(ctx, from, to); err != nil {
		return nil, err
	}
	counted, err := r.counted(ctx, from, to)
	if err != nil {
		return nil, err
	}
	differs := tellApart(s.tallies, counted)
	for key := range differs {
		if !key.Day.Before(days.From) && key.Day.Before(days.To) {
			s.wrong[key] = fmt.Sprintf("the event store has %d events, the archive %d", s.tallies[key].Events, counted[key].Events)
		}
	}
	// Sessions that run into the first day come with the day before it.
	for at := days.From.Add(-day); at.Before(days.To); at = at.Add(day) {
		if err := r.sessions(ctx, s, differs, days, at); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// counted returns what Spark has read of the days that [from, to) meets.
func (r *running) counted(ctx context.Context, from, to time.Time) (map[SiteDay]Tally, error) {
	all := map[SiteDay]Tally{}
	for at := from.Truncate(day); at.Before(to); at = at.Add(day) {
		counts, err := r.out.Counts(ctx, at)
		if err != nil {
			return nil, err
		}
		for site, c := range counts {
			all[SiteDay{site, at}] = Tally{c.Events, c.Checksum}
		}
	}
	return all, nil
}

// tellApart returns the days of which the sides hold different events.
func tellApart(a, b map[SiteDay]Tally) map[SiteDay]bool {
	differs := map[SiteDay]bool{}
	for key, tally := range a {
		if b[key] != tally {
			differs[key] = true
		}
	}
	for key, tally := range b {
		if a[key] != tally {
			differs[key] = true
		}
	}
	return differs
}

// sessions compares the sessions that start on a day.
func (r *running) sessions(ctx context.Context, s *settled, differs map[SiteDay]bool, days Range, at time.Time) error {
	made, err := r.out.Sessions(ctx, at)
	if err != nil {
		return err
	}
	ending := at
	if at.Before(days.From) {
		ending = days.From
	}
	passed := func(before func(*event.Session) bool) error { // what Spark has and the event store has not
		for next := made.Peek(); next != nil && before(next); next = made.Peek() {
			if next.End >= ending.UnixMilli() {
				s.differ(differs, days, &event.SessionChange{Session: *next})
			}
			if err := made.Advance(); err != nil {
				return err
			}
		}
		return nil
	}
	err = r.Store.Sessions(ctx, at, at.Add(day), ending, func(stored *event.Session) error {
		if err := passed(func(next *event.Session) bool { return compare(next, stored) < 0 }); err != nil {
			return err
		}
		next := made.Peek()
		if next == nil || compare(next, stored) != 0 {
			s.differ(differs, days, &event.SessionChange{Session: *stored, Withdrawn: true})
			return nil
		}
		if !reflect.DeepEqual(next, stored) {
			s.differ(differs, days, &event.SessionChange{Session: *next})
		}
		return made.Advance()
	})
	if err == nil {
		err = passed(func(*event.Session) bool { return true })
	}
	return errors.Join(err, made.Close())
}

// differ notes a session that is not as Spark says, and what would make it so. That is done only where both sides hold the same
// events of all days that the session depends on; else it may be Spark that has not read everything.
func (s *settled) differ(differs map[SiteDay]bool, days Range, change *event.SessionChange) {
	started := time.UnixMilli(change.Start).UTC().Truncate(day)
	complete := !started.Before(s.kept.Whole(change.WebsiteID))
	for at := started.Add(-2 * day); !at.After(started.Add(2 * day)); at = at.Add(day) {
		complete = complete && !differs[SiteDay{change.WebsiteID, at}]
	}
	for at := started; !at.After(started.Add(day)); at = at.Add(day) { // no session runs into a third day
		key := SiteDay{change.WebsiteID, at}
		if !at.Before(days.From) && at.Before(days.To) && s.wrong[key] == "" && change.End >= at.UnixMilli() {
			s.wrong[key] = "sessions differ"
		}
	}
	if complete {
		s.repairs = append(s.repairs, *change)
	}
}

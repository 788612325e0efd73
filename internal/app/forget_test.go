package app

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
)

// rolledDays is a store of one erasure, with the days it took events from and what their rollups hold.
type rolledDays struct {
	report store.ErasureReport
	days   []time.Time
	states []clickhouse.DayState
	kept   time.Time
	puts   int
}

func (r *rolledDays) Erasures(context.Context, string) ([]store.ErasureReport, error) {
	report := r.report
	report.Proofs = append([]store.Proof(nil), report.Proofs...)
	return []store.ErasureReport{report}, nil
}

func (r *rolledDays) PutProof(_ context.Context, id string, p store.Proof) error {
	for i := range r.report.Proofs {
		if r.report.Proofs[i].Part == p.Part && id == r.report.ID {
			r.report.Proofs[i] = p
			r.puts++
		}
	}
	return nil
}

func (r *rolledDays) ErasedDays(context.Context, string) ([]time.Time, error) {
	return append([]time.Time(nil), r.days...), nil
}

func (r *rolledDays) DayStates(_ context.Context, from, to time.Time) (states []clickhouse.DayState, err error) {
	for _, s := range r.states {
		if !s.Day.Before(from) && s.Day.Before(to) {
			states = append(states, s)
		}
	}
	return states, nil
}

func (r *rolledDays) Kept(context.Context) (store.Kept, error) { return store.Kept{All: r.kept}, nil }

// TestRollupsAreProven: an erasure is proven once the days that it touched have been made anew, and again when it took more.
func TestRollupsAreProven(t *testing.T) {
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	state := func(site string, n int, changes, rolled uint64) clickhouse.DayState {
		return clickhouse.DayState{WebsiteID: site, Day: day(n), Changes: changes, Rolled: rolled}
	}
	r := &rolledDays{kept: day(2), days: []time.Time{day(1), day(5), day(7), day(20)}}
	r.report = store.ErasureReport{Erased: event.Erased{ID: "e", WebsiteID: "s", AskedAt: now.UnixMilli()}, Proofs: []store.Proof{{Part: "events"}, {Part: partRollups}}}
	r.states = []clickhouse.DayState{state("s", 1, 9, 1), state("s", 5, 4, 4), state("s", 6, 3, 1), state("s", 7, 5, 4), state("t", 5, 2, 1), state("s", 20, 7, 0)}
	check := func(when string, want store.Proof, puts int) {
		t.Helper()
		want.Part = partRollups
		before := r.puts
		if err := proveRollups(context.Background(), r, now); err != nil {
			t.Fatal(err)
		}
		if got := r.report.Proofs[1]; !reflect.DeepEqual(got, want) || r.puts-before != puts {
			t.Errorf("%s: %+v after %d writes, want %+v", when, got, r.puts-before, want)
		}
	}
	check("not applied", store.Proof{}, 0)
	r.report.AppliedAt = now.UnixMilli()
	check("one day of two is dirty", store.Proof{Found: 2, Removed: 1, Left: 1}, 1)
	check("nothing has changed", store.Proof{Found: 2, Removed: 1, Left: 1}, 0)
	r.states[3].Rolled = 5
	first := now.UnixMilli()
	check("both are made anew", store.Proof{Found: 2, Removed: 2, VerifiedAt: first}, 1)
	now = now.Add(time.Hour)
	check("nothing has changed", store.Proof{Found: 2, Removed: 2, VerifiedAt: first}, 0)
	now = now.AddDate(0, 0, 1)
	check("the day of the erasure is over", store.Proof{Found: 2, Removed: 2, VerifiedAt: first}, 0)
	r.days, r.states[2].Rolled = append(r.days, day(6)), 2
	check("late events of another day went", store.Proof{Found: 3, Removed: 2, Left: 1}, 1)
	touched := r.days
	r.days = nil // notes are kept for a month
	check("nobody knows the days any more", store.Proof{Found: 3, Removed: 2, Left: 1}, 0)
	r.days = touched
	r.states[2].Rolled = 3
	check("it is made anew", store.Proof{Found: 3, Removed: 3, VerifiedAt: now.UnixMilli()}, 1)
	verified := now.UnixMilli()
	now, r.days = now.AddDate(0, 1, 0), nil
	check("long behind", store.Proof{Found: 3, Removed: 3, VerifiedAt: verified}, 0)
}

package account_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
)

// TestOneLeads: of two processes one leads, the other one when it has ended, or when its connection is cut.
func TestOneLeads(t *testing.T) {
	p := account.OnPostgres(t)
	a, b := two(t, p)
	nothing := func(context.Context) error { return nil }
	led, err := a.Lead(t.Context(), "job", func(context.Context) error {
		if led, err := b.Lead(t.Context(), "job", nothing); led || err != nil {
			t.Errorf("while the other leads: %v, %v", led, err)
		}
		if led, err := b.Lead(t.Context(), "another job", nothing); !led || err != nil {
			t.Errorf("another job: %v, %v", led, err)
		}
		return errors.New("done")
	})
	if !led || err == nil || err.Error() != "done" {
		t.Errorf("the first: %v, %v", led, err)
	}
	eventually(t, "the lead of the second", func() bool { led, err := b.Lead(t.Context(), "job", nothing); return led && err == nil })
}

func TestStateOfJobs(t *testing.T) {
	p := account.OnPostgres(t)
	a, b := two(t, p)
	if _, err := a.Job(t.Context(), "job"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("a job that has said nothing: %v", err)
	}
	for i := range 2 {
		want := fmt.Sprintf(`{"n":%d}`, i)
		if err := a.SaveJob(t.Context(), "job", []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Job(t.Context(), "job"); err != nil || string(got) != want {
			t.Errorf("the state is %s, %v; want %s", got, err, want)
		}
	}
}

// TestLostLead: the leader hears that its connection is gone.
func TestLostLead(t *testing.T) {
	p := account.OnPostgres(t)
	a, _ := two(t, p)
	led, err := a.Lead(t.Context(), "job", func(ctx context.Context) error {
		p.Drop(t)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(30 * time.Second):
			return errors.New("the context does not end")
		}
	})
	if !led || !errors.Is(err, account.ErrUnavailable) {
		t.Errorf("a lost lead: %v, %v", led, err)
	}
}

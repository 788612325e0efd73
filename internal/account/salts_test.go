package account_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
)

// openNow returns a Store whose clock is the system's: that of PostgreSQL cannot be moved.
func openNow(t *testing.T, p *account.Place) *account.Store {
	t.Helper()
	s, err := account.Open(p.In(account.Options{Logger: slog.New(slog.DiscardHandler)}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func today() int64 { return time.Now().UnixMilli() / event.DayMillis }

func salt(purpose string, day int64, secret byte) event.Salt {
	return event.Salt{Purpose: purpose, Day: day, Secret: [16]byte{secret}}
}

func settle(t *testing.T, s *account.Store, oldest int64, offers ...event.Salt) []event.Salt {
	t.Helper()
	kept, err := s.SettleSalts(context.Background(), oldest, offers)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(kept, func(a, b event.Salt) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return kept
}

func TestSalts(t *testing.T) { account.OnEach(t, salts) }

func salts(t *testing.T, p *account.Place) {
	s, day := openNow(t, p), today()
	first, imports, old := salt(event.SaltVisitors, day, 1), salt(event.SaltImports, day, 2), salt(event.SaltVisitors, day-1, 3)
	want := []event.Salt{imports, old, first}
	if kept := settle(t, s, day-1, first, imports, old); !slices.Equal(kept, want) {
		t.Errorf("kept %v", kept)
	}
	// The first salt of a day stays, and one that has lived for 48 h is not taken.
	if kept := settle(t, s, day-1, salt(event.SaltVisitors, day, 9), salt(event.SaltVisitors, day-2, 9)); !slices.Equal(kept, want) {
		t.Errorf("kept %v", kept)
	}
	s.Close()
	s = openNow(t, p)
	if kept := settle(t, s, 0); !slices.Equal(kept, want) {
		t.Errorf("after a restart: %v", kept)
	}
	// A door whose clock is far ahead destroys nothing that lives, and brings nothing.
	if kept := settle(t, s, day+10); !slices.Equal(kept, want) {
		t.Errorf("after a wrong clock: %v", kept)
	}
	if _, err := s.SettleSalts(context.Background(), 0, []event.Salt{salt(event.SaltVisitors, day+2, 4)}); err == nil || strings.Contains(err.Error(), "[4") {
		t.Errorf("a salt of the day after tomorrow: %v", err)
	}
	if kept := settle(t, s, 0, salt(event.SaltVisitors, day+1, 5)); len(kept) != 4 {
		t.Errorf("tomorrow's: %v", kept)
	}
}

// An old salt is destroyed where no door runs, too.
func TestOldSaltsEnd(t *testing.T) {
	p := account.OnPostgres(t)
	s, err := account.Open(p.In(account.Options{Logger: slog.New(slog.DiscardHandler), FlushEvery: 10 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p.Exec(t, `insert into salts (purpose, day, secret) values ('visitors', $1, 'AQAAAAAAAAAAAAAAAAAAAA==')`, today()-2)
	eventually(t, "the end of the salt", func() bool { return len(settle(t, s, 0)) == 0 })
}

func TestProcessesOfferSalts(t *testing.T) {
	p := account.OnPostgres(t)
	stores := []*account.Store{openNow(t, p), openNow(t, p)}
	day := today()
	var mu sync.Mutex
	seen := map[event.Salt]bool{}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			kept := settle(t, stores[i%2], day-1, salt(event.SaltVisitors, day, byte(i)), salt(event.SaltImports, day, byte(i)))
			mu.Lock()
			defer mu.Unlock()
			for _, salt := range kept {
				seen[salt] = true
			}
		})
	}
	group.Wait()
	if len(seen) != 2 {
		t.Errorf("the doors were given %v", seen)
	}
}

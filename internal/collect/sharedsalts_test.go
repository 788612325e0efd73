package collect

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/event"
)

// sharedStore is a store of several doors that can be away.
type sharedStore struct {
	SaltStore
	now  time.Time // its clock
	mu   sync.Mutex
	away bool
}

func (s *sharedStore) SettleSalts(ctx context.Context, oldest int64, offers []event.Salt) ([]event.Salt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errors.New("away")
	}
	return s.SaltStore.SettleSalts(ctx, oldest, offers)
}

func sharedFile(dir string) *sharedStore { return &sharedStore{SaltStore: NewSaltFile(dir)} }

// onEachStore runs the test on a file and on the accounts' database.
func onEachStore(t *testing.T, run func(t *testing.T, store *sharedStore)) {
	t.Run("file", func(t *testing.T) { run(t, sharedFile(t.TempDir())) })
	t.Run("accounts", func(t *testing.T) {
		store := new(sharedStore)
		accounts, err := account.Open(account.Options{Path: filepath.Join(t.TempDir(), "accounts.db"), FlushEvery: time.Hour,
			Clock: func() time.Time { return store.now }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { accounts.Close() })
		store.SaltStore = accounts
		run(t, store)
	})
}

// cluster is two doors' salts on one store.
type cluster struct {
	t     *testing.T
	store *sharedStore
	doors [2]*salts
}

func newCluster(t *testing.T, store *sharedStore, now int64) *cluster {
	t.Helper()
	c := &cluster{t: t, store: store}
	store.now = time.UnixMilli(now)
	for i := range c.doors {
		var err error
		if c.doors[i], err = openSalts(c.store, true, now); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// tend has all doors tended to, and returns how many changed salts late.
func (c *cluster) tend(now int64) (late int) {
	c.t.Helper()
	c.store.now = time.UnixMilli(now)
	for _, s := range c.doors {
		changed, err := s.tend(now)
		if (err != nil) != c.store.away {
			c.t.Errorf("tend: %v", err)
		}
		if changed {
			late++
		}
	}
	return late
}

// at returns what both doors use, which must be the same but for what is different.
func (c *cluster) at(now int64) (a, b *saltSet) {
	c.t.Helper()
	a, _ = c.doors[0].at(now)
	b, err := c.doors[1].at(now)
	if err != nil {
		c.t.Error(err)
	}
	return a, b
}

func (c *cluster) same(now int64) *saltSet {
	c.t.Helper()
	a, b := c.at(now)
	if a.today != b.today || a.day != b.day || a.yesterday != b.yesterday || a.importSecret != b.importSecret {
		c.t.Fatalf("the doors use different salts at %v", time.UnixMilli(now).UTC())
	}
	return a
}

const (
	saltDay  = 20415 // of testNow
	midnight = (saltDay + 1) * event.DayMillis
	hour     = 3600_000
)

func TestDoorsShareSalts(t *testing.T) { onEachStore(t, doorsShareSalts) }

func doorsShareSalts(t *testing.T, store *sharedStore) {
	c := newCluster(t, store, testNow)
	first := c.same(testNow)
	for day := range int64(4) {
		now := midnight + day*event.DayMillis
		before := c.same(now - 1)
		c.tend(now - hour/2)
		c.store.away = true // a request never asks the store
		set := c.same(now)
		if set.today == before.today || !set.hasYesterday || set.yesterday != before.today {
			t.Errorf("day %d: the salts did not turn", day)
		}
		c.store.away = false
		if late := c.tend(now + 60_000); late != 0 {
			t.Errorf("day %d: %d doors changed their salts after midnight", day, late)
		}
		kept, err := c.store.SettleSalts(context.Background(), 0, nil)
		if err != nil || len(kept) != 3 { // today, yesterday, imports
			t.Errorf("day %d: the store keeps %v, %v", day, kept, err)
		}
		c.same(now + 60_000)
	}
	if first.importSecret == c.same(midnight+3*event.DayMillis).importSecret {
		t.Error("the secret of imports outlives 48 h")
	}
	if restarted, err := openSalts(c.store, true, midnight+3*event.DayMillis+hour); err != nil || restarted.current.Load().today != c.same(midnight+3*event.DayMillis+hour).today {
		t.Errorf("a door that starts uses another salt, %v", err)
	}
}

// A door that starts in the last hour of a day uses the salt of that day, not the one that is agreed on already.
func TestDoorStartsBeforeMidnight(t *testing.T) { onEachStore(t, doorStartsBeforeMidnight) }

func doorStartsBeforeMidnight(t *testing.T, store *sharedStore) {
	c := newCluster(t, store, testNow)
	c.tend(midnight - hour/2)
	set := c.same(midnight - hour/4)
	s, err := openSalts(c.store, true, midnight-hour/4)
	if err != nil {
		t.Fatal(err)
	}
	c.doors[1] = s
	if got := c.same(midnight - 1); *got != *set {
		t.Error("it changed")
	}
	c.same(midnight)
}

// The salt of the day before is used on, and then carries over to that of the day.
func TestStoreAwayOverMidnight(t *testing.T) { onEachStore(t, storeAwayOverMidnight) }

func storeAwayOverMidnight(t *testing.T, store *sharedStore) {
	c := newCluster(t, store, testNow)
	c.tend(testNow + hour)
	c.tend(midnight - 2*hour)
	before := c.same(midnight - 2*hour)
	c.store.away = true
	c.tend(midnight - hour/2)
	for _, now := range []int64{midnight, midnight + hour, midnight + 10*hour} {
		c.tend(now)
		if set := c.same(now); set.today != before.today || set.hasYesterday {
			t.Fatalf("after %d h: another salt, or yesterday's is still there (%v)", (now-midnight)/hour, set.hasYesterday)
		}
	}
	c.store.away = false
	if late := c.tend(midnight + 11*hour); late != 2 {
		t.Errorf("%d doors changed late", late)
	}
	if set := c.same(midnight + 11*hour); set.today == before.today || set.day != saltDay+1 || set.yesterday != before.today {
		t.Errorf("when the store is back: %v %v", set.day, set.hasYesterday)
	}
	if late := c.tend(midnight + 12*hour); late != 0 {
		t.Errorf("%d doors changed again", late)
	}
}

// 48 h after its day began a salt is gone, whatever is away.
func TestStoreAwayForLong(t *testing.T) { onEachStore(t, storeAwayForLong) }

func storeAwayForLong(t *testing.T, store *sharedStore) {
	c := newCluster(t, store, testNow)
	before := c.same(testNow)
	c.store.away = true
	c.tend(midnight + hour)
	end := int64(midnight + event.DayMillis)
	if set := c.same(end - 1); set.today != before.today {
		t.Error("the salt changed too early")
	}
	a, b := c.at(end)
	for _, set := range []*saltSet{a, b} {
		for _, salt := range set.list() {
			if salt.Secret == before.today || salt.Secret == before.importSecret {
				t.Errorf("the %s is there after 48 h", salt)
			}
		}
	}
	if a.today == b.today {
		t.Error("the doors cannot have the same salt")
	}
	c.store.away = false
	if late := c.tend(end + hour); late != 1 {
		t.Errorf("%d doors changed, one should win", late)
	}
	afterA, afterB := c.at(end + hour)
	if afterA.today != afterB.today || afterA.today != a.today || afterB.yesterday != b.today {
		t.Error("the doors do not agree, or the loser cannot recognise its visitors")
	}
}

// A store that has lost its salts gets them back from the doors.
func TestStoreLosesSalts(t *testing.T) {
	dir := t.TempDir()
	c := newCluster(t, sharedFile(dir), testNow)
	c.tend(midnight - hour/2)
	c.same(midnight)
	c.tend(midnight + 60_000)
	before := c.same(midnight + hour)
	if err := os.Remove(filepath.Join(dir, "salts.json")); err != nil {
		t.Fatal(err)
	}
	if late := c.tend(midnight + event.DayMillis - hour/2); late != 0 {
		t.Errorf("%d doors changed their salts", late)
	}
	if after := c.same(midnight + event.DayMillis - hour/2); after.today != before.today || after.yesterday != before.yesterday {
		t.Error("the salts have changed")
	}
}

func TestDoorDoesNotStartWithoutStore(t *testing.T) {
	store := sharedFile(t.TempDir())
	store.away = true
	if _, err := openSalts(store, true, testNow); err == nil {
		t.Error("it started")
	}
	d := newDoor(t, func(o *Options) { o.Dir, o.Salts = "", sharedFile(t.TempDir()) })
	if d.h.Counters().SaltErrors.Load() != 0 {
		t.Error("salt errors")
	}
}

// TestVisitorOverLateChange: who is active while the doors change their salts late keeps the id for the visit.
func TestVisitorOverLateChange(t *testing.T) {
	store := sharedFile(t.TempDir())
	d := newDoor(t, func(o *Options) { o.Salts = store })
	store.away = true
	begin := time.UnixMilli(midnight)
	visit := func(after time.Duration) string {
		d.now = begin.Add(after)
		d.h.tendSalts(d.now.UnixMilli())
		return d.one(pageview("")).UserID
	}
	id := visit(5 * time.Hour)
	if d.h.Counters().SaltErrors.Load() == 0 {
		t.Error("nobody hears of the store that is away")
	}
	store.away = false
	for _, after := range []time.Duration{5*time.Hour + 10*time.Minute, 5*time.Hour + 35*time.Minute, 6 * time.Hour} {
		if got := visit(after); got != id {
			t.Errorf("after %v the visitor is another one", after)
		}
	}
	if got := visit(7 * time.Hour); got == id {
		t.Error("after an hour without an event the old id is still used")
	}
}

// A file that others have written to is not mistaken: the first salt of a day stays.
func TestSaltFileKeepsTheFirst(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	offer := func(oldest int64, salts ...event.Salt) []event.Salt {
		kept, err := NewSaltFile(dir).SettleSalts(ctx, oldest, salts)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	first := event.Salt{Purpose: event.SaltVisitors, Day: 5, Secret: [16]byte{1}}
	offer(4, first)
	kept := offer(4, event.Salt{Purpose: event.SaltVisitors, Day: 5, Secret: [16]byte{2}}, event.Salt{Purpose: event.SaltVisitors, Day: 3})
	if len(kept) != 1 || kept[0] != first {
		t.Errorf("kept %v", kept)
	}
	if kept := offer(6); len(kept) != 0 {
		t.Errorf("after its end: %v", kept)
	}
	if _, err := os.Stat(filepath.Join(dir, "salts.json")); err != nil {
		t.Error(err)
	}
}

package collect

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
)

const (
	// retryMillis is the pause between two tries to write the file.
	retryMillis = 1000
	// earlyMillis is how long before its day the doors of a cluster agree on a salt.
	earlyMillis = 3600_000
	// settleTime bounds one talk to the store.
	settleTime = 10 * time.Second
)

// SaltStore keeps the salts of an installation.
type SaltStore interface {
	// SettleSalts must keep each offered salt for whose purpose and day none is kept yet, destroy every salt of a day before
	// oldest, and return all that are kept then, durably. Where several doors use the store, one of those that offer a salt of
	// the same day must be heard and all be returned its salt, and the method must be safe for concurrent use.
	SettleSalts(ctx context.Context, oldest int64, offers []event.Salt) ([]event.Salt, error)
}

// salts keeps the secrets that visitor ids are keyed with: one of each UTC day, today's and yesterday's only, stored so that
// a restart does not change anybody's id. An older one is destroyed, in the store and in memory, when 48 h have passed since
// its day began: from then on no id of its day can be traced back to an address, not even by the owner of the server.
//
// Imported events of older days need salts too: they are derived from one random secret that is kept in the same store for
// at most 48 h. Two imports of the same old day that are further apart than that give the same visitor different ids.
//
// A door alone makes the day's salt when the day begins. When the file cannot be written it goes on from memory, since
// nobody else has to know.
//
// The doors of a cluster must have the same salt, or a visitor whose requests reach two of them counts twice. The first to
// offer one to the shared store wins, and all use the winner's. They agree in the last hour of the day before, so that all
// change over at 00:00 UTC from memory, and no request ever waits for the store. When the store is away for that whole hour
// and beyond:
//   - on the day that begins, all go on under the salt of the day before, which all have and which may live until that day
//     ends. Making one each would tear every visitor apart, and a second time when one of them wins. The price is that ids of
//     two days can be told to be one visitor's until the store is back. The salt before that is destroyed on time;
//   - when that day ends too, the salt must die, and each door makes one of its own: 48 h is a promise, exact counts across
//     doors during an outage that long are not;
//   - when the store is back, each door offers what it has and takes what won, within a minute. Whoever was here less than
//     30 minutes ago keeps the id, as at midnight.
//
// A door that starts while the store is away does not start: it cannot know what the others use.
type salts struct {
	store   SaltStore
	shared  bool // by other doors
	current atomic.Pointer[saltSet]
	// unsettled: the store may not hold current.
	unsettled atomic.Bool

	mu      sync.Mutex // guards turning
	triedAt int64
}

// saltSet is immutable.
type saltSet struct {
	day              int64 // UTC days since the epoch
	until            int64 // ms; from then on it must not be used
	today, yesterday enrich.Salt
	hasYesterday     bool
	tomorrow         enrich.Salt // of a cluster
	hasTomorrow      bool
	importDay        int64 // when importSecret was made
	importSecret     enrich.Salt
	nextImport       *event.Salt // what follows importSecret, when that is known already
}

func dayOf(ms int64) int64 {
	return (ms - ((ms%event.DayMillis)+event.DayMillis)%event.DayMillis) / event.DayMillis
}

// openSalts reads the salts in the store, or makes the first ones. now is in ms.
func openSalts(store SaltStore, shared bool, now int64) (*salts, error) {
	s := &salts{store: store, shared: shared}
	if shared {
		set, err := s.settle(nil, now)
		s.current.Store(set)
		return s, err
	}
	day := dayOf(now)
	kept, err := s.ask(day-1, nil)
	if err != nil {
		return nil, err
	}
	for _, salt := range kept {
		if salt.Purpose == event.SaltVisitors {
			day = max(day, min(salt.Day, day+1)) // a clock that went back by less than a day, as after a restart
		}
	}
	_, err = s.turn(kept, day, now)
	return s, err
}

func (s *salts) ask(oldest int64, offers []event.Salt) ([]event.Salt, error) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	return s.store.SettleSalts(ctx, oldest, offers)
}

// at returns the salts as they are at that time; a day that begins turns them. When the file cannot be written the new salts
// are used from memory, and err says so; each call tries again, so that an old salt goes as soon as the disk allows.
// A shared store is not asked here: tend does that.
func (s *salts) at(now int64) (set *saltSet, err error) {
	set = s.current.Load()
	if now < set.until && (s.shared || !s.unsettled.Load()) { // a clock that goes back keeps the later day's salts
		return set, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	set = s.current.Load()
	switch {
	case now >= set.until && s.shared:
		return s.pass(set, dayOf(now)), nil
	case now >= set.until:
		return s.turn(set.list(), dayOf(now), now)
	case !s.shared && s.unsettled.Load() && now-s.triedAt >= retryMillis:
		return set, s.keep(set, now)
	}
	return set, nil
}

// turn makes the salts of the day for a door alone, taking those that still live from kept, and stores them.
func (s *salts) turn(kept []event.Salt, day, now int64) (*saltSet, error) {
	kept = append(kept, missing(kept, nil, day, false)...)
	set, err := newSaltSet(kept, day)
	if err != nil {
		return nil, err
	}
	s.current.Store(set)
	return set, s.keep(set, now)
}

func (s *salts) keep(set *saltSet, now int64) error {
	s.triedAt = now
	s.unsettled.Store(true)
	if _, err := s.ask(set.day-1, set.list()); err != nil {
		return err
	}
	s.unsettled.Store(false)
	return nil
}

// pass goes on from memory when the time of set has ended, as salts says.
func (s *salts) pass(set *saltSet, day int64) *saltSet {
	next := *set
	switch {
	case day == set.day+1 && set.hasTomorrow:
		next.day, next.until = day, (day+1)*event.DayMillis
		next.today, next.yesterday, next.hasYesterday = set.tomorrow, set.today, true
		next.tomorrow, next.hasTomorrow = enrich.Salt{}, false
	case day == set.day+1:
		next.until = (day + 1) * event.DayMillis
		next.yesterday, next.hasYesterday = enrich.Salt{}, false
	default:
		next = saltSet{day: day, until: (day + 1) * event.DayMillis, importDay: set.importDay, importSecret: set.importSecret, nextImport: set.nextImport}
		rand.Read(next.today[:]) // never fails, by its contract
	}
	next.passImport(day)
	s.unsettled.Store(true)
	s.current.Store(&next)
	return &next
}

// passImport ends a secret of imports that is too old on that day.
func (set *saltSet) passImport(day int64) {
	switch next := set.nextImport; {
	case set.importDay >= day-1:
		return
	case next != nil && next.Day >= day-1:
		set.importDay, set.importSecret = next.Day, next.Secret
	default:
		set.importDay = day
		rand.Read(set.importSecret[:])
	}
	set.nextImport = nil
}

// tend makes the salts and those of the shared store the same. late reports that others are used from now on although no
// day has begun.
func (s *salts) tend(now int64) (late bool, err error) {
	if !s.shared {
		return false, nil
	}
	if _, err := s.at(now); err != nil {
		return false, err
	}
	set, day := s.current.Load(), dayOf(now)
	if !s.unsettled.Load() && set.day >= day && (set.hasTomorrow || !isEarly(now)) {
		return false, nil
	}
	next, err := s.settle(set, now)
	if err != nil {
		return false, err
	}
	return s.take(next), nil
}

func isEarly(now int64) bool { return now >= (dayOf(now)+1)*event.DayMillis-earlyMillis }

// settle returns what the doors of a cluster use at that time. known, if any, is what this one uses.
func (s *salts) settle(known *saltSet, now int64) (*saltSet, error) {
	day := dayOf(now)
	kept, err := s.ask(day-1, nil)
	if err != nil {
		return nil, err
	}
	if offers := missing(kept, known, day, isEarly(now)); len(offers) > 0 {
		if kept, err = s.ask(day-1, offers); err != nil {
			return nil, err
		}
	}
	return newSaltSet(kept, day)
}

// take uses the settled salts, unless a day has begun meanwhile.
func (s *salts) take(next *saltSet) (late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.current.Load()
	if set.day > next.day {
		return false
	}
	if late = set.today != next.today; late && set.day >= next.day-1 {
		next.yesterday, next.hasYesterday = set.today, true // for those who are here
	}
	s.current.Store(next)
	s.unsettled.Store(false)
	return late
}

// tendSalts keeps the salts up to date where no request does.
func (h *Handler) tendSalts(now int64) {
	h.saltsAt(now)
	late, err := h.salts.tend(now)
	if err != nil {
		h.counters.SaltErrors.Add(1)
	}
	for last := h.lastOldHash.Load(); late && last < now; last = h.lastOldHash.Load() {
		if h.lastOldHash.CompareAndSwap(last, now) { // visitor looks for old ids for 30 minutes
			return
		}
	}
}

// missing returns the salts that the day needs and kept lacks: those of known, else new ones. early adds the next day's.
func missing(kept []event.Salt, known *saltSet, day int64, early bool) []event.Salt {
	var have, offers []event.Salt
	if known != nil {
		have = known.list()
	}
	want := func(purpose string, day int64, from int64) {
		if _, ok := find(kept, purpose, from, day); ok {
			return
		}
		salt, ok := find(have, purpose, from, day)
		if !ok {
			salt = event.Salt{Purpose: purpose, Day: day}
			rand.Read(salt.Secret[:])
		}
		offers = append(offers, salt)
	}
	if _, ok := find(have, event.SaltVisitors, day-1, day-1); ok {
		want(event.SaltVisitors, day-1, day-1) // lost by the store
	}
	want(event.SaltVisitors, day, day)
	want(event.SaltImports, day, day-1)
	if early {
		want(event.SaltVisitors, day+1, day+1)
		want(event.SaltImports, day+1, day)
	}
	return offers
}

// find returns the oldest salt of the days [from, to].
func find(list []event.Salt, purpose string, from, to int64) (found event.Salt, ok bool) {
	for _, salt := range list {
		if salt.Purpose == purpose && salt.Day >= from && salt.Day <= to && (!ok || salt.Day < found.Day) {
			found, ok = salt, true
		}
	}
	return found, ok
}

// newSaltSet returns the day's salts of the list.
func newSaltSet(list []event.Salt, day int64) (*saltSet, error) {
	today, ok := find(list, event.SaltVisitors, day, day)
	imports, hasImports := find(list, event.SaltImports, day-1, day)
	if !ok || !hasImports {
		return nil, fmt.Errorf("cannot use salts: the store has not kept those of day %d", day)
	}
	set := &saltSet{day: day, until: (day + 1) * event.DayMillis, today: today.Secret, importDay: imports.Day, importSecret: imports.Secret}
	if salt, ok := find(list, event.SaltVisitors, day-1, day-1); ok {
		set.yesterday, set.hasYesterday = salt.Secret, true
	}
	if salt, ok := find(list, event.SaltVisitors, day+1, day+1); ok {
		set.tomorrow, set.hasTomorrow = salt.Secret, true
	}
	if salt, ok := find(list, event.SaltImports, day+1, day+1); ok {
		set.nextImport = &salt
	}
	return set, nil
}

// list returns the salts of the set.
func (set *saltSet) list() []event.Salt {
	list := []event.Salt{{Purpose: event.SaltVisitors, Day: set.day, Secret: set.today}, {Purpose: event.SaltImports, Day: set.importDay, Secret: set.importSecret}}
	if set.hasYesterday {
		list = append(list, event.Salt{Purpose: event.SaltVisitors, Day: set.day - 1, Secret: set.yesterday})
	}
	if set.hasTomorrow {
		list = append(list, event.Salt{Purpose: event.SaltVisitors, Day: set.day + 1, Secret: set.tomorrow})
	}
	if set.nextImport != nil {
		list = append(list, *set.nextImport)
	}
	return list
}

// forImport returns the salt of a day for an imported event.
func (set *saltSet) forImport(day int64) enrich.Salt {
	switch {
	case day == set.day:
		return set.today
	case day == set.day-1 && set.hasYesterday:
		return set.yesterday
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte(nil), set.importSecret[:]...), uint64(day)))
	return enrich.Salt(sum[:16])
}

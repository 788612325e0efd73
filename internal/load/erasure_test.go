package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/store"
)

// Erase is the naive form of what every store must do.
func (s *testStore) Erase(_ context.Context, e *event.Erasure, next int64, rebuild store.Rebuild) (erasing store.Erasing, err error) {
	var before, after error
	if s.onErase != nil {
		before, after = s.onErase()
	}
	if before != nil {
		return erasing, before
	}
	s.next = next
	kept := e.Erased()
	if slices.ContainsFunc(s.erased, func(o event.Erased) bool { return o.ID == e.ID }) {
		return erasing, after
	}
	s.erased = append(s.erased, kept)
	keys := map[event.SessionKey]bool{}
	s.events = slices.DeleteFunc(s.events, func(x event.Event) bool {
		if !kept.Covers(&x) {
			return false
		}
		keys[event.SessionKey{WebsiteID: x.WebsiteID, SessionID: x.SessionID, Band: x.BotBand}] = true
		s.ledger[event.LedgerRow{WebsiteID: x.WebsiteID, Minute: event.Minute(x.ReceivedAt), Outcome: event.Stored}]--
		s.ledger[event.LedgerRow{WebsiteID: x.WebsiteID, Minute: event.Minute(x.ReceivedAt), Outcome: event.Filtered, Reason: store.ReasonErased}]++
		return true
	})
	maps.DeleteFunc(s.sessions, func(ref event.SessionRef, _ event.Session) bool { return keys[ref.SessionKey] })
	var left []event.Event
	for _, x := range s.events {
		if keys[event.SessionKey{WebsiteID: x.WebsiteID, SessionID: x.SessionID, Band: x.BotBand}] {
			left = append(left, x)
		}
	}
	for _, session := range rebuild(left) {
		s.sessions[session.Ref()] = session
	}
	return store.Erasing{Keys: slices.Collect(maps.Keys(keys))}, after
}

func (s *testStore) Erased(_ context.Context, yield func(event.Erased)) error {
	for _, e := range s.erased {
		yield(e)
	}
	return nil
}

// forget returns an erasure of one or two visitors, at times of a whole site.
func (f *traffic) forget(now int64) eventlog.Record {
	f.n++
	e := event.Erasure{ID: fmt.Sprint("erasure", f.n), WebsiteID: fmt.Sprint("site", f.r.IntN(2)), Scope: event.EraseVisitor, AskedAt: now, Before: now - f.r.Int64N(20_000)}
	switch f.r.IntN(8) {
	case 0:
		e.Scope = event.EraseSite
	case 1:
		e.Scope, e.Visitors = event.ErasePerson, []string{fmt.Sprint("u", f.r.IntN(12)), fmt.Sprint("u", f.r.IntN(12))}
	default:
		e.Visitors = []string{fmt.Sprint("u", f.r.IntN(12))}
	}
	return eventlog.Record{Value: e.AppendRecord(nil)}
}

// old is a request that takes an event in which was received long before, as imports do.
func (f *traffic) old(now int64) []eventlog.Record {
	e := f.event(now - f.r.Int64N(300_000))
	receipt := event.Receipt{WebsiteID: e.WebsiteID, ReceivedAt: e.ReceivedAt, Received: 1}
	return []eventlog.Record{{Value: e.AppendRecord(nil)}, {Value: receipt.AppendRecord(nil)}}
}

// erasingTraffic appends requests, imports and erasures of some 400 s.
func (f *traffic) erasing(t *testing.T, log eventlog.Appender, round int) {
	t.Helper()
	for i := range 2 + f.r.IntN(8) {
		now := noon + int64(round)*400_000 + int64(i)*7000
		appendRecords(t, log, append(f.request(now), f.old(now)...))
		if f.r.IntN(3) == 0 {
			appendRecords(t, log, []eventlog.Record{f.forget(now)})
		}
	}
}

// TestErasuresAndKills: whatever is killed where, the store ends as if what was to be forgotten had never come, and the ledger adds up.
func TestErasuresAndKills(t *testing.T) {
	for seed := range uint64(10) {
		log, s := openLog(t), newTestStore()
		f := &traffic{r: rand.New(rand.NewPCG(seed, 11))}
		points := []string{PointErasing, PointErased, PointCommitting, PointCommitted, PointRead, PointDeduped}
		for round := range 14 {
			f.erasing(t, log, round)
			opts := options(log, s)
			opts.MaxKeys = 4 + int(seed)
			passes, failed := f.r.IntN(3), false
			opts.FailPoint = func(name string) error {
				if name == points[round%len(points)] && round < 13 {
					if passes--; passes < 0 {
						return errTest
					}
				}
				return nil
			}
			s.onErase = func() (before, after error) { // the first try fails, in every second round with its effect
				if failed {
					return nil, nil
				}
				failed = true
				return []error{errTest, nil}[round%2], []error{nil, errTest}[round%2]
			}
			p, stop := start(t, opts)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			if err := p.Flush(ctx); err != nil && !errors.Is(err, errTest) {
				t.Fatal(err)
			}
			cancel()
			if err := stop(); !errors.Is(err, errTest) && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if s.counted(event.Filtered, store.ReasonErased) == 0 || len(s.erased) == 0 || len(s.events) == 0 {
			t.Errorf("seed %d: %d erasures, %d events left", seed, len(s.erased), len(s.events))
		}
		s.check(t, log)
	}
}

// TestErasuresAndKillsWithTheRealStore: the same with DuckDB, closed and opened again between the rounds.
func TestErasuresAndKillsWithTheRealStore(t *testing.T) {
	log, path := openLog(t), filepath.Join(t.TempDir(), "events.duckdb")
	f := &traffic{r: rand.New(rand.NewPCG(2, 13))}
	points := []string{PointErasing, PointErased, PointCommitting, PointCommitted}
	const rounds = 10
	for round := range rounds {
		f.erasing(t, log, round)
		s := openStore(t, path)
		point := points[round%len(points)]
		if round == rounds-1 {
			point = ""
		}
		runTo(t, log, s, point, f.r.IntN(2))
		if round == rounds-1 {
			checkDuckDB(t, s, wantEvents(t, log))
			if report, err := s.Audit(context.Background()); err != nil || report.Found > 0 {
				t.Errorf("audit: %+v, %v", report, err)
			}
			if err := s.VerifyErasures(context.Background()); err != nil {
				t.Fatal(err)
			}
			reports, err := s.Erasures(context.Background(), "site0")
			if err != nil || len(reports) == 0 {
				t.Fatalf("%v, %v", reports, err)
			}
			for _, r := range reports {
				if r.Verified() == 0 {
					t.Errorf("not verified: %+v", r)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestErasureThatCannotBeReadIsKept as a failed payload: a request to forget may not vanish.
func TestErasureThatCannotBeReadIsKept(t *testing.T) {
	log, s := openLog(t), newTestStore()
	empty := event.Erasure{ID: "x", WebsiteID: "site0", Scope: event.EraseVisitor, AskedAt: noon, Before: noon}
	appendRecords(t, log, []eventlog.Record{{Value: empty.AppendRecord(nil)}, {Value: []byte{byte(event.KindErasure), 255}}})
	p, stop := start(t, options(log, s))
	flush(t, p)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(s.failed) != 2 || s.failed[0].Reason != ReasonUndecodable || len(s.erased) != 0 {
		t.Errorf("%+v", s.failed)
	}
}

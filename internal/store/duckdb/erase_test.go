package duckdb

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

func erase(t *testing.T, s *Store, e *event.Erasure, next int64) store.Erasing {
	t.Helper()
	erasing, err := s.Erase(context.Background(), e, next, stream.SessionsOf)
	if err != nil {
		t.Fatal(err)
	}
	return erasing
}

// withHistory stores a random history for two sites of the same visitors, with a ledger, and builds the rollups.
func withHistory(t *testing.T, seed uint64) (*Store, *history) {
	t.Helper()
	s, h := openTest(t), newHistory(seed)
	batch := &store.Batch{Next: 10}
	for _, site := range []string{"s", "other"} {
		minutes := map[int64]int64{}
		for _, e := range h.events {
			e.WebsiteID = site
			batch.Events = append(batch.Events, e)
			minutes[event.Minute(e.ReceivedAt)]++
		}
		for minute, n := range minutes {
			for _, outcome := range []event.Outcome{event.Received, event.Stored} {
				batch.Ledger = append(batch.Ledger, event.LedgerRow{WebsiteID: site, Minute: minute, Outcome: outcome, Count: n})
			}
		}
		batch.Failed = append(batch.Failed, event.FailedEvent{WebsiteID: site, ReceivedAt: h.events[0].ReceivedAt, Payload: []byte(`{"user_id":"ann"}`)},
			event.FailedEvent{WebsiteID: site, ReceivedAt: h.events[0].ReceivedAt, Payload: []byte(`{"user_id":"bob"}`)})
	}
	batch.Sessions = stream.SessionsOf(batch.Events)
	commit(t, s, batch)
	h.build(t, s)
	return s, h
}

func (h *history) build(t *testing.T, s *Store) {
	t.Helper()
	for _, site := range []string{"s", "other"} {
		if err := s.BuildRollups(context.Background(), &event.Site{WebsiteID: site, Timezone: h.site.Timezone}, h.now.UnixMilli()+3*dayMillis); err != nil {
			t.Fatal(err)
		}
	}
}

func auditIsClean(t *testing.T, s *Store, when string) {
	t.Helper()
	if report := auditOf(t, s); report.Found != 0 || report.Days == 0 {
		t.Fatalf("%s: %d differences of %d days, the first: %+v", when, report.Found, report.Days, report.Differences)
	}
}

// content is all that the store holds of a site, but for what rollups say of dirty days.
func content(t *testing.T, s *Store, site string) string {
	t.Helper()
	out := ""
	for _, sql := range []string{
		"select count(*) || ' ' || coalesce(md5(string_agg(e::varchar, '|' order by e::varchar)), '') from events as e where website_id = $1",
		"select count(*) || ' ' || coalesce(md5(string_agg(e::varchar, '|' order by e::varchar)), '') from sessions as e where website_id = $1",
		"select count(*) || ' ' || coalesce(md5(string_agg(e::varchar, '|' order by e::varchar)), '') from (select hour, sum(rows), min(first), max(last) from event_hours where website_id = $1 group by 1) as e",
		"select count(*) || ' ' || coalesce(md5(string_agg(e::varchar, '|' order by e::varchar)), '') from rollup_days as e where website_id = $1",
		"select count(*) || ' ' || coalesce(md5(string_agg(e::varchar, '|' order by e::varchar)), '') from rollup_quarters as e where website_id = $1",
		"select count(*) || ' ' || coalesce(md5(string_agg(e::varchar, '|' order by e::varchar)), '') from failed_events as e where website_id = $1",
	} {
		if err := s.Select(context.Background(), sql, []any{site}, func(c *Chunk) error {
			out += c.Text(0, 0) + "\n"
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestErasedVisitorWasNeverThere: after an erasure the store holds what it would hold if the events had never come, and the ledger
// says where they are.
func TestErasedVisitorWasNeverThere(t *testing.T) {
	for seed := range uint64(unlessShort(8, 2)) {
		s, h := withHistory(t, seed)
		auditIsClean(t, s, "before")
		other := content(t, s, "other")
		before := h.events[len(h.events)*3/4].ReceivedAt
		from, to := h.events[0].Timestamp, h.events[len(h.events)-1].Timestamp+1
		version := s.Version("s", from, to)
		e := &event.Erasure{ID: "one", WebsiteID: "s", Scope: event.ErasePerson, AskedAt: before, AskedBy: "test", Before: before, Visitors: []string{"ann", "gus"}}
		erasing := erase(t, s, e, 11)
		if len(erasing.Keys) == 0 || s.Version("s", from, to) == version {
			t.Errorf("seed %d: keys %v, version %d", seed, erasing.Keys, version)
		}
		auditIsClean(t, s, "at once")
		h.build(t, s)
		auditIsClean(t, s, "with rollups")

		left := slices.DeleteFunc(slices.Clone(h.events), func(x event.Event) bool {
			return (x.UserID == "ann" || x.UserID == "gus") && x.ReceivedAt < before
		})
		never := openTest(t)
		commit(t, never, &store.Batch{Next: 1, Events: left, Sessions: stream.SessionsOf(left), Failed: []event.FailedEvent{
			{WebsiteID: "s", ReceivedAt: h.events[0].ReceivedAt, Payload: []byte(`{"user_id":"bob"}`)}}})
		h.build(t, never)
		if got, want := content(t, s, "s"), content(t, never, "s"); got != want {
			t.Errorf("seed %d: the store holds\n%swant\n%s", seed, got, want)
		}
		if got := content(t, s, "other"); got != other {
			t.Errorf("seed %d: the other site has changed:\n%s%s", seed, got, other)
		}
		if s.Stored("s") != int64(len(left)) || s.Stored("other") != int64(len(h.events)) {
			t.Errorf("seed %d: %d and %d events are counted", seed, s.Stored("s"), s.Stored("other"))
		}
		if again := erase(t, s, e, 12); len(again.Keys) != 0 || s.state.position != 12 {
			t.Errorf("seed %d: the second time: %+v, position %d", seed, again, s.state.position)
		}
		removed := int64(len(h.events) - len(left))
		if got := count(t, s, "select sum(count)::bigint from ledger where outcome = 'filtered' and reason = 'erased'"); got != removed {
			t.Errorf("seed %d: the ledger says that %d were erased, want %d", seed, got, removed)
		}
		checkProof(t, s, "s", removed)
	}
}

func checkProof(t *testing.T, s *Store, site string, removed int64) {
	t.Helper()
	reports, err := s.Erasures(context.Background(), site)
	if err != nil || len(reports) != 1 || reports[0].Verified() != 0 {
		t.Fatalf("before the look: %+v, %v", reports, err)
	}
	if err := s.VerifyErasures(context.Background()); err != nil {
		t.Fatal(err)
	}
	reports, err = s.Erasures(context.Background(), site)
	if err != nil || len(reports) != 1 || reports[0].Verified() == 0 || len(reports[0].Proofs) != 4 {
		t.Fatalf("after the look: %+v, %v", reports, err)
	}
	for _, p := range reports[0].Proofs {
		if p.Part == partEvents && (p.Found != removed || p.Removed != removed || p.Left != 0) {
			t.Errorf("proof %+v, want %d", p, removed)
		}
	}
}

// TestProofFindsWhatIsLeft plants what an erasure should have removed.
func TestProofFindsWhatIsLeft(t *testing.T) {
	s, h := withHistory(t, 3)
	erase(t, s, &event.Erasure{ID: "one", WebsiteID: "s", Scope: event.EraseVisitor, Before: event.Forever, Visitors: []string{"bob"}}, 11)
	bobs := slices.DeleteFunc(slices.Clone(h.events), func(e event.Event) bool { return e.UserID != "bob" })
	sessions := slices.DeleteFunc(stream.SessionsOf(bobs), func(x event.Session) bool { return x.Pageviews == 0 })
	commit(t, s, &store.Batch{Next: 12, Events: bobs[:2], Sessions: sessions[len(sessions)-1:]})
	if err := s.VerifyErasures(context.Background()); err != nil {
		t.Fatal(err)
	}
	reports, err := s.Erasures(context.Background(), "s")
	if err != nil || reports[0].Verified() != 0 {
		t.Fatalf("%+v, %v", reports, err)
	}
	for _, p := range reports[0].Proofs {
		if want := map[string]int64{partEvents: 2, partSessions: 1}[p.Part]; p.Left != want || want > 0 && p.VerifiedAt != 0 {
			t.Errorf("proof %+v, want %d left", p, want)
		}
	}
}

func TestErasedSiteIsEmpty(t *testing.T) {
	s, h := withHistory(t, 5)
	other := content(t, s, "other")
	if err := s.forgetSite(context.Background(), "s", floor(h.events[len(h.events)/2].Timestamp, dayMillis)); err != nil { // rollups older than the events
		t.Fatal(err)
	}
	erase(t, s, &event.Erasure{ID: "all", WebsiteID: "s", Scope: event.EraseSite, Before: event.Forever}, 11)
	want := ""
	for range 6 {
		want += "0 \n"
	}
	if got := content(t, s, "s"); got != want {
		t.Errorf("the site still has\n%s", got)
	}
	if _, ok := s.FirstEvent("s"); ok || s.Stored("s") != 0 || s.Estimate("s", 0, event.Forever) != 0 {
		t.Error("the memory still counts events")
	}
	h.build(t, s)
	auditIsClean(t, s, "the site is empty")
	if got := content(t, s, "other"); got != other {
		t.Error("the other site has changed")
	}
}

// TestAnErasureThatSaysNothingChangesNothing: a damaged record must not delete a site.
// TestErasureOfManyMinutes writes more rows to the ledger than are gathered before they are inserted.
func TestErasureOfManyMinutes(t *testing.T) {
	s := openTest(t)
	traffic := newTraffic(1, historyFrom, 120_000)
	b := traffic.batch(40_000)
	commit(t, s, b)
	minutes := map[int64]bool{}
	for i := range b.Events {
		minutes[event.Minute(b.Events[i].ReceivedAt)] = true
	}
	if 2*len(minutes) <= RowGroup {
		t.Fatalf("there are %d minutes only", len(minutes))
	}
	before := traffic.now + dayMillis
	erase(t, s, &event.Erasure{ID: "all", WebsiteID: traffic.site, Scope: event.EraseSite, AskedAt: before, AskedBy: "test", Before: before}, b.Next+1)
	if n := count(t, s, "select count(*) from events"); n != 0 {
		t.Errorf("%d events are left", n)
	}
	if n := count(t, s, "select sum(count)::bigint from ledger where outcome = 'filtered'"); n != int64(len(b.Events)) {
		t.Errorf("%d events are accounted for of %d", n, len(b.Events))
	}
	if report := auditOf(t, s); report.Found != 0 || report.Minutes == 0 {
		t.Errorf("%+v", report)
	}
}

func TestAnErasureThatSaysNothingChangesNothing(t *testing.T) {
	s, _ := withHistory(t, 1)
	before := content(t, s, "s")
	for i, e := range []event.Erasure{{ID: "x", WebsiteID: "s", Before: event.Forever}, {ID: "x", WebsiteID: "s", Scope: event.EraseVisitor, Before: event.Forever},
		{ID: "x", WebsiteID: "s", Scope: event.EraseSite, Before: event.Forever, Visitors: []string{"ann"}}, {ID: "x", WebsiteID: "s", Scope: event.EraseSite}} {
		erase(t, s, &e, int64(11+i))
	}
	erase(t, s, &event.Erasure{ID: "y", WebsiteID: "s", Scope: event.EraseVisitor, Before: event.Forever, Visitors: []string{"nobody"}}, 20)
	if got := content(t, s, "s"); got != before {
		t.Errorf("the store has changed:\n%s%s", before, got)
	}
}

// TestBytesOfErasedRowsGo: blocks keep the bytes of deleted rows until the file is written anew.
func TestBytesOfErasedRowsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.duckdb")
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	batch := &store.Batch{Next: 1}
	for i := range 500 {
		user := fmt.Sprintf("visitor-%d", i)
		if i == 250 {
			user = "ZQXJKVWP-find-me-0123456789"
		}
		batch.Events = append(batch.Events, event.Event{ID: event.NamedUUID([]byte(user)), WebsiteID: "s", Type: event.Pageview, Timestamp: historyFrom, ReceivedAt: historyFrom,
			UserID: user, SessionID: user, SampleKey: event.SubjectOf("s", user).SampleKey})
	}
	batch.Sessions = stream.SessionsOf(batch.Events)
	commit(t, s, batch)
	has := func() bool {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(raw, []byte("ZQXJKVWP-find-me"))
	}
	if err := s.Checkpoint(context.Background()); err != nil || !has() {
		t.Skipf("the engine has compressed the id away: %v", err)
	}
	erase(t, s, &event.Erasure{ID: "one", WebsiteID: "s", Scope: event.EraseVisitor, Before: event.Forever, Visitors: []string{"ZQXJKVWP-find-me-0123456789"}}, 2)
	if err := s.Close(); err != nil || has() {
		t.Errorf("the file still has the id: %v", err)
	}
	again, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n := count(t, again, "select count(*) from events"); n != 499 {
		t.Errorf("%d events, want 499", n)
	}
	if n := count(t, again, "select count(*) from meta where key = 'rewrite'"); n != 0 {
		t.Error("the new file is to be written anew again")
	}
}

package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

var errForget = errors.New("as the test wants it")

// forget runs passes until nothing is left to do; each point of the first passes fails once where kill is set.
func forget(t *testing.T, s *Store, kill bool) {
	t.Helper()
	killed := map[string]bool{}
	for range 10 {
		err := s.Forget(context.Background(), time.Now().UnixMilli()+2*settledAfter, stream.SessionsOf, func(point string) error {
			if kill && !killed[point] {
				killed[point] = true
				return errForget
			}
			return nil
		})
		if err == nil {
			return
		}
		if !errors.Is(err, errForget) {
			t.Fatal(err)
		}
	}
	t.Fatal("it does not end")
}

func cover(t *testing.T, s *Store, w *Writer, e *event.Erasure, next int64) {
	t.Helper()
	for range 2 { // the second time changes nothing
		if _, err := w.Erase(context.Background(), e, next, nil); err != nil {
			t.Fatal(err)
		}
	}
	if at, err := w.Position(context.Background()); err != nil || at != next {
		t.Errorf("position %d, %v; want %d", at, err, next)
	}
}

// contentOf is all that the store holds of a site.
func contentOf(t *testing.T, s *Store, site string) (out string) {
	t.Helper()
	for _, sql := range []string{
		"select count(), toString(groupBitXor(cityHash64(* except (log_topic, log_partition, log_position)))) from events where website_id = {p1:String}",
		"select count(), toString(groupBitXor(cityHash64(* except (version)))) from sessions final where website_id = {p1:String}",
		"select count(), toString(groupBitXor(cityHash64(hour, n))) from (select hour, sum(rows) as n from event_hours where website_id = {p1:String} group by hour having n > 0)",
		`select count(), toString(groupBitXor(cityHash64(date, page, bot_band, v, u, m))) from (select date, page, bot_band, sum(views) as v, uniqMerge(unique_users) as u, sum(time_on_page) as m
			from page_views where website_id = {p1:String} group by date, page, bot_band)`,
		"select count(), toString(groupBitXor(cityHash64(received_at, payload))) from failed_events where website_id = {p1:String}",
	} {
		var rows uint64
		var hash string
		if err := s.writer.QueryRow(context.Background(), sql, named([]any{site})...).Scan(&rows, &hash); err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintln(rows, hash)
	}
	return out
}

// TestForgottenVisitorWasNeverThere: after the passes, killed at each point, the store holds what it would hold if the events had never
// come, and the ledger says where they are.
func TestForgottenVisitorWasNeverThere(t *testing.T) {
	for seed := range uint64(3) {
		s, h := filled(t, seed)
		w := s.Writer(WriterOptions{})
		other := contentOf(t, s, "other")
		before := h.events[len(h.events)*3/4].ReceivedAt
		e := &event.Erasure{ID: "one", WebsiteID: "s", Scope: event.ErasePerson, AskedAt: before, AskedBy: "test", Before: before, Visitors: []string{"ann", `hé "q"`}}
		version := s.Source().Version("s", 0, latest)
		cover(t, s, w, e, h.next+1)
		forget(t, s, seed != 1)

		gone := func(x event.Event) bool { kept := e.Erased(); return kept.Covers(&x) }
		left := slices.DeleteFunc(slices.Clone(h.events), gone)
		never := openTest(t)
		if err := never.Writer(WriterOptions{}).Commit(context.Background(), &store.Batch{Next: 1, Events: left, Sessions: stream.SessionsOf(left)}); err != nil {
			t.Fatal(err)
		}
		if got, want := contentOf(t, s, "s"), contentOf(t, never, "s"); got != want {
			t.Errorf("seed %d: the store holds\n%swant\n%s", seed, got, want)
		}
		if got := contentOf(t, s, "other"); got != other {
			t.Errorf("seed %d: the other site has changed:\n%s%s", seed, got, other)
		}
		if report := auditOf(t, s); report.Found != 0 {
			t.Errorf("seed %d: %d differences, the first %+v", seed, report.Found, report.Differences[0])
		}
		ledger, err := s.Source().Ledger(context.Background(), "s", 0, latest)
		if removed := int64(len(h.events) - len(left)); err != nil || ledger.Filtered[store.ReasonErased] != removed || removed == 0 {
			t.Errorf("seed %d: the ledger has %+v, %v; want %d erased", seed, ledger, err, removed)
		}
		time.Sleep(freshFor) // the catalog may be that old
		if s.Source().Version("s", 0, latest) <= version {
			t.Errorf("seed %d: answers that were kept are still good", seed)
		}
		ofSite := func(sessions []event.Session) (n int64) {
			for i := range sessions {
				if sessions[i].WebsiteID == "s" {
					n++
				}
			}
			return n
		}
		days := map[time.Time]bool{}
		for i := range h.events {
			if gone(h.events[i]) {
				days[time.UnixMilli(h.events[i].Timestamp).UTC().Truncate(24*time.Hour)] = true
			}
		}
		erased, err := s.ErasedDays(context.Background(), "one")
		if err != nil || len(erased) != len(days) || slices.ContainsFunc(erased, func(day time.Time) bool { return !days[day] }) {
			t.Errorf("seed %d: events went from %v, %v; want %v", seed, erased, err, days)
		}
		checkProofs(t, s, int64(len(h.events)-len(left)), ofSite(stream.SessionsOf(h.events))-ofSite(stream.SessionsOf(left)))
	}
}

func checkProofs(t *testing.T, s *Store, removed, sessions int64) {
	t.Helper()
	reports, err := s.Erasures(context.Background(), "s")
	if err != nil || len(reports) != 1 || reports[0].Verified() == 0 || len(reports[0].Proofs) != 4 {
		t.Fatalf("%+v, %v", reports, err)
	}
	for _, p := range reports[0].Proofs {
		if p.Part == partEvents && (p.Found != removed || p.Removed != removed || p.Left != 0) || p.Part == partSessions && (p.Removed != sessions || p.Found < sessions || sessions == 0 || p.Left != 0) {
			t.Errorf("proof %+v, want %d events and %d sessions", p, removed, sessions)
		}
	}
}

// TestForgettingWaits until all that an erasure covers has come, and takes in a second pass what came late.
func TestForgettingWaits(t *testing.T) {
	s, h := filled(t, 7)
	w := s.Writer(WriterOptions{})
	asked := time.Now().UnixMilli()
	failed := []event.FailedEvent{{WebsiteID: "s", ReceivedAt: asked, Payload: []byte(`{"user_id":"bob"}`)}, {WebsiteID: "s", ReceivedAt: asked, Payload: []byte("ann")},
		{WebsiteID: "other", ReceivedAt: asked, Payload: []byte("bob")}}
	if err := s.InsertFailed(context.Background(), "failed", failed); err != nil {
		t.Fatal(err)
	}
	cover(t, s, w, &event.Erasure{ID: "one", WebsiteID: "s", Scope: event.EraseVisitor, AskedAt: asked, Before: event.Forever, Visitors: []string{"bob"}}, h.next+1)
	var payloads string
	if err := s.writer.QueryRow(context.Background(), "select toString(arraySort(groupArray(payload))) from failed_events").Scan(&payloads); err != nil || payloads != "['ann','bob']" {
		t.Errorf("failed payloads %s, %v", payloads, err)
	}
	before := contentOf(t, s, "s")
	if err := s.Forget(context.Background(), asked+settledAfter-1, stream.SessionsOf, nil); err != nil {
		t.Fatal(err)
	}
	if got := contentOf(t, s, "s"); got != before {
		t.Error("it was applied before all had come")
	}
	late := slices.DeleteFunc(slices.Clone(h.events), func(e event.Event) bool { return e.UserID != "bob" || e.WebsiteID != "s" })[:1]
	err := s.Forget(context.Background(), asked+settledAfter, stream.SessionsOf, func(point string) error {
		if point == PointForgetViews { // comes between the pass and the look
			return s.InsertEvents(context.Background(), "late", late, Provenance{Topic: "events"})
		}
		return nil
	})
	reports, listErr := s.Erasures(context.Background(), "s")
	if err != nil || listErr != nil || reports[0].Verified() != 0 {
		t.Fatalf("%v, %v, %+v", err, listErr, reports)
	}
	forget(t, s, false)
	if reports, err = s.Erasures(context.Background(), "s"); err != nil || reports[0].Verified() == 0 {
		t.Fatalf("%+v, %v", reports, err)
	}
}

// TestForgottenSessionsDoNotComeBack: the stream still knows of erased events, and tells of their session when it goes on.
func TestForgottenSessionsDoNotComeBack(t *testing.T) {
	s, h := filled(t, 8)
	w := s.Writer(WriterOptions{})
	known := stream.SessionsOf(h.events) // what the stream's state holds
	before := h.events[0].ReceivedAt
	for _, e := range h.events {
		before = max(before, e.ReceivedAt+1)
	}
	cover(t, s, w, &event.Erasure{ID: "one", WebsiteID: "s", Scope: event.EraseVisitor, AskedAt: time.Now().UnixMilli(), Before: before, Visitors: []string{"bob"}}, h.next+1)
	forget(t, s, false)
	// A later event of the same visitor: it counts, and the session that the stream tells of it has the erased ones too.
	later := h.events[0]
	later.WebsiteID, later.Type, later.UserID, later.SessionID, later.BotScore, later.BotBand = "s", event.Pageview, "bob", "bob", 0, 0
	later.ID, later.SampleKey, later.ReceivedAt, later.Timestamp = event.UUID{15: 9}, event.SubjectOf("s", "bob").SampleKey, before, before
	if err := s.InsertEvents(context.Background(), "later", []event.Event{later}, Provenance{Topic: "events"}); err != nil {
		t.Fatal(err)
	}
	minute := event.Minute(later.ReceivedAt)
	counts := []event.LedgerRow{{WebsiteID: "s", Minute: minute, Outcome: event.Received, Count: 1}, {WebsiteID: "s", Minute: minute, Outcome: event.Stored, Count: 1}}
	if err := s.InsertLedger(context.Background(), "later", counts); err != nil {
		t.Fatal(err)
	}
	right := stream.SessionsOf([]event.Event{later})
	var told []event.SessionChange
	for _, session := range known {
		if session.WebsiteID == "s" && session.UserID == "bob" {
			session.End = max(session.End, session.Start)
			told = append(told, event.SessionChange{Session: session})
		}
	}
	versions := make([]uint64, len(told)+1)
	for i := range versions {
		versions[i] = Version(Stream, 0, 1<<40)
	}
	if err := s.InsertSessions(context.Background(), "told", append(told, event.SessionChange{Session: right[0]}), versions); err != nil || len(told) == 0 {
		t.Fatal(err)
	}
	forget(t, s, false)
	if report := auditOf(t, s); report.Found != 0 {
		t.Errorf("%d differences, the first %+v", report.Found, report.Differences[0])
	}
	sessions, err := sessionsOf(s, "s")
	sessions = slices.DeleteFunc(sessions, func(x event.Session) bool { return x.UserID != "bob" })
	if err != nil || len(sessions) != 1 || sessions[0].Start != later.Timestamp {
		t.Errorf("%d sessions of the visitor: %+v, %v", len(sessions), sessions, err)
	}
	reports, err := s.Erasures(context.Background(), "s")
	if err != nil || reports[0].Verified() == 0 {
		t.Errorf("%+v, %v", reports, err)
	}
	if back, err := (&forgetting{Store: s, erased: &reports[0].Erased, rebuild: stream.SessionsOf}).cameBack(context.Background()); err != nil || back {
		t.Errorf("it would be done again: %v, %v", back, err)
	}
}

func TestForgottenSiteIsEmpty(t *testing.T) {
	s, h := filled(t, 5)
	w := s.Writer(WriterOptions{})
	other := contentOf(t, s, "other")
	cover(t, s, w, &event.Erasure{ID: "all", WebsiteID: "s", Scope: event.EraseSite, Before: event.Forever}, h.next+1)
	forget(t, s, true)
	want := ""
	for range 5 {
		want += "0 0\n"
	}
	if got := contentOf(t, s, "s"); got != want {
		t.Errorf("the site still has\n%s", got)
	}
	if got := contentOf(t, s, "other"); got != other {
		t.Error("the other site has changed")
	}
	if first, last, n, err := s.SiteStatus(context.Background(), "s"); err != nil || first != 0 || last != 0 || n != 0 {
		t.Errorf("status %d %d %d, %v", first, last, n, err)
	}
	if report := auditOf(t, s); report.Found != 0 {
		t.Errorf("%d differences, the first %+v", report.Found, report.Differences[0])
	}
	var payloads uint64
	if err := s.writer.QueryRow(context.Background(), "select count() from commits").Scan(&payloads); err != nil || payloads != 0 {
		t.Errorf("%d payloads of finished commits are left, %v", payloads, err)
	}
	if err := w.Commit(context.Background(), &store.Batch{Next: h.next + 2}); err != nil {
		t.Errorf("the writer cannot go on: %v", err)
	}
}

// TestNotingEndedHalfWay: payloads that an ended try has removed stay in the proof.
func TestNotingEndedHalfWay(t *testing.T) {
	s := openTest(t)
	ctx, asked := context.Background(), time.Now().UnixMilli()
	insert := func(token string) {
		if err := s.InsertFailed(ctx, token, []event.FailedEvent{{WebsiteID: "s", ReceivedAt: asked, Payload: []byte("bob, " + token)}}); err != nil {
			t.Fatal(err)
		}
	}
	insert("one")
	insert("two")
	e := &event.Erasure{ID: "e", WebsiteID: "s", Scope: event.EraseVisitor, AskedAt: asked, Before: event.Forever, Visitors: []string{"bob"}}
	proof := func() store.Proof {
		proofs, err := s.proofs(ctx, "s", "e")
		if err != nil || len(proofs["e"]) != 1 {
			t.Fatalf("%+v, %v", proofs, err)
		}
		return proofs["e"][0]
	}
	if err := s.PutProof(ctx, "e", store.Proof{Part: partFailed, Found: 2}); err != nil { // as the ended try did
		t.Fatal(err)
	}
	if err := s.eraseFailed(ctx, e); err != nil {
		t.Fatal(err)
	}
	if err := s.noteErasure(ctx, e); err != nil {
		t.Fatal(err)
	}
	if p := proof(); p.Found != 2 || p.Removed != 2 || p.VerifiedAt == 0 {
		t.Errorf("proof %+v", p)
	}
	if err := s.noteErasure(ctx, e); err != nil { // known
		t.Fatal(err)
	}
	if p := proof(); p.Found != 2 || p.Removed != 2 {
		t.Errorf("proof %+v", p)
	}
}

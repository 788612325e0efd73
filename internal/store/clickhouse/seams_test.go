package clickhouse

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// TestSeamsAreMended: what a processor made of the events before a time, and the stream of those behind it, becomes what one would have
// made of all of them. Where nothing was cut, nothing changes.
func TestSeamsAreMended(t *testing.T) {
	ctx, cut, second := context.Background(), 0, 0
	for seed := range uint64(4) {
		s, h := openTest(t), newHistory(seed, historyStart, 6*24*time.Hour)
		h.batch(600)
		edge := h.events[len(h.events)/2].Timestamp + 1
		var older, younger []event.Event
		for _, e := range h.events {
			if e.Timestamp < edge {
				older = append(older, e)
			} else {
				younger = append(younger, e)
			}
		}
		if err := s.Writer(WriterOptions{Topic: "imports"}).Commit(ctx, &store.Batch{Next: 1, Events: older, Sessions: stream.SessionsOf(older)}); err != nil {
			t.Fatal(err)
		}
		if err := s.InsertEvents(ctx, "younger", younger, Provenance{Topic: "events"}); err != nil {
			t.Fatal(err)
		}
		b := &store.Batch{Next: 1, Sessions: stream.SessionsOf(younger)}
		changes, versions := changesOf(b)
		if err := s.InsertSessions(ctx, "younger", changes, versions); err != nil {
			t.Fatal(err)
		}
		before := sessionDifferences(t, s)
		const later = 3_600_000 // what goes on behind it is for the second call
		mended, err := s.MendSeams(ctx, edge, edge+later, stream.SessionsOf)
		if err == nil {
			var more int
			more, err = s.MendSeams(ctx, edge+later, latest, stream.SessionsOf)
			mended, second = mended+more, second+more
		}
		if err != nil || (mended == 0) != (before == 0) {
			t.Errorf("seed %d: %d visits are mended, %v; %d differences before", seed, mended, err, before)
		}
		cut += mended
		if after := sessionDifferences(t, s); after != 0 {
			t.Errorf("seed %d: %d differences of sessions, %d before", seed, after, before)
		}
		if again, err := s.MendSeams(ctx, edge, latest, stream.SessionsOf); err != nil || again != 0 {
			t.Errorf("seed %d: %d more are mended, %v", seed, again, err)
		}
	}
	if cut == 0 || second == 0 || second == cut {
		t.Errorf("%d visits were cut, %d of them mended later", cut, second)
	}
}

// sessionDifferences counts what an audit finds of sessions: the ledger is not filled here.
func sessionDifferences(t *testing.T, s *Store) (n int) {
	t.Helper()
	for _, d := range auditOf(t, s).Differences {
		if strings.HasPrefix(d.What, "session") {
			n++
		}
	}
	return n
}

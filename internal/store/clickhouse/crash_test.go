package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/local"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/store"
)

var errKill = errors.New("killed")

var points = []string{PointBegun, PointNoted, PointEvents, PointSessions, PointLedger, PointFailed, PointMoved}

// A commit that is ended at any point is stored once: by the same batch again, or by the next writer's Position.
func TestCommitIsFinished(t *testing.T) {
	for _, point := range points {
		for _, again := range []bool{true, false} {
			s := openTest(t)
			h := newHistory(3, historyStart, 2*24*time.Hour)
			ctx, kills := context.Background(), 0
			w := s.Writer(WriterOptions{FailPoint: func(at string) error {
				if at == point && kills == 0 {
					kills++
					return errKill
				}
				return nil
			}})
			first, second := h.batch(60), h.batch(60)
			if err := w.Commit(ctx, first); !errors.Is(err, errKill) {
				t.Fatalf("%s: %v", point, err)
			}
			if !again {
				w = s.Writer(WriterOptions{})
				next, err := w.Position(ctx)
				if err != nil || next != 0 && next != first.Next || (next == 0) != (point == PointBegun) {
					t.Fatalf("%s: position %d, %v", point, next, err)
				}
				if next == 0 {
					again = true
				}
			}
			batches := []*store.Batch{second}
			if again {
				batches = []*store.Batch{first, second}
			}
			for _, b := range batches {
				if err := w.Commit(ctx, b); err != nil {
					t.Fatalf("%s: %v", point, err)
				}
			}
			if n, err := s.Writer(WriterOptions{}).Position(ctx); err != nil || n != second.Next {
				t.Errorf("%s: position %d, %v", point, n, err)
			}
			h.check(t, s, point)
		}
	}
}

// check compares the store with what the history has committed.
func (h *history) check(t *testing.T, s *Store, when string) {
	t.Helper()
	n := int64(len(h.events))
	for what, sql := range map[string]string{"events": "select count() from events", "ids": "select uniqExact(website_id, event_id) from events",
		"event hours": "select sum(rows) from event_hours", "stored": "select sum(count) from ledger where outcome = 'stored'", "received": "select sum(count) from ledger where outcome = 'received'"} {
		if got := count(t, s, sql); got != n {
			t.Errorf("%s: %d %s, want %d", when, got, what, n)
		}
	}
	for _, site := range []string{"s", "other"} {
		got, err := sessionsOf(s, site)
		if err != nil {
			t.Fatal(err)
		}
		if want := h.naive(site); !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("%s: sessions of %s differ:\n%v\n%v", when, site, sorted(got), sorted(want))
		}
	}
}

func sorted(sessions []event.Session) (out []string) {
	for i := range sessions {
		out = append(out, fmt.Sprintf("%+v", sessions[i]))
	}
	slices.Sort(out)
	return out
}

// appendEvents puts events and their receipts into a log, some of them twice.
func appendEvents(t *testing.T, r *rand.Rand, log eventlog.Appender, events []event.Event) (duplicates int) {
	t.Helper()
	for chunk := range slices.Chunk(events, 7) {
		var records []eventlog.Record
		for i := range chunk {
			e := &chunk[i]
			copies := 1 + r.IntN(5)/4
			duplicates += copies - 1
			for range copies {
				records = append(records, eventlog.Record{Value: e.AppendRecord(nil)})
			}
			receipt := event.Receipt{WebsiteID: e.WebsiteID, ReceivedAt: e.ReceivedAt, Received: int64(copies)}
			records = append(records, eventlog.Record{Value: receipt.AppendRecord(nil)})
		}
		if err := log.Append(context.Background(), eventlog.RawEvents, records); err != nil {
			t.Fatal(err)
		}
	}
	return duplicates
}

// The processor runs a log of duplicates and late events into the store, beside the stream, and is killed at every point:
// each event is stored once, and the sessions are those of all events.
func TestProcessorIsKilled(t *testing.T) {
	s := openTest(t)
	log, err := local.Open(local.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	ctx, r := context.Background(), rand.New(rand.NewPCG(4, 2))
	h := newHistory(8, historyStart, 4*24*time.Hour)
	streamed := h.batch(80) // came by the stream: the log brings some of them again
	changes, versions := changesOf(streamed)
	for _, err := range []error{s.InsertEvents(ctx, "stream", streamed.Events, Provenance{Topic: "events"}), s.InsertSessions(ctx, "stream", changes, versions), s.InsertLedger(ctx, "stream", streamed.Ledger)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	duplicates := appendEvents(t, r, log, streamed.Events[:20]) + 20
	imported := h.batch(260)
	duplicates += appendEvents(t, r, log, imported.Events)
	kills := map[string]int{}
	var mu sync.Mutex // the reader and the committer may be killed
	for round := 0; ; round++ {
		steps := 0
		kill := func(at string) error {
			mu.Lock()
			defer mu.Unlock()
			if steps++; len(kills) < len(points)+4 && steps > 2+r.IntN(14) && kills[at] < 2 {
				kills[at]++
				return errKill
			}
			return nil
		}
		w := s.Writer(WriterOptions{Topic: string(eventlog.RawEvents), FailPoint: kill})
		p := load.New(load.Options{Log: log, Store: w, Dedupe: w.Dedupe(), Shared: true, MaxBatchEvents: 1 + r.IntN(40), Tick: time.Millisecond, MaxKeys: 5, FailPoint: kill,
			Logger: slog.New(slog.DiscardHandler)})
		run, cancel := context.WithTimeout(ctx, 2*time.Minute)
		done := make(chan error, 1)
		go func() { done <- p.Run(run) }()
		err := p.Flush(run)
		cancel()
		if runErr := <-done; err != nil && !errors.Is(runErr, errKill) && !errors.Is(runErr, context.Canceled) {
			t.Fatal(err, runErr)
		}
		if err == nil {
			break
		}
		if round > 200 {
			t.Fatal("it does not end")
		}
	}
	t.Logf("kills: %v", kills)
	if len(kills) < 6 {
		t.Errorf("killed at %v only", kills)
	}
	h.checkEvents(t, s, duplicates)
}

// checkEvents is check for a log with duplicates.
func (h *history) checkEvents(t *testing.T, s *Store, duplicates int) {
	t.Helper()
	n := int64(len(h.events))
	for what, pair := range map[string][2]int64{
		"events":      {count(t, s, "select count() from events"), n},
		"event hours": {count(t, s, "select sum(rows) from event_hours"), n},
		"stored":      {count(t, s, "select sum(count) from ledger where outcome = 'stored'"), n},
		"duplicates":  {count(t, s, "select sum(count) from ledger where outcome = 'duplicate'"), int64(duplicates)},
		"received":    {count(t, s, "select sum(count) from ledger where outcome = 'received'"), n + int64(duplicates)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%d %s, want %d", pair[0], what, pair[1])
		}
	}
	for _, site := range []string{"s", "other"} {
		got, err := sessionsOf(s, site)
		if err != nil {
			t.Fatal(err)
		}
		if want := h.naive(site); !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("sessions of %s differ:\n%v\n%v", site, sorted(got), sorted(want))
		}
	}
}

// The server is killed and started again, by the command that FOOTFALL_TEST_CLICKHOUSE_KILL names, while a processor and a
// loader write to it: each goes on until all is stored, once.
func TestServerIsKilled(t *testing.T) {
	command := os.Getenv("FOOTFALL_TEST_CLICKHOUSE_KILL")
	if command == "" {
		t.Skip("no kill: set FOOTFALL_TEST_CLICKHOUSE_KILL to a command that kills the server and starts it again; nobody else may use it")
	}
	s := openTest(t)
	log, err := local.Open(local.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	run, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	r, h := rand.New(rand.NewPCG(4, 2)), newHistory(12, historyStart, 4*24*time.Hour)
	imported := h.batch(3000)
	duplicates := appendEvents(t, r, log, imported.Events)
	streamed := newHistory(13, historyStart, 4*24*time.Hour)

	var work sync.WaitGroup
	stop := make(chan struct{})
	kills, tries, loads := 0, 0, 0
	work.Go(func() { // the loader: the same range until it is in
		for loads = 0; ; loads++ {
			select {
			case <-stop:
				return
			default:
			}
			b := streamed.batch(40)
			for i := range b.Events {
				b.Events[i].WebsiteID = "streamed"
			}
			for tries++; s.InsertEvents(run, fmt.Sprint("stream-", loads), b.Events, Provenance{Topic: "events"}) != nil && run.Err() == nil; tries++ {
				time.Sleep(20 * time.Millisecond)
			}
		}
	})
	w := s.Writer(WriterOptions{Topic: string(eventlog.RawEvents)})
	p := load.New(load.Options{Log: log, Store: w, Dedupe: w.Dedupe(), Shared: true, MaxBatchEvents: 25, Tick: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	done := make(chan error, 1)
	go func() { done <- p.Run(run) }()
	for ; kills < 4 && run.Err() == nil; kills++ {
		if out, err := exec.CommandContext(run, command).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		select {
		case <-run.Done():
		case <-time.After(time.Duration(500+r.IntN(1500)) * time.Millisecond):
		}
	}
	position := p.Position()
	err = p.Flush(run)
	close(stop)
	work.Wait()
	cancel()
	if runErr := <-done; err != nil || !errors.Is(runErr, context.Canceled) {
		t.Fatal(err, runErr)
	}
	t.Logf("%d kills, the last at offset %d; %d ranges in %d tries", kills, position, loads, tries)
	if got, want := count(t, s, "select sum(rows) from event_hours where website_id = 'streamed'"), int64(40*loads); got != want || count(t, s, "select count() from events where website_id = 'streamed'") != want {
		t.Errorf("%d rows of %d ranges", got, loads)
	}
	if err := s.writer.Exec(context.Background(), "alter table events delete where website_id = 'streamed' settings mutations_sync = 2"); err != nil {
		t.Fatal(err)
	}
	if err := s.writer.Exec(context.Background(), "alter table event_hours delete where website_id = 'streamed' settings mutations_sync = 2"); err != nil {
		t.Fatal(err)
	}
	h.checkEvents(t, s, duplicates)
}

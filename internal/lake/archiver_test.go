package lake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/object/objecttest"
)

// partition is a partition of a log in memory, with the gaps that transactions leave.
type partition struct{ entries []eventlog.Entry }

func (p *partition) Read(_ context.Context, _ eventlog.Topic, _ int32, offset int64, maxBytes int) ([]eventlog.Entry, error) {
	at, _ := slices.BinarySearchFunc(p.entries, offset, func(e eventlog.Entry, o int64) int { return int(e.Offset - o) })
	to := at
	for bytes := 0; to < len(p.entries) && (bytes < maxBytes || to == at); to++ {
		bytes += len(p.entries[to].Value)
	}
	return p.entries[at:to], nil
}

func (p *partition) End(context.Context, eventlog.Topic, int32) (int64, error) {
	return p.entries[len(p.entries)-1].Offset + 2, nil
}

func (p *partition) Wait(ctx context.Context, _ eventlog.Topic, _ int32, offset int64) error {
	if offset <= p.entries[len(p.entries)-1].Offset {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// ranges keeps what a group's offsets keep, through kills.
type ranges struct {
	mu sync.Mutex
	at eventlog.Progress
}

func (r *ranges) Progress(context.Context, eventlog.Claim) (eventlog.Progress, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, nil
}

func (r *ranges) Commit(_ context.Context, _ eventlog.Claim, p eventlog.Progress) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = p
	return nil
}

// shaky is a store that fails now and then, before or after it has taken an object.
type shaky struct {
	lake.Store
	r *rand.Rand
}

var errShaky, errKilled = errors.New("the store is away"), errors.New("killed")

func (s *shaky) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	if s.r.IntN(8) == 0 {
		return errShaky
	}
	err := s.Store.Put(ctx, key, body, size)
	if s.r.IntN(8) == 0 {
		return errShaky
	}
	return err
}

func logOf(r *rand.Rand, events int) (p *partition, ids map[event.UUID]int64) {
	p, ids = &partition{}, map[event.UUID]int64{}
	day, offset := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), int64(0)
	for n := range events {
		e := event.Event{WebsiteID: fmt.Sprint("site", r.IntN(3)), Type: event.Pageview, Timestamp: day + r.Int64N(4*event.DayMillis), Page: fmt.Sprint("/", n), ScrollDepth: event.NoScroll}
		e.ReceivedAt = e.Timestamp + 5
		for i := range e.ID {
			e.ID[i] = byte(r.Uint32())
		}
		ids[e.ID] = offset
		p.entries = append(p.entries, eventlog.Entry{Offset: offset, Value: e.AppendRecord(nil)})
		if offset += 1 + r.Int64N(3); n%10 == 0 {
			p.entries = append(p.entries, eventlog.Entry{Offset: offset, Value: event.Tick{At: int64(n)}.AppendRecord(nil)})
			offset++
		}
	}
	return p, ids
}

// An archiver that is killed at any of its points, over a store that fails at times, leaves each event once in files that do not
// overlap.
func TestArchiverIsKilled(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			kill(t, object.Folder(t.TempDir()), seed)
		})
	}
	t.Run("s3", func(t *testing.T) { kill(t, objecttest.S3(t, os.Getenv("FOOTFALL_TEST_S3")), 99) })
}

func kill(t *testing.T, store lake.Store, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	log, ids := logOf(rand.New(rand.NewPCG(seed, 1)), 250)
	r, kills, done := rand.New(rand.NewPCG(seed, 2)), 0, &ranges{}
	archive := lake.NewArchive(lake.ArchiveOptions{Store: &shaky{store, r}, Logger: slog.New(slog.DiscardHandler)})
	go func() {
		end, _ := log.End(ctx, "", 0)
		for ctx.Err() == nil {
			if p, _ := done.Progress(ctx, eventlog.Claim{}); p.Next == p.To && p.Next >= end-1 {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for ctx.Err() == nil {
		l := load.NewLoader(load.LoaderOptions{
			Log: log, Ranges: done, Inserts: map[eventlog.Topic]load.Insert{eventlog.Events: archive.Insert(eventlog.Events)},
			MaxEntries: 60 + int(seed), Interval: time.Microsecond, AtOnce: 1, Logger: slog.New(slog.DiscardHandler),
			FailPoint: func(string) error {
				if r.IntN(3) == 0 {
					return errKilled
				}
				return nil
			},
		})
		if err := l.Run(ctx, eventlog.Claim{Topic: eventlog.Events}); errors.Is(err, errKilled) {
			kills++
		} else if ctx.Err() == nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(ctx.Err(), context.Canceled) || kills == 0 {
		t.Fatalf("%v, %d kills", ctx.Err(), kills)
	}
	from, to := lake.Always()
	files, err := lake.Files(t.Context(), store, from, to)
	if err != nil {
		t.Fatal(err)
	}
	raw := map[event.UUID]int64{}
	for _, file := range files {
		if err := lake.ReadFile(t.Context(), store, file.Key, func(_ int, row *lake.Row) error {
			if _, twice := raw[row.ID]; twice {
				t.Errorf("event at %d stands twice", row.Position)
			}
			raw[row.ID] = row.Position
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(raw, ids) {
		t.Errorf("%d events are in the archive, want %d, after %d kills", len(raw), len(ids), kills)
	}
}

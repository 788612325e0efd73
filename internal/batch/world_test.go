package batch_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/batch"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// world is a cluster in memory: an event store, an archive, a job that makes of it what Spark would, and rollups. The step numbered
// fail (from 1 on) of all that is asked of them fails, before or after it has done what it should.
type world struct {
	objects
	now      time.Time
	stored   []event.Event
	archived []event.Event
	sessions map[event.SessionRef]event.Session
	changes  map[batch.SiteDay]uint64
	rolled   map[batch.SiteDay]uint64
	rollups  map[string]map[time.Time][]string

	steps, fail int
	after       bool
	kept        map[string]time.Time
	before      func(step int) // may change the world
}

var errStep = errors.New("it fails here")

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		objects: objects{}, now: time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC), sessions: map[event.SessionRef]event.Session{},
		changes: map[batch.SiteDay]uint64{}, rolled: map[batch.SiteDay]uint64{}, rollups: map[string]map[time.Time][]string{"page_views": {}, "sources": {}},
	}
}

func (w *world) batch() *batch.Batch {
	return batch.New(batch.Options{Objects: w, Archive: w, Spark: jobOf{w}, Rollups: rollupStore{w}, Store: storeOf{w}, Clock: func() time.Time {
		w.now = w.now.Add(time.Second)
		return w.now
	}, Logger: slog.New(slog.DiscardHandler)})
}

// step does what it should, or fails.
func (w *world) step(do func() error) error {
	w.steps++
	if w.before != nil {
		w.before(w.steps)
	}
	if w.steps == w.fail && !w.after {
		return errStep
	}
	if err := do(); err != nil {
		return err
	}
	if w.steps == w.fail {
		return errStep
	}
	return nil
}

func dayOf(ms int64) time.Time { return time.UnixMilli(ms).UTC().Truncate(day) }

func makeSessions(events []event.Event) map[event.SessionRef]event.Session {
	operator := stream.NewSessions(0, stream.NothingStored)
	operator.Missing(events)
	var changes stream.Changes
	operator.Apply(events)
	operator.Settle(&changes)
	made := map[event.SessionRef]event.Session{}
	for _, s := range changes.Upserts {
		made[s.Ref()] = s
	}
	return made
}

// come stores events with the right sessions, and archives them where archived.
func (w *world) come(archived bool, events ...event.Event) {
	w.stored = append(w.stored, events...)
	for i := range events {
		w.changes[batch.SiteDay{WebsiteID: events[i].WebsiteID, Day: dayOf(events[i].Timestamp)}]++
	}
	if archived {
		w.archived = append(w.archived, events...)
	}
	made := makeSessions(w.stored)
	for ref, s := range made {
		if old, ok := w.sessions[ref]; !ok || fmt.Sprint(old) != fmt.Sprint(s) {
			w.put(s)
		}
	}
	for ref, s := range w.sessions {
		if _, ok := made[ref]; !ok {
			w.take(s)
		}
	}
}

func (w *world) put(s event.Session) {
	w.sessions[s.Ref()] = s
	for at := dayOf(s.ChainStart); !at.After(dayOf(s.End)); at = at.Add(day) {
		w.changes[batch.SiteDay{WebsiteID: s.WebsiteID, Day: at}]++
	}
}

func (w *world) take(s event.Session) {
	delete(w.sessions, s.Ref())
	for at := dayOf(s.Start).Add(-day); !at.After(dayOf(s.Start).Add(day)); at = at.Add(day) {
		w.changes[batch.SiteDay{WebsiteID: s.WebsiteID, Day: at}]++
	}
}

func sortSessions(all map[event.SessionRef]event.Session) []event.Session {
	return slices.SortedFunc(maps.Values(all), func(a, b event.Session) int {
		return cmp.Or(strings.Compare(a.WebsiteID, b.WebsiteID), cmp.Compare(a.Start, b.Start), strings.Compare(a.SessionID, b.SessionID), cmp.Compare(a.Band, b.Band))
	})
}

// storeOf is the event store.
type storeOf struct{ *world }

func (w storeOf) Days(_ context.Context, from, to time.Time) (days []batch.DayState, err error) {
	err = w.step(func() error {
		for key, n := range w.changes {
			if !key.Day.Before(from) && key.Day.Before(to) {
				days = append(days, batch.DayState{SiteDay: key, Changes: n, Rolled: w.rolled[key]})
			}
		}
		return nil
	})
	return days, err
}

func tally(events []event.Event, from, to time.Time) map[batch.SiteDay]batch.Tally {
	tallies := map[batch.SiteDay]batch.Tally{}
	for i := range events {
		e := &events[i]
		if e.Timestamp >= from.UnixMilli() && e.Timestamp < to.UnixMilli() {
			key := batch.SiteDay{WebsiteID: e.WebsiteID, Day: dayOf(e.Timestamp)}
			c := tallies[key]
			c.Events++
			c.Checksum += uint64(crc32.ChecksumIEEE(fmt.Appendf(nil, "%s/%s/%d/%d", e.ID, e.SessionID, e.Timestamp, e.BotBand)))
			tallies[key] = c
		}
	}
	return tallies
}

func (w storeOf) Tallies(_ context.Context, from, to time.Time) (tallies map[batch.SiteDay]batch.Tally, err error) {
	err = w.step(func() error { tallies = tally(w.stored, from, to); return nil })
	return tallies, err
}

func (w storeOf) Sessions(_ context.Context, from, to, ending time.Time, yield func(*event.Session) error) error {
	return w.step(func() error {
		for _, s := range sortSessions(w.sessions) {
			if s.Start >= from.UnixMilli() && s.Start < to.UnixMilli() && s.End >= ending.UnixMilli() {
				if err := yield(&s); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (w storeOf) Repair(_ context.Context, _ time.Time, changes []event.SessionChange) error {
	return w.step(func() error {
		for i := range changes {
			if s := changes[i].Session; changes[i].Withdrawn {
				w.take(s)
			} else {
				w.put(s)
			}
		}
		return nil
	})
}

func (w storeOf) Mark(_ context.Context, days []batch.DayState) error {
	return w.step(func() error {
		for _, d := range days {
			w.rolled[d.SiteDay] = d.Rolled
		}
		return nil
	})
}

func (w storeOf) Kept(context.Context) (store.Kept, error) { return store.Kept{Sites: w.kept}, nil }

// rollupStore holds the lines of days.
type rollupStore struct{ *world }

func (w rollupStore) Replace(ctx context.Context, datasource string, days batch.Range, keys []string) error {
	return w.step(func() error {
		fresh := map[time.Time][]string{}
		for _, key := range keys {
			_, rest, _ := strings.Cut(key, "/date=")
			at, err := time.Parse(time.DateOnly, rest[:len(time.DateOnly)])
			if err != nil {
				return err
			}
			body, err := w.objects.Get(ctx, key)
			if err != nil {
				return err
			}
			unzip, err := gzip.NewReader(body)
			if err != nil {
				return err
			}
			text, err := io.ReadAll(unzip)
			if err != nil {
				return err
			}
			fresh[at] = append(fresh[at], strings.Split(strings.TrimSpace(string(text)), "\n")...)
			_ = body.Close()
		}
		for _, at := range days.Each() {
			delete(w.rollups[datasource], at)
			if len(fresh[at]) > 0 {
				w.rollups[datasource][at] = fresh[at]
			}
		}
		return nil
	})
}

func (w *world) Presign(_ context.Context, key string, _ time.Duration) (string, error) {
	return key, w.step(func() error { return nil })
}

func (w *world) Get(ctx context.Context, key string) (body io.ReadCloser, err error) {
	err = w.step(func() error { body, err = w.objects.Get(ctx, key); return err })
	return body, err
}

func (w *world) List(ctx context.Context, prefix string, yield func(object.Object) error) error {
	return w.step(func() error { return w.objects.List(ctx, prefix, yield) })
}

func (w *world) Delete(ctx context.Context, keys ...string) error {
	return w.step(func() error { return w.objects.Delete(ctx, keys...) })
}

// jobOf makes of the archive what Spark would.
type jobOf struct{ *world }

func (w jobOf) Run(ctx context.Context, job batch.Job) error {
	files := w.made(job.Range)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := w.step(func() error {
			var zipped bytes.Buffer
			zip, _ := gzip.NewWriterLevel(&zipped, gzip.HuffmanOnly)
			_, _ = zip.Write([]byte(strings.Join(files[name], "\n") + "\n"))
			_ = zip.Close()
			return w.objects.Put(ctx, job.Folder+"/"+name+"/part-0.json.gz", &zipped, int64(zipped.Len()))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// made are the lines by folder. The rollups are not those of Spark, but as much a matter of events and sessions.
func (w jobOf) made(days batch.Range) map[string][]string {
	files := map[string][]string{}
	line := func(what string, at time.Time, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		name := what + "/date=" + at.Format(time.DateOnly)
		files[name] = append(files[name], string(text))
	}
	const margin = day + 30*time.Minute
	from, to := days.From.Add(-margin), days.To.Add(margin)
	var read []event.Event
	for _, e := range w.archived {
		if e.Timestamp >= from.UnixMilli() && e.Timestamp < to.UnixMilli() {
			read = append(read, e)
		}
	}
	tallies := tally(read, from, to)
	for _, key := range slices.SortedFunc(maps.Keys(tallies), func(a, b batch.SiteDay) int {
		return cmp.Or(a.Day.Compare(b.Day), strings.Compare(a.WebsiteID, b.WebsiteID))
	}) {
		line("counts", key.Day, batch.Counts{WebsiteID: key.WebsiteID, Events: tallies[key].Events, Checksum: tallies[key].Checksum})
		if !key.Day.Before(days.From) && key.Day.Before(days.To) {
			line("page_views", key.Day, batch.Counts{WebsiteID: key.WebsiteID, Events: tallies[key].Events, Checksum: tallies[key].Checksum})
		}
	}
	for _, s := range sortSessions(makeSessions(read)) {
		if s.Start < days.To.UnixMilli() && s.End >= days.From.UnixMilli() {
			line("sessions", dayOf(s.Start), rowOfSession(&s))
		}
		if s.Start < days.To.UnixMilli() && s.Start >= days.From.UnixMilli() {
			line("sources", dayOf(s.Start), rowOfSession(&s))
		}
	}
	return files
}

// rowOfSession names what the histories here set.
func rowOfSession(s *event.Session) map[string]any {
	return map[string]any{
		"website_id": s.WebsiteID, "session_id": s.SessionID, "bot_band": s.Band, "session_start": s.Start, "chain_start": s.ChainStart, "session_end": s.End,
		"user_id": s.UserID, "sample_key": s.SampleKey, "visitor_coupon": s.VisitorCoupon, "pageviews": s.Pageviews, "events": s.Events,
		"entry_page": s.EntryPage, "exit_page": s.ExitPage, "source": s.Source,
	}
}

// objects is an object store in memory: a folder would sync every file to disk.
type objects map[string][]byte

func (o objects) Put(_ context.Context, key string, body io.Reader, _ int64) (err error) {
	o[key], err = io.ReadAll(body)
	return err
}

func (o objects) Get(_ context.Context, key string) (io.ReadCloser, error) {
	body, ok := o[key]
	if !ok {
		return nil, object.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

func (o objects) List(_ context.Context, prefix string, yield func(object.Object) error) error {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if strings.HasPrefix(key, prefix) {
			if err := yield(object.Object{Key: key, Size: int64(len(o[key]))}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o objects) Delete(_ context.Context, keys ...string) error {
	for _, key := range keys {
		delete(o, key)
	}
	return nil
}

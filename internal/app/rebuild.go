package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/local"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
)

// Rebuilt says what a rebuild has done.
type Rebuilt struct {
	Events int64    `json:"events"` // from the archive
	InLog  int64    `json:"in_log"` // that the archive has too, but come from the log
	Sites  int      `json:"sites"`
	From   string   `json:"from"` // first and last day
	Until  string   `json:"until"`
	Lost   []string `json:"lost"` // website_ids whose events came back, but that the accounts do not know
}

// Rebuild makes the event store of an embedded installation from an archive. No server may run, and there must be no store, or one
// without events. Accounts and log stay as they are: what the log still holds is processed at the next start. The store appears when
// it is whole; after an error or a kill it may be called again.
func Rebuild(ctx context.Context, cfg config.Config, options Options, place string, progress func(Rebuilt)) (report *Rebuilt, err error) {
	if cfg.Clustered() {
		return nil, errors.New("cannot rebuild a cluster: its archive is read by the daily job")
	}
	archive, err := openArchive(&cfg.S3, place)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(cfg.Data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	limitMemory()
	r := &rebuild{cfg: cfg, logger: options.Logger, archive: archive, progress: progress, path: cfg.Path("events.duckdb")}
	if r.logger == nil {
		r.logger = slog.Default()
	}
	if err := r.makeRoom(); err != nil {
		return nil, err
	}
	if err := r.fill(ctx); err != nil {
		return nil, errors.Join(err, removeStore(r.newPath()))
	}
	return &r.Rebuilt, r.show()
}

// rebuild is one call of Rebuild.
type rebuild struct {
	Rebuilt
	cfg      config.Config
	logger   *slog.Logger
	archive  lake.Store
	progress func(Rebuilt)
	path     string // of the store

	log      *local.Log
	inLog    []logID // sorted
	fresh    bool    // the log is empty, and with it the index of duplicates
	remember []event.DedupeKey
	sites    map[string]bool
	erasures event.Erasures // of the archive's list
}

// newPath is where the store is made.
func (r *rebuild) newPath() string { return r.path + ".rebuild" }

func (r *rebuild) openStore(path string) (*duckdb.Store, error) {
	return duckdb.Open(duckdb.Options{Path: path, MemoryLimit: r.cfg.Store.MemoryBytes(), Threads: r.cfg.Store.Threads, Log: r.logger})
}

// makeRoom removes an empty store and the remains of a rebuild that was killed. It refuses to touch events.
func (r *rebuild) makeRoom() error {
	if err := removeStore(r.newPath()); err != nil {
		return err
	}
	if _, err := os.Stat(r.path); errors.Is(err, fs.ErrNotExist) {
		return removeStore(r.path) // a log without its file
	}
	store, err := r.openStore(r.path)
	if err != nil {
		return err
	}
	empty := store.Empty()
	if err := store.Close(); err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("cannot rebuild: the store %q has events; move it away first", r.path)
	}
	return removeStore(r.path)
}

// removeStore removes a store's file and what stands beside it.
func removeStore(path string) error {
	files, err := filepath.Glob(path + ".wal*")
	for _, file := range append(files, path) {
		if e := os.Remove(file); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// fill makes the store.
func (r *rebuild) fill(ctx context.Context) (err error) {
	accounts, err := account.Open(account.Options{Path: r.cfg.Path("accounts.sqlite"), Logger: r.logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, accounts.Close()) }()
	r.log, err = local.Open(local.Options{Dir: r.cfg.Path("log"), MaxAge: time.Duration(r.cfg.Log.RetentionDays) * 24 * time.Hour, MaxBytes: r.cfg.Log.MaxBytes,
		Consumers: []string{consumer}, OnFailure: func(error) {}}) // its calls fail then
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.log.Close()) }()
	next, err := r.readLog(ctx)
	if err != nil {
		return err
	}
	store, err := r.openStore(r.newPath())
	if err != nil {
		return err
	}
	if err = r.refill(ctx, store, next); err == nil {
		err = r.derive(ctx, store, accounts)
	}
	return errors.Join(err, store.Close())
}

// logID names one occurrence of an id. The archive and the log hold the same one under the same name.
type logID struct {
	site       uint64 // xxh64
	id         event.UUID
	receivedAt int64
}

func logIDOf(e *event.Event) logID { return logID{xxhash.Sum64String(e.WebsiteID), e.ID, e.ReceivedAt} }

func compareLogIDs(a, b logID) int {
	return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.site, b.site), cmp.Compare(a.receivedAt, b.receivedAt))
}

// readLog notes the events that the log holds and that are no duplicates: they come from there, with their receipts. It returns
// where the store goes on.
func (r *rebuild) readLog(ctx context.Context) (next int64, err error) {
	var trimmed *eventlog.TrimmedError
	if _, err := r.log.Read(ctx, eventlog.RawEvents, 0, 0, 1); errors.As(err, &trimmed) {
		next = trimmed.First
	} else if err != nil {
		return 0, err
	}
	end, err := r.log.End(ctx, eventlog.RawEvents, 0)
	if err != nil {
		return 0, err
	}
	if end == 0 {
		return r.begin(ctx)
	}
	for at := next; at < end; {
		entries, err := r.log.Read(ctx, eventlog.RawEvents, 0, at, 4<<20)
		if err != nil {
			return 0, err
		}
		if len(entries) == 0 {
			break
		}
		if err := r.noteEntries(ctx, entries); err != nil {
			return 0, err
		}
		at = entries[len(entries)-1].Offset + 1
	}
	r.fresh = end == 1 && len(r.inLog) == 0 // the tick of a rebuild that ended early
	slices.SortFunc(r.inLog, compareLogIDs)
	return next, r.log.Commit(ctx, consumer, eventlog.RawEvents, 0, next) // else retention may take what the store needs again
}

// begin puts a first record into an empty log, so that archived ids can stand before all that will come.
func (r *rebuild) begin(ctx context.Context) (next int64, err error) {
	r.fresh = true
	tick := event.Tick{At: time.Now().UnixMilli()}
	return 1, r.log.Append(ctx, eventlog.RawEvents, []eventlog.Record{{Value: tick.AppendRecord(nil)}})
}

func (r *rebuild) noteEntries(ctx context.Context, entries []eventlog.Entry) error {
	var keys []event.DedupeKey
	var ids []logID
	for i := range entries {
		var e event.Event
		if event.RecordKind(entries[i].Value) != event.KindEvent || e.DecodeEvent(entries[i].Value) != nil {
			continue
		}
		keys = append(keys, event.DedupeKey{WebsiteID: e.WebsiteID, EventID: e.ID, Offset: entries[i].Offset, ReceivedAt: e.ReceivedAt})
		ids = append(ids, logIDOf(&e))
	}
	duplicate, err := r.log.Duplicates().Resolve(ctx, keys)
	for i, id := range ids {
		if err == nil && !duplicate[i] {
			r.inLog = append(r.inLog, id)
		}
	}
	return err
}

// refill takes the events of the archive that the log does not hold.
func (r *rebuild) refill(ctx context.Context, store *duckdb.Store, next int64) error {
	refill := load.NewRefill(store, next, r.logger)
	from, until := lake.Always()
	r.sites = map[string]bool{}
	if err := r.takeErasures(ctx, store); err != nil {
		return err
	}
	first, last, told := until.UnixMilli(), from.UnixMilli(), time.Now()
	err := lake.Scan(ctx, r.archive, from, until, func(row *lake.Row) error {
		if r.erasures.Covers(&row.Event) {
			return nil
		}
		first, last = min(first, row.Timestamp), max(last, row.Timestamp)
		r.sites[row.WebsiteID] = true
		if _, is := slices.BinarySearchFunc(r.inLog, logIDOf(&row.Event), compareLogIDs); is {
			r.InLog++
			return nil
		}
		if err := r.learn(ctx, &row.Event, false); err != nil {
			return err
		}
		if r.Events++; time.Since(told) > time.Second {
			told = time.Now()
			r.progress(r.Rebuilt)
		}
		return refill.Add(ctx, &row.Event)
	})
	if err != nil {
		return err
	}
	if r.Events+r.InLog == 0 {
		return errors.New("cannot rebuild: the archive has no events")
	}
	r.From, r.Until = time.UnixMilli(first).UTC().Format(time.DateOnly), time.UnixMilli(last).UTC().Format(time.DateOnly)
	if err := r.learn(ctx, nil, true); err != nil {
		return err
	}
	return refill.Finish(ctx)
}

// takeErasures gives the new store the archive's list of what is to be forgotten: an archiver writes what it is given.
func (r *rebuild) takeErasures(ctx context.Context, store *duckdb.Store) error {
	list, err := lake.Erasures(ctx, r.archive)
	if err != nil {
		return err
	}
	for i := range list {
		r.erasures.Add(list[i])
		if err := store.KeepErased(ctx, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

const learnBatch = 20_000

// learn tells an index of duplicates that knows nothing which ids are stored, as far as they may come again.
func (r *rebuild) learn(ctx context.Context, e *event.Event, flush bool) error {
	if e != nil && r.fresh && (e.Flags&event.Imported != 0 || time.Now().UnixMilli()-e.ReceivedAt < event.LateLimitMillis+event.DayMillis) {
		r.remember = append(r.remember, event.DedupeKey{WebsiteID: e.WebsiteID, EventID: e.ID, Offset: 0, ReceivedAt: e.ReceivedAt})
	}
	if len(r.remember) < learnBatch && !flush {
		return nil
	}
	_, err := r.log.Duplicates().Resolve(ctx, r.remember)
	r.remember = r.remember[:0]
	return err
}

// derive builds the rollups, so that the first answers are quick, and looks for sites that the accounts do not know.
func (r *rebuild) derive(ctx context.Context, store *duckdb.Store, accounts *account.Store) error {
	for _, site := range accounts.All() {
		if err := store.BuildRollups(ctx, site, time.Now().UnixMilli()); err != nil {
			return err
		}
	}
	r.Lost = []string{}
	for id := range r.sites {
		if _, known := accounts.ByID(id); !known {
			r.Lost = append(r.Lost, id)
		}
	}
	slices.Sort(r.Lost)
	r.Sites = len(r.sites)
	return nil
}

// show gives the finished store its name.
func (r *rebuild) show() error {
	if left, err := filepath.Glob(r.newPath() + ".wal*"); err != nil || len(left) > 0 {
		return fmt.Errorf("cannot rebuild: the new store was not closed well: %w", errors.Join(err, removeStore(r.newPath())))
	}
	if err := os.Rename(r.newPath(), r.path); err != nil {
		return fmt.Errorf("cannot show the new store: %w", err)
	}
	dir, err := os.Open(r.cfg.Data)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

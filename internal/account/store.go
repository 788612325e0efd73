package account

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options configure a Store. All but Path may be left out.
type Options struct {
	Path   string           // file of the database; made with mode 0600 when missing
	Clock  func() time.Time // default time.Now; the times of logins are always the system's
	Logger *slog.Logger     // default slog.Default()
	// MaxHashes is how many passwords may be hashed at a time, 19 MiB each; default half of the processors, at least 1.
	MaxHashes int
	// FlushEvery is how often the last uses of keys are written and ended logins removed; default a minute.
	FlushEvery time.Duration
}

func (o *Options) setDefaults() {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxHashes <= 0 {
		o.MaxHashes = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if o.FlushEvery <= 0 {
		o.FlushEvery = time.Minute
	}
}

// Store is the accounts of one installation. It is safe for concurrent use.
type Store struct {
	options  Options
	db       *sql.DB
	snapshot atomic.Pointer[snapshot]
	logins   *scs.SessionManager
	tokens   *tokenStore
	hasher   *hasher
	tries    *tries

	// write is held from the first statement of a change until its snapshot is published, so that snapshots
	// are published in the order of their transactions.
	write sync.Mutex

	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// Open opens the database at options.Path, makes or migrates its tables and reads the snapshot.
// The caller must Close the Store.
func Open(options Options) (*Store, error) {
	options.setDefaults()
	db, err := openDB(options.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot open accounts at %q: %w", options.Path, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{options: options, db: db, stop: stop, hasher: newHasher(options.MaxHashes), tries: newTries()}
	s.tokens = &tokenStore{db: db}
	s.logins = newLogins(s.tokens)
	if err := s.publish(ctx); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("cannot read accounts at %q: %w", options.Path, err), db.Close())
	}
	s.stopped.Go(func() { s.maintain(ctx) })
	return s, nil
}

// openDB opens and migrates the file. WAL with full synchronisation: an answered change survives a power cut.
func openDB(path string) (*sql.DB, error) {
	if path == "" {
		return nil, errors.New("no path is given")
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	pragmas := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	if err := migrate(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func migrate(db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(context.Background())
	return err
}

// Close writes the last uses of keys and closes the database.
func (s *Store) Close() error {
	s.stop()
	s.stopped.Wait()
	return errors.Join(s.flushUses(context.Background()), s.db.Close())
}

// maintain writes what may be written late, until ctx ends.
func (s *Store) maintain(ctx context.Context) {
	ticker := time.NewTicker(s.options.FlushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := errors.Join(s.flushUses(ctx), s.tokens.removeEnded(ctx)); err != nil && ctx.Err() == nil {
			s.options.Logger.Error("cannot maintain accounts", "error", err)
		}
	}
}

// change runs do in a transaction, then publishes the snapshot that shows it.
func (s *Store) change(ctx context.Context, do func(tx *sql.Tx) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	// The change is committed: it must become visible even if the caller has gone.
	return s.publish(context.WithoutCancel(ctx))
}

func (s *Store) nowMillis() int64 { return s.options.Clock().UnixMilli() }

package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Options configure a Store. All but one of Path and DSN may be left out.
type Options struct {
	Path string // file of a SQLite database; made with mode 0600 when missing
	// DSN names a PostgreSQL database that several processes may share, as a URL (postgres://user:password@host/database) or
	// as key=value pairs; several hosts with target_session_attrs=read-write follow a failover. A pooler in between must keep
	// sessions.
	DSN    string
	Clock  func() time.Time // default time.Now; the times of logins are always the system's, those of salts on PostgreSQL the server's
	Logger *slog.Logger     // default slog.Default()
	// MaxHashes is how many passwords may be hashed at a time, 19 MiB each; default half of the processors, at least 1.
	MaxHashes int
	// FlushEvery is how often the last uses of keys are written, and ended logins and old salts removed; default a minute.
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

// Store is the accounts of one installation. It is safe for concurrent use, and other processes may have Stores on the same
// PostgreSQL database.
type Store struct {
	options  Options
	db       *database
	snapshot atomic.Pointer[snapshot]
	logins   *scs.SessionManager
	tokens   *tokenStore
	hasher   *hasher
	tries    *tries

	// write has room for one: it is held from the first statement of a change until its snapshot is published, so that
	// snapshots are published in the order of their transactions.
	write chan struct{}

	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// Open opens the database that the options name, makes or migrates its tables and reads the snapshot.
// The caller must Close the Store.
func Open(options Options) (*Store, error) {
	options.setDefaults()
	db, err := openDatabase(&options)
	if err != nil {
		return nil, fmt.Errorf("cannot open accounts%s: %w", options.place(), err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{options: options, db: db, stop: stop, hasher: newHasher(options.MaxHashes), tries: newTries(), write: make(chan struct{}, 1)}
	s.tokens = &tokenStore{db: db}
	s.logins = newLogins(s.tokens)
	if err := s.refresh(ctx); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("cannot read accounts%s: %w", options.place(), err), db.pool.Close())
	}
	s.stopped.Go(func() { s.maintain(ctx) })
	if db.postgres != nil {
		s.stopped.Go(func() { s.follow(ctx) })
	}
	return s, nil
}

// place names the database in errors; a DSN has a password, and pgx names the server where that helps.
func (o *Options) place() string {
	if o.Path == "" {
		return ""
	}
	return fmt.Sprintf(" at %q", o.Path)
}

// Close writes the last uses of keys and closes the database.
func (s *Store) Close() error {
	s.stop()
	s.stopped.Wait()
	return errors.Join(s.flushUses(context.Background()), s.db.pool.Close())
}

// maintain does what may be done late, until ctx ends.
func (s *Store) maintain(ctx context.Context) {
	ticker := time.NewTicker(s.options.FlushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
			s.options.Logger.Error("cannot maintain accounts", "error", err)
		}
	}
}

func (s *Store) tidy(ctx context.Context) error {
	err := errors.Join(s.flushUses(ctx), s.tokens.removeEnded(ctx), s.forgetSalts(ctx))
	if s.db.postgres != nil && err == nil {
		return s.refresh(ctx) // shows when other processes saw the keys last
	}
	return err
}

// change runs do in a transaction, and publishes the snapshot that shows it once it is committed. Other processes' changes
// wait meanwhile: what do finds in now, the snapshot as the transaction begins, and in tx stays true until its end. do may
// run several times.
func (s *Store) change(ctx context.Context, do func(ctx context.Context, tx *sql.Tx, now *snapshot) error) error {
	ctx, cancel := s.db.bound(ctx)
	defer cancel()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	var next *snapshot
	err := s.db.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		now, err := s.raise(ctx, tx)
		if err != nil {
			return err
		}
		if err := do(ctx, tx, now); err != nil {
			return err
		}
		if err := s.db.announce(ctx, tx); err != nil {
			return err
		}
		// Read before the end: nothing can fail between the commit and its publication.
		next, err = readSnapshot(ctx, tx, s.snapshot.Load())
		return err
	})
	if err == nil {
		s.snapshot.Store(next)
	}
	return err
}

func (s *Store) lock(ctx context.Context) error {
	select {
	case s.write <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Store) unlock() { <-s.write }

// raise takes the lock of all changes, which is the row of the revision, and returns the snapshot of before this change.
func (s *Store) raise(ctx context.Context, tx *sql.Tx) (*snapshot, error) {
	var revision int64
	if err := tx.QueryRowContext(ctx, `update revision set changes = changes + 1 where id = 1 returning changes`).Scan(&revision); err != nil {
		return nil, err
	}
	if now := s.snapshot.Load(); now.revision == revision-1 {
		return now, nil
	}
	return readSnapshot(ctx, tx, s.snapshot.Load()) // another process has made changes
}

// refresh publishes what the database holds.
func (s *Store) refresh(ctx context.Context) error {
	ctx, cancel := s.db.bound(ctx)
	defer cancel()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	var next *snapshot
	err := s.db.look(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		next, err = readSnapshot(ctx, tx, s.snapshot.Load())
		return err
	})
	if err == nil {
		s.snapshot.Store(next)
	}
	return err
}

func (s *Store) nowMillis() int64 { return s.options.Clock().UnixMilli() }

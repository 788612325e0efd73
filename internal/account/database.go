package account

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// patience is how long a statement or a change waits for PostgreSQL, retries included.
	patience = 5 * time.Second
	// attempts is how often what is known to have left no trace is tried.
	attempts = 4
	// retryPause grows with each attempt.
	retryPause = 50 * time.Millisecond
	// migrationWait bounds how long a process waits for another one that migrates, in seconds.
	migrationWait = 120
)

// database is the pool of connections and what differs between the engines, of which the rest of the package knows nothing.
type database struct {
	pool     *sql.DB
	postgres *pgx.ConnConfig // nil: SQLite
}

// openDatabase opens and migrates the database that the options name.
func openDatabase(options *Options) (*database, error) {
	d, err := connect(options)
	if err != nil {
		return nil, err
	}
	if err := d.migrate(); err != nil {
		return nil, errors.Join(fault(err), d.pool.Close())
	}
	return d, nil
}

func connect(options *Options) (*database, error) {
	switch {
	case options.DSN != "" && options.Path != "":
		return nil, errors.New("both a path and a DSN are given")
	case options.DSN != "":
		return openPostgres(options.DSN)
	case options.Path != "":
		return openSQLite(options.Path)
	}
	return nil, errors.New("no path is given")
}

// openSQLite opens the file. WAL with full synchronisation: an answered change survives a power cut.
func openSQLite(path string) (*database, error) {
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
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(4)
	return &database{pool: pool}, nil
}

// openPostgres names the server; connections are made when they are needed.
func openPostgres(dsn string) (*database, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err // pgx has taken the password out
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = patience / 2
	}
	// A process that dies without a word must not hold the lock of all changes for longer than others wait.
	setParameter(config, "idle_in_transaction_session_timeout", "5000")
	setParameter(config, "application_name", "footfall")
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(4)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return &database{pool: pool, postgres: config}, nil
}

func setParameter(config *pgx.ConnConfig, name, value string) {
	if _, given := config.RuntimeParams[name]; !given {
		config.RuntimeParams[name] = value
	}
}

// migrate brings the tables up to date. Of several processes that start on one PostgreSQL one migrates, the others wait.
func (d *database) migrate() error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.postgres != nil {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, migrationWait))
		if err != nil {
			return err
		}
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, d.pool, files, options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(context.Background())
	return err
}

// bound ends waiting for a server. A file needs none.
func (d *database) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.postgres == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, patience, ErrUnavailable)
}

// exec runs a statement that may run twice.
func (d *database) exec(ctx context.Context, query string, args ...any) error {
	return d.repeat(ctx, func(ctx context.Context) error {
		_, err := d.pool.ExecContext(ctx, query, args...)
		return err
	})
}

// find reads one row into to; ErrNotFound when there is none.
func (d *database) find(ctx context.Context, to []any, query string, args ...any) error {
	return d.repeat(ctx, func(ctx context.Context) error {
		err := d.pool.QueryRowContext(ctx, query, args...).Scan(to...)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		return err
	})
}

// repeat runs do until it succeeds, fails for good, or patience ends. do must be one that may run twice. Its error is one
// that callers of the package know.
func (d *database) repeat(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	var err error
	for attempt := range attempts {
		if attempt > 0 {
			pause(ctx, retryPause<<attempt)
		}
		if err = do(ctx); err == nil || !transient(err) || ctx.Err() != nil {
			break
		}
	}
	if err != nil && context.Cause(ctx) == ErrUnavailable {
		return fmt.Errorf("%w: no answer within %v: %w", ErrUnavailable, patience, err)
	}
	if ctx.Err() != nil {
		return err // the caller has gone
	}
	return fault(err)
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// change runs do in a transaction that is repeated when another one is in its way, or when the connection breaks before the
// end is asked for. do may run several times. When the connection breaks at the end, nobody knows whether the change was
// made: the error is ErrUnavailable, and the snapshots will show it.
func (d *database) change(ctx context.Context, do func(ctx context.Context, tx *sql.Tx) error) error {
	return d.repeat(ctx, func(ctx context.Context) error {
		tx, err := d.pool.BeginTx(ctx, d.level(sql.LevelReadCommitted, false))
		if err != nil {
			return err
		}
		if err := do(ctx, tx); err != nil {
			tx.Rollback() // ends with the connection when it cannot be asked for
			return err
		}
		if err := tx.Commit(); err != nil {
			return endFault(err)
		}
		return nil
	})
}

// look runs do in a transaction that sees one state of the database.
func (d *database) look(ctx context.Context, do func(ctx context.Context, tx *sql.Tx) error) error {
	return d.repeat(ctx, func(ctx context.Context) error {
		tx, err := d.pool.BeginTx(ctx, d.level(sql.LevelRepeatableRead, true))
		if err != nil {
			return err
		}
		defer tx.Rollback()
		return do(ctx, tx)
	})
}

// level is how a transaction begins. SQLite knows one level, the strictest.
func (d *database) level(level sql.IsolationLevel, readOnly bool) *sql.TxOptions {
	if d.postgres == nil {
		return &sql.TxOptions{ReadOnly: readOnly}
	}
	return &sql.TxOptions{Isolation: level, ReadOnly: readOnly}
}

// nowMillis is the time on the server, the only clock that the processes of a cluster share, or the given one.
func (d *database) nowMillis(ctx context.Context, tx *sql.Tx, own int64) (now int64, err error) {
	if d.postgres == nil {
		return own, nil
	}
	err = tx.QueryRowContext(ctx, `select (extract(epoch from clock_timestamp()) * 1000)::bigint`).Scan(&now)
	return now, err
}

// announce tells the other processes, once tx commits, that there is something new.
func (d *database) announce(ctx context.Context, tx *sql.Tx) error {
	if d.postgres == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, `select pg_notify($1, '')`, channel)
	return err
}

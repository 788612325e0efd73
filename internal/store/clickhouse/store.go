package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Options of a Store. Addresses is needed.
type Options struct {
	Addresses []string // host:port of the native protocol; the first that answers is used
	Database  string   // "": footfall. Open makes it
	User      string   // writes; "": default
	Password  string
	// ReadUser runs the queries where it is given: a user of the server without the right to write.
	ReadUser     string
	ReadPassword string
	TLS          *tls.Config // nil: none

	RetentionMonths int           // how long events are kept, months of 31 days; 0: 14
	QueryTime       time.Duration // longest time of a query; 0: 30 s
	QueryMemory     int64         // most memory of a query, in bytes; 0: 1 GiB
	Readers         int           // connections that queries use at most; 0: 8
	Clock           func() time.Time

	// Rollups says that the days of rolled_days can be read from the rollups by the minute: without it no day is clean.
	Rollups bool
}

func (o *Options) setDefaults() {
	if o.Database == "" {
		o.Database = "footfall"
	}
	if o.User == "" {
		o.User = "default"
	}
	if o.ReadUser == "" {
		o.ReadUser, o.ReadPassword = o.User, o.Password
	}
	if o.RetentionMonths <= 0 {
		o.RetentionMonths = 14
	}
	if o.QueryTime <= 0 {
		o.QueryTime = 30 * time.Second
	}
	if o.QueryMemory <= 0 {
		o.QueryMemory = 1 << 30
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}

// retentionDays is how many whole days before today are kept.
func (o *Options) retentionDays() int { return 31 * o.RetentionMonths }

// Store is an open event store. Its methods are safe for concurrent use.
type Store struct {
	opts    Options
	writer  driver.Conn
	reader  driver.Conn
	catalog *catalog

	secondLook time.Duration // after which an audit looks again at what differed
}

// ErrDatabaseName refuses a name that would need quotes.
var ErrDatabaseName = errors.New("the name of a database has letters, digits and _ only")

// Open connects, and makes the database and the tables that are missing.
func Open(ctx context.Context, opts Options) (*Store, error) {
	opts.setDefaults()
	if len(opts.Addresses) == 0 {
		return nil, errors.New("cannot open the event store: no address given")
	}
	if strings.Trim(opts.Database, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return nil, fmt.Errorf("cannot open the event store %q: %w", opts.Database, ErrDatabaseName)
	}
	if err := upgrade(ctx, &opts); err != nil {
		return nil, fmt.Errorf("cannot make the tables of event store %q: %w", opts.Database, err)
	}
	s := &Store{opts: opts, secondLook: 2 * time.Second}
	var err error
	if s.writer, err = connect(&opts, opts.Database, opts.User, opts.Password, 8, writeSettings()); err == nil {
		s.reader, err = connect(&opts, opts.Database, opts.ReadUser, opts.ReadPassword, opts.Readers, opts.readSettings())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open event store %q: %w", opts.Database, err), s.Close())
	}
	s.catalog = newCatalog(s)
	return s, nil
}

// connect makes a pool of connections; they are opened when they are needed.
func connect(opts *Options, database, user, password string, most int, settings clickhouse.Settings) (driver.Conn, error) {
	return clickhouse.Open(&clickhouse.Options{
		Addr: opts.Addresses, Auth: clickhouse.Auth{Database: database, Username: user, Password: password}, TLS: opts.TLS,
		Settings: settings, Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		MaxOpenConns: most, MaxIdleConns: most, DialTimeout: 5 * time.Second, ReadTimeout: 5 * time.Minute, ConnMaxLifetime: time.Hour,
		ClientInfo: clickhouse.ClientInfo{Products: []struct{ Name, Version string }{{Name: "footfall", Version: "1"}}},
	})
}

// writeSettings make an insert of one token idempotent, in the views too, and let texts travel as plain strings: the
// server makes dictionaries faster than the client.
func writeSettings() clickhouse.Settings {
	return clickhouse.Settings{
		"async_insert": 0, "insert_deduplicate": 1, "deduplicate_blocks_in_dependent_materialized_views": 1,
		"materialized_views_ignore_errors": 0, "low_cardinality_allow_in_native_format": 0, "max_partitions_per_insert_block": maxPartitions,
	}
}

// readSettings bound a query and give its words the meaning that DuckDB's have.
func (o *Options) readSettings() clickhouse.Settings {
	return clickhouse.Settings{
		"max_execution_time": strconv.Itoa(int(o.QueryTime.Seconds())), "max_memory_usage": o.QueryMemory, "timeout_overflow_mode": "throw",
		"max_bytes_before_external_group_by": o.QueryMemory / 2, "count_distinct_implementation": "uniqExact",
		"do_not_merge_across_partitions_select_final": 1, "join_use_nulls": 1, "prefer_column_name_to_alias": 0,
		"low_cardinality_allow_in_native_format": 0, "readonly": 2,
	}
}

// Close closes the connections.
func (s *Store) Close() error {
	var errs []error
	for _, conn := range []driver.Conn{s.writer, s.reader} {
		if conn != nil {
			errs = append(errs, conn.Close())
		}
	}
	return errors.Join(errs...)
}

// Ping returns nil when the server answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.reader.Ping(ctx); err != nil {
		return fmt.Errorf("the event store does not answer: %w", err)
	}
	return nil
}

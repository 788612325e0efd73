package duckdb

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	duck "github.com/duckdb/duckdb-go-bindings"

	"github.com/footfall-analytics/footfall/internal/store"
)

// Options say where the store is and what it may use. Only Path is needed.
type Options struct {
	// Path is the database file. Beside it stand its log (.wal) and, while queries spill, a folder (.tmp).
	Path string
	// MemoryLimit bounds what the engine keeps in memory, in bytes. Default 128 MiB.
	MemoryLimit int64
	// Threads that all statements share. Default: what the engine finds.
	Threads int
	// Readers is how many queries may run at once; more wait. Default 4.
	Readers int
	// CheckpointBytes is the size of the log at which a commit folds it into the file; it bounds the time of a restart.
	// Default 16 MiB.
	CheckpointBytes int64
	// Clock tells the time for maintenance. Default time.Now.
	Clock func() time.Time
	// ProvenElsewhere are the parts of an erasure's proof that others see to, by PutProof.
	ProvenElsewhere []string
	// Log gets what maintenance has to say. Default slog.Default().
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	if o.MemoryLimit == 0 {
		o.MemoryLimit = 128 << 20
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.CheckpointBytes == 0 {
		o.CheckpointBytes = 16 << 20
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

type token struct{}

// Store is the embedded event store. Commit is for one goroutine; everything else is safe for concurrent use.
type Store struct {
	opts    Options
	db      duck.Database
	readers chan *conn // idle read connections

	large     chan token // see Source.Steps
	largeRows int64

	sortRows    int64 // see sortRows
	leastShares int   // see sourceRun.share

	write  sync.Mutex // guards what follows, and every statement that changes something
	writer *conn
	tables *tables
	staged *staged // nil: no transaction is open between calls

	state   *state
	rosters *rosterCache
}

var (
	_ store.Writer  = (*Store)(nil)
	_ store.Stager  = (*Store)(nil)
	_ store.History = (*Store)(nil)
)

// RowGroup is the number of rows that are compressed together, a fifth of the engine's usual: a batch of a multiple of it is
// written once, compressed, past the log.
const RowGroup = 24_576

// sortRows bounds about how many events, with all their columns, a statement sorts: what it has to sort is in memory, and the engine
// gives up rather than keep all of it on disk.
const sortRows = 50_000

// layout says how the file is written. Blocks are a quarter of the engine's usual size, so that less of them is left empty.
func layout() string {
	return fmt.Sprintf("row_group_size %d, block_size 65536, storage_version 'latest'", RowGroup)
}

//go:embed schema.sql
var schema string

// schemaVersion stands in meta.version; a file with a higher one is from a later release and is refused.
const schemaVersion = 1

// Open opens the store, or makes it, and brings its schema up to date. Another process that has the file open makes it fail.
func Open(opts Options) (*Store, error) {
	opts.setDefaults()
	if opts.Path == "" {
		return nil, errors.New("cannot open the event store: no path given")
	}
	rosters, err := newRosterCache()
	if err != nil {
		return nil, err
	}
	s := &Store{opts: opts, readers: make(chan *conn, opts.Readers), large: make(chan token, 1), largeRows: largeRows, sortRows: sortRows, leastShares: 1, rosters: rosters}
	if err := s.open(); err != nil {
		s.release()
		return nil, fmt.Errorf("cannot open event store %q: %w", opts.Path, err)
	}
	return s, nil
}

func (s *Store) open() (err error) {
	_ = os.RemoveAll(s.spillDir()) // what a killed process left
	_ = os.Remove(s.opts.compactPath())
	fewArenas()
	if s.db, err = openDatabase(s.settings()); err != nil {
		return err
	}
	if s.writer, err = connect(s.db); err != nil {
		return err
	}
	attach := fmt.Sprintf("attach %s as footfall (%s); use footfall", quoted(s.opts.Path), layout())
	if err := s.writer.execAll(attach); err != nil {
		return err
	}
	ctx := context.Background()
	if err := upgrade(ctx, s.writer); err != nil {
		return err
	}
	if err := s.writer.execAll("set enable_external_access = false; set lock_configuration = true"); err != nil {
		return err
	}
	if s.tables, err = openTables(s.writer); err != nil {
		return err
	}
	for range s.opts.Readers {
		reader, err := connect(s.db)
		if err != nil {
			return err
		}
		if err := reader.execAll("use footfall"); err != nil {
			reader.close()
			return err
		}
		s.readers <- reader
	}
	s.state, err = loadState(ctx, s.writer)
	return err
}

func (s *Store) spillDir() string { return s.opts.Path + ".tmp" }

// settings are fixed for the life of the process: no statement may change them, reach files or the network.
func (s *Store) settings() map[string]string {
	settings := map[string]string{
		"memory_limit":                                strconv.FormatInt(s.opts.MemoryLimit, 10) + "B",
		"temp_directory":                              s.spillDir(),
		"checkpoint_threshold":                        strconv.FormatInt(s.opts.CheckpointBytes, 10) + "B",
		"preserve_insertion_order":                    "false",
		"allocator_flush_threshold":                   "16MB", // what a statement has freed goes back to the system
		"allocator_bulk_deallocation_flush_threshold": "16MB",
		"allocator_background_threads":                "true",
		"autoinstall_known_extensions":                "false",
		"autoload_known_extensions":                   "false",
		"allow_community_extensions":                  "false",
		"allow_unsigned_extensions":                   "false",
	}
	if s.opts.Threads > 0 {
		settings["threads"] = strconv.Itoa(s.opts.Threads)
	}
	return settings
}

// openDatabase starts an engine without a file; the store's is attached to it, which alone lets its layout be chosen.
func openDatabase(settings map[string]string) (db duck.Database, err error) {
	var config duck.Config
	if duck.CreateConfig(&config) == duck.StateError {
		return db, errors.New("cannot make the engine's configuration")
	}
	defer duck.DestroyConfig(&config)
	for name, value := range settings {
		if duck.SetConfig(config, name, value) == duck.StateError {
			return db, fmt.Errorf("cannot set %q to %q", name, value)
		}
	}
	var message string
	if duck.OpenExt("", &db, config, &message) == duck.StateError {
		return db, errors.New(message)
	}
	return db, nil
}

// upgrade makes the tables of an empty file and refuses a file of a later release.
func upgrade(ctx context.Context, c *conn) error {
	if err := c.execAll("begin;\n" + schema + ";\ncommit"); err != nil {
		return fmt.Errorf("cannot make the tables: %w", err)
	}
	row, err := c.one(ctx, "select value::bigint from meta where key = 'version'")
	switch {
	case err != nil:
		return err
	case row == nil:
		return c.exec(ctx, "insert into meta values ('version', ?), ('position', '0')", strconv.Itoa(schemaVersion))
	case row[0] > schemaVersion:
		return fmt.Errorf("its schema is version %d, this release knows %d", row[0], schemaVersion)
	}
	return nil
}

// Close waits for running queries, folds the log into the file and closes it; a file with many holes is written anew. No method may
// be called afterwards.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	for range s.opts.Readers {
		(<-s.readers).close()
	}
	holes := false
	err := s.writer.execAll("checkpoint footfall")
	if err == nil {
		holes, err = s.manyHoles(context.Background())
	}
	s.release()
	switch {
	case err != nil:
		return fmt.Errorf("cannot checkpoint event store %q: %w", s.opts.Path, err)
	case holes && !s.leftLog():
		return s.compact()
	}
	return nil
}

// leftLog reports whether the engine has left a log beside the closed file. Such a log belongs to this file and to no copy of it:
// with a copy in the file's place the store could not be opened again.
func (s *Store) leftLog() bool {
	left, err := filepath.Glob(s.opts.Path + ".wal*")
	return err != nil || len(left) > 0
}

func (s *Store) release() {
	for len(s.readers) > 0 {
		(<-s.readers).close()
	}
	if s.tables != nil {
		s.tables.close()
	}
	if s.writer != nil {
		s.writer.close()
	}
	duck.Close(&s.db)
}

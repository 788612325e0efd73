package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	duck "github.com/duckdb/duckdb-go-bindings"
)

// Checkpoints write what has changed to free blocks and free the old ones, which leaves holes for what comes later. In a large
// file they are few; a small one may be half holes after an import, and is written anew when the store is closed.

// compactFrom is the number of free blocks from which a file is written anew, if they are a sixteenth of it.
const compactFrom = 32

// manyHoles reports whether the file is worth writing anew, or has to be: blocks keep the bytes of rows that were erased. The engine's own count of free blocks has some in it that have been
// cut off.
func (s *Store) manyHoles(ctx context.Context) (bool, error) {
	erased, err := s.writer.one(ctx, "select count(*) from meta where key = '"+rewriteKey+"'")
	if err != nil {
		return false, fmt.Errorf("cannot ask whether bytes of erased rows are left: %w", err)
	}
	if erased[0] > 0 {
		return true, nil
	}
	row, err := s.writer.one(ctx, "select used_blocks, block_size from pragma_database_size() where database_name = 'footfall'")
	if err != nil {
		return false, fmt.Errorf("cannot ask for the blocks in use: %w", err)
	}
	file, err := os.Stat(s.opts.Path)
	if err != nil {
		return false, fmt.Errorf("cannot ask for the size of the file: %w", err)
	}
	total := file.Size() / row[1]
	free := total - row[0]
	return free >= compactFrom && free >= total/16, nil
}

func (o *Options) compactPath() string { return o.Path + ".new" }

// compact writes the closed file anew and puts the copy in its place. A copy that is cut short changes nothing.
func (s *Store) compact() error {
	path := s.opts.compactPath()
	err := s.copyFile(path)
	if err == nil {
		err = os.Rename(path, s.opts.Path)
	}
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("cannot write event store %q anew: %w", s.opts.Path, err)
	}
	dir, err := os.Open(filepath.Dir(s.opts.Path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// copyFile copies the tables, row after row, in one thread: row groups come out full.
func (s *Store) copyFile(path string) error {
	settings := s.settings()
	settings["threads"], settings["preserve_insertion_order"] = "1", "true"
	db, err := openDatabase(settings)
	if err != nil {
		return err
	}
	defer duck.Close(&db)
	c, err := connect(db)
	if err != nil {
		return err
	}
	defer c.close()
	return c.execAll(fmt.Sprintf("attach %s as footfall (read_only); attach %s as compact (%s); copy from database footfall to compact; delete from compact.meta where key = '%s'; detach compact",
		quoted(s.opts.Path), quoted(path), layout(), rewriteKey))
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

package lake

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Rewritten says what a rewrite did.
type Rewritten struct {
	Files   int               // that lost rows
	Deleted int               // of them: that had no row left
	Rows    map[SiteDay]int64 // rows that went, repeated ids included
}

// Rewrite takes the rows that drop names out of the files of the UTC days [from, to). Each file is replaced as a whole or
// deleted; one that has no such row is left alone. After an error it may be called again: what is gone stays gone.
// drop must keep nothing of the row. A range of the archiver that was begun before and is repeated after it brings rows back:
// see docs/format/parquet.md, "Erasure".
func Rewrite(ctx context.Context, store Store, from, to time.Time, drop func(*Row) bool) (Rewritten, error) {
	done := Rewritten{Rows: map[SiteDay]int64{}}
	files, err := Files(ctx, store, from, to)
	if err != nil {
		return done, err
	}
	for _, file := range files {
		if err := done.rewrite(ctx, store, &file, drop); err != nil {
			return done, fmt.Errorf("cannot rewrite %q: %w", file.Key, err)
		}
	}
	return done, nil
}

var errFound = errors.New("found")

func (w *Rewritten) rewrite(ctx context.Context, store Store, file *File, drop func(*Row) bool) error {
	// Most files hold nothing of what goes: to look is a fifth of the work.
	err := ReadFile(ctx, store, file.Key, func(_ int, row *Row) error {
		if drop(row) {
			return errFound
		}
		return nil
	})
	if !errors.Is(err, errFound) {
		return err
	}
	rest, gone := newFileWriter(), map[SiteDay]int64{}
	err = ReadFile(ctx, store, file.Key, func(_ int, row *Row) error {
		if drop(row) {
			gone[SiteDay{row.WebsiteID, file.Day}]++
			return nil
		}
		return rest.add(row)
	})
	if err != nil {
		return err
	}
	if rest.rows == 0 {
		err = store.Delete(ctx, file.Key)
	} else {
		err = rest.put(ctx, store, file.Key)
	}
	if err != nil {
		return err
	}
	w.Files++
	if rest.rows == 0 {
		w.Deleted++
	}
	for day, n := range gone {
		w.Rows[day] += n
	}
	return nil
}

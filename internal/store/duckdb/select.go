package duckdb

import "context"

// Reader runs statements on one snapshot of the store.
type Reader struct{ conn *conn }

// Select runs one select statement with its parameters bound to ? (or $1, $2 ...): bool, int, int64, uint64, float64,
// string, []byte, nil, and []int64, []uint64, []string as lists. It calls yield for each chunk of the result; an error
// of yield ends it. yield must not use the Reader. When ctx ends the statement is interrupted and ctx's error returned.
func (r *Reader) Select(ctx context.Context, sql string, args []any, yield func(*Chunk) error) error {
	return r.conn.once(ctx, sql, args, yield)
}

// Read calls fn with a Reader whose statements all see the same snapshot: whole batches, none of them later than the
// first statement. It waits while Options.Readers others run.
func (s *Store) Read(ctx context.Context, fn func(*Reader) error) error {
	var c *conn
	select {
	case c = <-s.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.readers <- c }()
	if err := c.execAll(beginReading); err != nil {
		return err
	}
	defer func() { _ = c.execAll("rollback") }()
	return fn(&Reader{c})
}

const beginReading = "begin transaction read only"

// renew gives the Reader a snapshot of now. Where a statement has failed nothing else can be read from the one before.
func (r *Reader) renew() error { return r.conn.execAll("rollback; " + beginReading) }

// Select runs one statement on a snapshot of its own: see Reader.Select.
func (s *Store) Select(ctx context.Context, sql string, args []any, yield func(*Chunk) error) error {
	return s.Read(ctx, func(r *Reader) error { return r.Select(ctx, sql, args, yield) })
}

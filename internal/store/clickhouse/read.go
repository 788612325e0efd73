package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// scanner reads the columns of the current row.
type scanner func(into ...any) error

// each runs a statement with its parameters {p1:...}, {p2:...} and calls yield for each row.
func (s *Store) each(ctx context.Context, sql string, args []any, yield func(scanner) error) error {
	return eachOn(ctx, s.reader, sql, args, yield)
}

func eachOn(ctx context.Context, conn driver.Conn, sql string, args []any, yield func(scanner) error) (err error) {
	defer func() { err = because(ctx, err) }()
	rows, err := conn.Query(ctx, sql, named(args)...)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	for rows.Next() {
		if err := yield(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// because says that it was ctx's end that made a statement fail, where it was. The connection has ctx's deadline, and may
// reach it first.
func because(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) && time.Until(deadline) < 10*time.Millisecond {
		<-ctx.Done()
	}
	cause := ctx.Err()
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

package clickhouse

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// scanner reads the columns of the current row.
type scanner func(into ...any) error

// each runs a statement with its parameters {p1:...}, {p2:...} and calls yield for each row.
func (s *Store) each(ctx context.Context, sql string, args []any, yield func(scanner) error) error {
	return eachOn(ctx, s.reader, sql, args, yield)
}

func eachOn(ctx context.Context, conn driver.Conn, sql string, args []any, yield func(scanner) error) (err error) {
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

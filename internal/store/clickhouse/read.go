package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/footfall-analytics/footfall/internal/query"
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

// memoryLimitExceeded is the code of a statement that needed more than max_memory_usage, or than the server has.
const memoryLimitExceeded = 241

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
	if cause == nil && unreachable(err) {
		return fmt.Errorf("%w: %w", query.ErrUnavailable, err)
	}
	if refused := (*clickhouse.Exception)(nil); cause == nil && errors.As(err, &refused) && refused.Code == memoryLimitExceeded {
		return fmt.Errorf("%w: %w", query.ErrMemory, err)
	}
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// unreachable reports whether it was the way to the server that failed: it answered nothing, or all connections are in use.
func unreachable(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, clickhouse.ErrAcquireConnTimeout)
}

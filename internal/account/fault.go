package account

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs of PostgreSQL that mean something here.
const (
	stateUnique        = "23505"
	stateBadText       = "22021"
	stateSerialization = "40001"
	stateDeadlock      = "40P01"
	stateReadOnly      = "25006" // a standby, as right after a failover
	stateCanceled      = "57014"
	stateLockTimeout   = "55P03"
	stateIdleTooLong   = "25P03"
)

// fault turns an error of a driver into one that callers of the package know, if there is one.
func fault(err error) error {
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case disconnected(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.As(err, &refused):
		return serverFault(err, refused.Code)
	}
	return err
}

func serverFault(err error, state string) error {
	switch state {
	case stateUnique:
		// What was checked before holds no more: another process was faster.
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case stateBadText:
		// Text that cannot be stored is found nowhere. What is stored was checked before.
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if transientState(state) || state == stateReadOnly || state == stateCanceled || state == stateLockTimeout {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// transient reports whether trying again may help.
func transient(err error) bool {
	var refused *pgconn.PgError
	var end *endError
	switch {
	case errors.As(err, &end):
		return false
	case errors.As(err, &refused) && transientState(refused.Code):
		return true
	}
	return disconnected(err)
}

// transientState reports whether the server has undone everything and may take it the next time.
func transientState(state string) bool {
	switch state {
	case stateSerialization, stateDeadlock, stateIdleTooLong:
		return true
	}
	for _, class := range []string{"08", "53", "57P"} { // connection, resources, shutdown
		if strings.HasPrefix(state, class) {
			return true
		}
	}
	return false
}

// disconnected reports whether the server was not reached, or was lost.
func disconnected(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	for _, lost := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, pgconn.ErrConnClosed} {
		if errors.Is(err, lost) {
			return true
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // the caller's
	}
	var network net.Error
	return errors.As(err, &network) || pgconn.SafeToRetry(err)
}

// endError is a commit that was asked for and not answered: the change may have been made.
type endError struct{ cause error }

// Error says what is not known.
func (e *endError) Error() string { return "cannot tell whether it was done: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *endError) Unwrap() error { return e.cause }

// endFault marks what may not be repeated. A server that refuses a commit, and stays, has undone everything.
func endFault(err error) error {
	var refused *pgconn.PgError
	lost := disconnected(err)
	if errors.As(err, &refused) {
		lost = strings.HasPrefix(refused.Code, "57P")
	}
	if lost {
		return &endError{err}
	}
	return err
}

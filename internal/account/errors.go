package account

import (
	"errors"
	"fmt"
	"time"
)

// The errors that callers tell apart. All errors of the package but these are failures of the database.
var (
	ErrNotFound      = errors.New("not found")
	ErrConflict      = errors.New("it exists already")
	ErrWrongPassword = errors.New("wrong email or password")
	ErrBusy          = errors.New("too many passwords are being checked")
	// ErrUnavailable: the database was not reached, or was lost. What the snapshot answers goes on. A change that was refused
	// with it may have been made when the connection broke at its end.
	ErrUnavailable = errors.New("the accounts cannot be reached")
)

// InvalidError says which field of a request has a bad value, and why.
type InvalidError struct{ Field, Message string }

// Error returns the message.
func (e *InvalidError) Error() string { return e.Message }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Message: fmt.Sprintf(format, args...)}
}

// TooManyError refuses a login after too many wrong tries.
type TooManyError struct{ RetryAfter time.Duration }

// Error returns the message.
func (e *TooManyError) Error() string { return "too many wrong tries" }

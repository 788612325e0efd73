package query

import "fmt"

// Error says what is wrong with a request and where. It is the sender's fault: code "invalid", status 400.
type Error struct {
	Message string
	Path    string // as filters[0][2]; "" when no single part is at fault
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

func invalid(path, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Path: path}
}

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/report"
)

// code is the kind of an error, as clients see it.
type code string

const (
	codeInvalid      code = "invalid"
	codeUnauthorized code = "unauthorized"
	codeForbidden    code = "forbidden"
	codeNotFound     code = "not_found"
	codeMethod       code = "method_not_allowed"
	codeConflict     code = "conflict"
	codeTooLarge     code = "too_large"
	codeUnsupported  code = "unsupported"
	codeTooMany      code = "too_many_requests"
	codeInternal     code = "internal"
	codeUnavailable  code = "unavailable"
)

// status is the one place where an HTTP status is chosen for an error.
func (c code) status() int {
	switch c {
	case codeInvalid:
		return http.StatusBadRequest
	case codeUnauthorized:
		return http.StatusUnauthorized
	case codeForbidden:
		return http.StatusForbidden
	case codeNotFound:
		return http.StatusNotFound
	case codeMethod:
		return http.StatusMethodNotAllowed
	case codeConflict:
		return http.StatusConflict
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeUnsupported:
		return http.StatusUnsupportedMediaType
	case codeTooMany:
		return http.StatusTooManyRequests
	case codeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// failure is an error as the client sees it.
type failure struct {
	code       code
	message    string
	path       string        // the part of the request at fault, "" for the whole
	retryAfter time.Duration // of codeTooMany and codeUnavailable
	cause      error         // for the log alone
}

// Error returns what the log shows.
func (f *failure) Error() string {
	if f.cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.code, f.message, f.cause)
	}
	return fmt.Sprintf("%s: %s", f.code, f.message)
}

func fail(c code, format string, args ...any) *failure {
	return &failure{code: c, message: fmt.Sprintf(format, args...)}
}

func failAt(path, format string, args ...any) *failure {
	return &failure{code: codeInvalid, path: path, message: fmt.Sprintf(format, args...)}
}

// unavailableRetry is when a client may ask again where nothing better is known.
const unavailableRetry = 5 * time.Second

// failureOf is the table from the errors of the packages below to what clients see.
// What it does not know is internal: its text goes to the log alone.
func failureOf(err error) *failure {
	var known *failure
	var invalid *account.InvalidError
	var tooMany *account.TooManyError
	var question *query.Error
	var param *report.ParamError
	var forget *collect.InvalidForgetError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &invalid):
		return failAt(invalid.Field, "%s", invalid.Message)
	case errors.As(err, &question):
		return failAt(question.Path, "%s", question.Message)
	case errors.As(err, &forget):
		return failAt(forget.Field, "%s", forget.Message)
	case errors.Is(err, eventlog.ErrUnavailable), errors.Is(err, eventlog.ErrFull):
		return &failure{code: codeUnavailable, message: "the event log cannot take it now; try again later", cause: err}
	case errors.As(err, &param):
		return failAt(param.Param, "%s", param.Message)
	case errors.As(err, &tooMany):
		f := fail(codeTooMany, "too many wrong tries; try again later")
		f.retryAfter = tooMany.RetryAfter
		return f
	case errors.Is(err, account.ErrWrongPassword):
		return fail(codeUnauthorized, "wrong email or password")
	case errors.Is(err, account.ErrBusy):
		return fail(codeUnavailable, "too many logins at a time; try again later")
	case errors.Is(err, account.ErrUnavailable):
		return &failure{code: codeUnavailable, message: "the accounts cannot be reached; try again later", cause: err}
	case errors.Is(err, account.ErrNotFound):
		return fail(codeNotFound, "there is no such thing")
	case errors.Is(err, account.ErrConflict):
		return fail(codeConflict, "it exists already")
	case errors.Is(err, query.ErrUnavailable):
		return &failure{code: codeUnavailable, message: "the event store cannot be reached; try again later", cause: err}
	case errors.Is(err, query.ErrMemory):
		return &failure{code: codeUnavailable, message: "the answer needs more memory than there is for it now; ask of fewer days or with fewer dimensions, or try again later", cause: err}
	case errors.Is(err, query.ErrTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &failure{code: codeUnavailable, message: "the answer took too long", cause: err}
	}
	return &failure{code: codeInternal, message: "the server failed; its log says more", cause: err}
}

// ErrorReply is the body of every error.
type ErrorReply struct {
	Error ErrorDetail `json:"error"`
}

// ErrorDetail says what is wrong, and where in the request.
type ErrorDetail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Path    string `json:"path,omitempty"`
}

// writeError answers with the error and logs what the client must not see.
func (a *API) writeError(w http.ResponseWriter, r *http.Request, err error) {
	f := failureOf(err)
	if f.code == codeInternal || f.code == codeUnavailable && f.cause != nil && r.Context().Err() == nil {
		a.options.Logger.Error("cannot answer", "method", r.Method, "path", clip(r.URL.Path), "error", err)
	}
	if f.code == codeUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if f.code == codeTooMany || f.code == codeUnavailable {
		w.Header().Set("Retry-After", retrySeconds(f.retryAfter))
	}
	writeJSON(w, f.code.status(), ErrorReply{ErrorDetail{string(f.code), f.message, f.path}})
}

// retrySeconds rounds up: a client that waits that long is not refused again for the same reason.
func retrySeconds(d time.Duration) string {
	if d <= 0 {
		d = unavailableRetry
	}
	return strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10)
}

// clip bounds what a stranger may write into the log.
func clip(text string) string {
	const most = 256
	if len(text) > most {
		return text[:most]
	}
	return text
}

// writeJSON answers with a body. An encoding error can only come from a type of ours.
func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"the server failed; its log says more"}}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text) // an error here is a client that has gone
}

package collect

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Reply is what the sender of events is told.
type Reply struct {
	Received   int // events accepted, duplicates and filtered ones included
	Rejected   []Rejection
	DerivedIDs int
	Truncated  int
}

// Rejection is one event that is none.
type Rejection struct {
	Index  int
	Reason string
}

func (r *Reply) clone() Reply {
	out := *r
	out.Rejected = slices.Clone(r.Rejected)
	return out
}

// appendJSON appends the reply. Reasons are the door's own words and need no escaping.
func (r *Reply) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"status":"ok","received":`...)
	dst = strconv.AppendInt(dst, int64(r.Received), 10)
	for i, rejection := range r.Rejected {
		if i == 0 {
			dst = append(dst, `,"rejected":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"index":`...)
		dst = strconv.AppendInt(dst, int64(rejection.Index), 10)
		dst = append(append(append(dst, `,"reason":"`...), rejection.Reason...), `"}`...)
	}
	if len(r.Rejected) > 0 {
		dst = append(dst, ']')
	}
	if r.DerivedIDs > 0 {
		dst = strconv.AppendInt(append(dst, `,"derived_ids":`...), int64(r.DerivedIDs), 10)
	}
	if r.Truncated > 0 {
		dst = strconv.AppendInt(append(dst, `,"truncated":`...), int64(r.Truncated), 10)
	}
	return append(dst, '}')
}

func (h *Handler) answer(out *wire.Answer, q *request) {
	setJSON(out)
	out.Body = q.reply.appendJSON(out.Body)
}

// setJSON sets what all answers in JSON have: a page of any site may read them.
func setJSON(out *wire.Answer) {
	out.Set("Access-Control-Allow-Origin", "*")
	out.Set("Content-Type", "application/json")
}

// problem is an answer other than 200.
type problem struct {
	status     int
	code       string
	retryAfter string // seconds
}

// problemOf says how an error is answered. It is the one table of the door's statuses.
func problemOf(err error) problem {
	var inflate *inflateError
	switch {
	case unreadable(err), errors.As(err, &inflate), errors.Is(err, errTransfer):
		return problem{http.StatusBadRequest, "unreadable", ""}
	case errors.Is(err, errBodyTooBig), errors.Is(err, errTooMany):
		return problem{http.StatusRequestEntityTooLarge, "too_large", ""}
	case errors.Is(err, errMedia), errors.Is(err, errEncoding):
		return problem{http.StatusUnsupportedMediaType, "unsupported_media_type", ""}
	case errors.Is(err, errUnauthorized):
		return problem{http.StatusUnauthorized, "unauthorized", ""}
	case errors.Is(err, errForbidden):
		return problem{http.StatusForbidden, "forbidden", ""}
	case errors.Is(err, errMethod):
		return problem{http.StatusMethodNotAllowed, "method_not_allowed", ""}
	case errors.Is(err, errLimited):
		return problem{http.StatusTooManyRequests, "too_many_requests", "1"}
	case errors.Is(err, eventlog.ErrFull):
		return problem{http.StatusServiceUnavailable, "log_full", "10"}
	}
	return problem{http.StatusServiceUnavailable, "unavailable", "2"}
}

// message is what the client reads; what happened inside stays inside.
func (p problem) message(err error) string {
	switch p.code {
	case "log_full":
		return "the server has no space for events now; nothing of this request was taken"
	case "unavailable":
		return "the server cannot take events now; nothing of this request was acknowledged"
	case "unreadable":
		return "cannot read events: " + err.Error()
	}
	return err.Error()
}

var (
	errUnauthorized = errors.New("a key of scope import is needed, as a bearer token")
	errForbidden    = errors.New("the key has not the scope import")
	errMethod       = errors.New("the method is not allowed here")
	errLimited      = errors.New("too many events from this address")
)

func (h *Handler) refuse(out *wire.Answer, err error) {
	p := problemOf(err)
	switch p.status {
	case http.StatusBadRequest:
		h.counters.Unreadable.Add(1)
	case http.StatusRequestEntityTooLarge:
		h.counters.TooLarge.Add(1)
	case http.StatusTooManyRequests:
		h.counters.Limited.Add(1)
	case http.StatusServiceUnavailable:
		h.counters.Unavailable.Add(1)
	}
	setJSON(out)
	if p.retryAfter != "" {
		out.Set("Retry-After", p.retryAfter)
	}
	if p.status == http.StatusUnauthorized {
		out.Set("WWW-Authenticate", "Bearer")
	}
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": p.code, "message": p.message(err)}}) // of strings only
	out.Status = p.status
	out.Body = append(append(out.Body, body...), '\n')
}

// unreadableReason is that of a body that is no events.
const unreadableReason = "unreadable"

// keepUnreadable notes a body that is no events as one failed event of no site.
func (q *request) keepUnreadable(body []byte) {
	r := q.receipt("", q.now)
	r.Received++
	refuse(r, event.Failed, unreadableReason)
	q.addFailed("", q.now, unreadableReason, body)
}

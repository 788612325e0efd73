package wire

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/netip"
)

// Door answers requests. It must be safe for concurrent use.
type Door interface {
	// Takes reports whether the path is one of the door's. The path may not be kept.
	Takes(path string) bool
	// Serve answers a request for such a path. Neither the request, its texts and its body nor the answer may be used after
	// it has returned.
	Serve(q *Request, a *Answer)
}

// Request is a request as the door sees it.
type Request struct {
	Context             context.Context
	Method, Path, Query string
	Peer                netip.Addr // of the connection; unspecified when it is not known
	// Length is that of Body, -1 when it was not announced. Who has read all of Body should close it.
	Length int64
	Body   io.ReadCloser

	fields []field
}

// field is one line of the head.
type field struct {
	name  Name
	value string
}

// Header returns the first value of a header, "" when there is none.
func (q *Request) Header(name Name) string {
	for i := range q.fields {
		if q.fields[i].name == name {
			return q.fields[i].value
		}
	}
	return ""
}

// Has reports whether the header was sent.
func (q *Request) Has(name Name) bool {
	for range q.Backward(name) {
		return true
	}
	return false
}

// Backward yields the values of a header that was sent several times, the last one first.
func (q *Request) Backward(name Name) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := len(q.fields) - 1; i >= 0; i-- {
			if q.fields[i].name == name && !yield(q.fields[i].value) {
				return
			}
		}
	}
}

// Answer is what the door answers.
type Answer struct {
	Status int
	Body   []byte // the door appends to it
	header []pair
}

// pair is a header of an answer.
type pair struct{ name, value string }

// Set adds a header, by its canonical name. The value must be free of line ends.
func (a *Answer) Set(name, value string) { a.header = append(a.header, pair{name, value}) }

func (a *Answer) reset() {
	clear(a.header)
	a.Status, a.Body, a.header = http.StatusOK, a.Body[:0], a.header[:0]
}

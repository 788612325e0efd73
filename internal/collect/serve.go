package collect

import (
	"errors"
	"net/http"
	"strings"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
)

// paths of the door.
const (
	eventsPath = "/v1/events"
	importPath = "/v1/import"
	pixelPath  = "/v1/pixel.gif"
)

// Takes implements wire.Door.
func (h *Handler) Takes(path string) bool {
	return path == eventsPath || path == importPath || path == pixelPath
}

// Serve implements wire.Door.
func (h *Handler) Serve(in *wire.Request, out *wire.Answer) {
	switch in.Path {
	case eventsPath:
		h.serveEvents(in, out)
	case importPath:
		h.serveImport(in, out)
	case pixelPath:
		h.servePixel(in, out)
	default:
		panic("BUG: the door does not take " + in.Path)
	}
}

func (h *Handler) serveEvents(in *wire.Request, out *wire.Answer) {
	if in.Method != http.MethodPost {
		h.otherMethod(in, out, "POST, OPTIONS")
		return
	}
	q := h.request()
	defer h.release(q)
	if key := bearer(in); key != "" && h.opts.Keys != nil {
		if q.keySite, q.keyed = h.opts.Keys.Authorize(key, scopeIngest); !q.keyed {
			q.keySite, q.keyed = h.opts.Keys.Authorize(key, scopeImport)
		}
	}
	h.fromRequest(&q.sender, in)
	q.gpc = in.Header(wire.SecGPC) == "1"
	q.dnt = in.Header(wire.DNT) == "1"
	h.serve(in, out, q)
}

func (h *Handler) serveImport(in *wire.Request, out *wire.Answer) {
	if in.Method != http.MethodPost {
		h.otherMethod(in, out, "POST, OPTIONS")
		return
	}
	q := h.request()
	defer h.release(q)
	var err error
	if q.keySite, err = h.importKey(in); err != nil {
		h.refuse(out, err)
		return
	}
	q.imported, q.keyed = true, true
	h.fromRequest(&q.sender, in)
	h.serve(in, out, q)
}

// importKey returns the site that the request's key may import for, "" for all.
func (h *Handler) importKey(in *wire.Request) (string, error) {
	key := bearer(in)
	if key == "" || h.opts.Keys == nil {
		return "", errUnauthorized
	}
	if site, ok := h.opts.Keys.Authorize(key, scopeImport); ok {
		return site, nil
	}
	for _, other := range [...]string{scopeIngest, "stats", "admin"} {
		if _, ok := h.opts.Keys.Authorize(key, other); ok {
			return "", errForbidden
		}
	}
	return "", errUnauthorized
}

func bearer(in *wire.Request) string {
	value := in.Header(wire.Authorization)
	if len(value) > 7 && strings.EqualFold(value[:7], "Bearer ") {
		return strings.TrimSpace(value[7:])
	}
	return ""
}

// serve reads, judges, appends and answers.
func (h *Handler) serve(in *wire.Request, out *wire.Answer, q *request) {
	h.counters.Requests.Add(1)
	if err := h.take(in, q); err != nil {
		h.refuse(out, err)
		return
	}
	h.answer(out, q)
}

func (h *Handler) take(in *wire.Request, q *request) error {
	if err := checkMedia(in.Header(wire.ContentType)); err != nil {
		return err
	}
	body, err := h.inflate.readBody(in, &q.body, &q.inflated)
	h.counters.Bytes.Add(int64(len(q.body)))
	var inflate *inflateError
	switch {
	case errors.As(err, &inflate):
		body = q.body // kept as it came
	case err != nil:
		return err
	default:
		err = q.decode(body)
	}
	if err == nil {
		if err := h.admit(q, len(q.drafts)); err != nil {
			return err
		}
		return h.process(in.Context, q)
	}
	if errors.Is(err, errTooMany) {
		return err
	}
	if err := h.admit(q, 1); err != nil {
		return err
	}
	q.keepUnreadable(body)
	if failed := h.append(in.Context, q); failed != nil {
		return failed
	}
	return err
}

// admit counts the events of the sender's address.
func (h *Handler) admit(q *request, events int) error {
	address := q.sender.ip
	rate, ok := 0, true
	if !address.IsLoopback() && !address.IsUnspecified() && !q.imported {
		rate, ok = h.limit.take(addressKey(address), events, q.now)
	}
	if !ok {
		return errLimited
	}
	q.sender.rate(rate)
	return nil
}

// otherMethod answers what is no POST: the preflight of a browser, or a mistake.
func (h *Handler) otherMethod(in *wire.Request, out *wire.Answer, allow string) {
	if in.Method == http.MethodOptions {
		out.Status = http.StatusNoContent
		out.Set("Access-Control-Allow-Origin", "*")
		out.Set("Access-Control-Allow-Methods", allow)
		out.Set("Access-Control-Allow-Headers", "Content-Type, Content-Encoding, Authorization")
		out.Set("Access-Control-Max-Age", "86400")
		return
	}
	out.Set("Allow", allow)
	h.refuse(out, errMethod)
}

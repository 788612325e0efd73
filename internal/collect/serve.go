package collect

import (
	"errors"
	"net/http"
	"strings"
)

func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.otherMethod(w, r, "POST, OPTIONS")
		return
	}
	q := h.request()
	defer h.release(q)
	if key := bearer(r); key != "" && h.opts.Keys != nil {
		if q.keySite, q.keyed = h.opts.Keys.Authorize(key, scopeIngest); !q.keyed {
			q.keySite, q.keyed = h.opts.Keys.Authorize(key, scopeImport)
		}
	}
	h.fromRequest(&q.sender, r)
	q.gpc = header(r, "Sec-Gpc") == "1"
	q.dnt = header(r, "Dnt") == "1"
	h.serve(w, r, q)
}

func (h *Handler) serveImport(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.otherMethod(w, r, "POST, OPTIONS")
		return
	}
	q := h.request()
	defer h.release(q)
	var err error
	if q.keySite, err = h.importKey(r); err != nil {
		h.refuse(w, err)
		return
	}
	q.imported, q.keyed = true, true
	h.fromRequest(&q.sender, r)
	h.serve(w, r, q)
}

// importKey returns the site that the request's key may import for, "" for all.
func (h *Handler) importKey(r *http.Request) (string, error) {
	key := bearer(r)
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

func bearer(r *http.Request) string {
	value := header(r, "Authorization")
	if len(value) > 7 && strings.EqualFold(value[:7], "Bearer ") {
		return strings.TrimSpace(value[7:])
	}
	return ""
}

// serve reads, judges, appends and answers.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, q *request) {
	h.counters.Requests.Add(1)
	if err := h.take(r, q); err != nil {
		h.refuse(w, err)
		return
	}
	h.answer(w, q)
}

func (h *Handler) take(r *http.Request, q *request) error {
	if err := checkMedia(header(r, "Content-Type")); err != nil {
		return err
	}
	body, err := h.inflate.readBody(r, &q.body, &q.inflated)
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
		return h.process(r.Context(), q)
	}
	if errors.Is(err, errTooMany) {
		return err
	}
	if err := h.admit(q, 1); err != nil {
		return err
	}
	q.keepUnreadable(body)
	if failed := h.append(r.Context(), q); failed != nil {
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
func (h *Handler) otherMethod(w http.ResponseWriter, r *http.Request, allow string) {
	header := w.Header()
	if r.Method == http.MethodOptions {
		header["Access-Control-Allow-Origin"] = h.headers.star
		header.Set("Access-Control-Allow-Methods", allow)
		header.Set("Access-Control-Allow-Headers", "Content-Type, Content-Encoding, Authorization")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	header.Set("Allow", allow)
	h.refuse(w, errMethod)
}

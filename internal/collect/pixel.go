package collect

import (
	"net/http"

	"github.com/footfall-analytics/footfall/internal/event"
)

// gif is a transparent image of one pixel.
const gif = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// servePixel takes one event from a query string. The image comes always: a page must not show that counting failed.
func (h *Handler) servePixel(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		h.otherMethod(w, r, "GET, OPTIONS")
		return
	}
	h.counters.Requests.Add(1)
	q := h.request()
	defer h.release(q)
	header := w.Header()
	header.Set("X-Ingest-Verdict", h.pixelVerdict(r, q))
	header.Set("Content-Type", "image/gif")
	header.Set("Cache-Control", "no-store")
	header["Access-Control-Allow-Origin"] = h.headers.star
	header["Cross-Origin-Resource-Policy"] = h.headers.crossOrigin
	_, _ = w.Write([]byte(gif)) // who has gone does not want to know
}

// pixelVerdict judges and appends the event, and says in a word what became of it.
func (h *Handler) pixelVerdict(r *http.Request, q *request) string {
	h.fromRequest(&q.sender, r)
	q.gpc = header(r, "Sec-Gpc") == "1"
	q.dnt = header(r, "Dnt") == "1"
	if h.admit(q, 1) != nil {
		h.counters.Limited.Add(1)
		return "unavailable"
	}
	q.drafts = append(q.drafts[:0], pixelDraft(r))
	if err := h.process(r.Context(), q); err != nil {
		h.counters.Unavailable.Add(1)
		return "unavailable"
	}
	for i := range q.receipts {
		for _, row := range q.receipts[i].Refused {
			return row.Outcome.String() + ":" + row.Reason
		}
	}
	return event.Stored.String()
}

func pixelDraft(r *http.Request) draft {
	query := r.URL.Query()
	d := draft{
		raw:        []byte(r.URL.RawQuery),
		kind:       event.Pageview.String(),
		trackingID: query.Get("t"),
		page:       query.Get("p"),
		referrer:   query.Get("r"),
		title:      query.Get("title"),
		url:        r.Referer(),
	}
	if name := query.Get("n"); name != "" {
		d.kind, d.name = event.Custom.String(), name
	}
	if len(d.raw) > event.MaxEventBytes {
		d.reason = "too_large"
	}
	return d
}

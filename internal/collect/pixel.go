package collect

import (
	"net/http"
	"net/url"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
	"github.com/footfall-analytics/footfall/internal/event"
)

// gif is a transparent image of one pixel.
const gif = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// servePixel takes one event from a query string. The image comes always: a page must not show that counting failed.
func (h *Handler) servePixel(in *wire.Request, out *wire.Answer) {
	if in.Method != http.MethodGet {
		h.otherMethod(in, out, "GET, OPTIONS")
		return
	}
	h.counters.Requests.Add(1)
	q := h.request()
	defer h.release(q)
	out.Set("X-Ingest-Verdict", h.pixelVerdict(in, q))
	out.Set("Content-Type", "image/gif")
	out.Set("Cache-Control", "no-store")
	out.Set("Access-Control-Allow-Origin", "*")
	out.Set("Cross-Origin-Resource-Policy", "cross-origin")
	out.Body = append(out.Body, gif...)
}

// pixelVerdict judges and appends the event, and says in a word what became of it.
func (h *Handler) pixelVerdict(in *wire.Request, q *request) string {
	h.fromRequest(&q.sender, in)
	q.gpc = in.Header(wire.SecGPC) == "1"
	q.dnt = in.Header(wire.DNT) == "1"
	if h.admit(q, 1) != nil {
		h.counters.Limited.Add(1)
		return "unavailable"
	}
	q.drafts = append(q.drafts[:0], pixelDraft(in))
	if err := h.process(in.Context, q); err != nil {
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

func pixelDraft(in *wire.Request) draft {
	query, _ := url.ParseQuery(in.Query) // what can be read of it counts
	d := draft{
		raw:        []byte(in.Query),
		kind:       event.Pageview.String(),
		trackingID: query.Get("t"),
		page:       query.Get("p"),
		referrer:   query.Get("r"),
		title:      query.Get("title"),
		url:        in.Header(wire.Referer),
	}
	if name := query.Get("n"); name != "" {
		d.kind, d.name = event.Custom.String(), name
	}
	if len(d.raw) > event.MaxEventBytes {
		d.reason = "too_large"
	}
	return d
}

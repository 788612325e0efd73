package wire

import (
	"net/http"
	"net/netip"
)

// Handler serves the door by net/http.
func Handler(door Door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q Request
		q.Read(r)
		a := Answer{Status: http.StatusOK}
		door.Serve(&q, &a)
		a.write(w)
	})
}

// Read makes q the request that net/http has read.
func (q *Request) Read(r *http.Request) {
	q.Context, q.Method, q.Path, q.Query = r.Context(), r.Method, r.URL.Path, r.URL.RawQuery
	q.Length, q.Body, q.Peer = r.ContentLength, r.Body, netip.IPv6Unspecified()
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		q.Peer = peer.Addr().Unmap().WithZone("")
	}
	q.fields = q.fields[:0]
	for name, text := range canonical {
		for _, value := range r.Header[text] {
			q.fields = append(q.fields, field{Name(name), value})
		}
	}
}

func (a *Answer) write(w http.ResponseWriter) {
	header, values := w.Header(), make([]string, len(a.header))
	for i, h := range a.header {
		values[i] = h.value
		header[h.name] = values[i : i+1 : i+1]
	}
	w.WriteHeader(a.Status)
	if len(a.Body) > 0 {
		_, _ = w.Write(a.Body) // who has gone does not want to know
	}
}

package collect

import (
	"net/http"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
)

// ClientAddress returns the address of who sent the request, seen through the trusted proxies, for parts that limit or log by it.
func (h *Handler) ClientAddress(r *http.Request) string {
	var in wire.Request
	in.Read(r)
	return h.address(&in).String()
}

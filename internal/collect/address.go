package collect

import "net/http"

// ClientAddress returns the address of who sent the request, seen through the trusted proxies, for parts that limit or log by it.
func (h *Handler) ClientAddress(r *http.Request) string { return h.address(r).String() }

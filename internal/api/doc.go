// Package api is the HTTP API under /api/ and, for the command line on the same
// machine, under /admin/.
//
// It promises that each route stands once, in routes.go: from that table come the
// mux, the check of who may call it, and the OpenAPI document. Rights are decided
// in authorize.go alone, error statuses in errors.go alone. Requests are read
// strictly: what is not understood is refused with the place of the fault.
//
// It may import account, live, query and report. The format is docs/format/api.md.
package api

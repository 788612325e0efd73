// Package wire carries requests between connections and the door.
//
// There are two ways. Handler is one of net/http. Front stands below net/http, on the connection: it answers the requests that
// are plain, which nearly all events are, and hands everything else on, byte for byte, so that net/http alone decides what
// becomes of it. It promises that a request it answers is one that net/http reads in the same way (FuzzHead compares them), and
// that it begins to read a request only where net/http has read the one before to its end: docs/adr/0016-plain-requests.md.
// The package imports nothing of this module.
package wire

// Package web holds the dashboard and serves it.
//
// The pages are built by npm into dist (see package.json) and embedded here. A clean clone compiles before that: then Handler
// answers 503 and says what to run. The package imports nothing of ours.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

// dist always holds at least .keep, so that the embedding compiles in a clean clone.
//
//go:embed all:dist
var dist embed.FS

// contentSecurityPolicy is a file of its own because the browser tests serve the pages under the same policy.
//
//go:embed csp.txt
var contentSecurityPolicy string

// Handler serves the embedded dashboard: its files, and index.html for every path that is a page of it.
// It may be mounted at "/" behind the routes of the API.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("BUG: the embedded folder is named dist: " + err.Error())
	}
	return newHandler(files)
}

// Package sdkjs holds the built JavaScript SDK for the binary to serve.
//
// The scripts are built by npm into dist (see package.json) and embedded here. A clean clone compiles before that: then Files
// has nothing but .keep, and whoever serves it answers that the script is missing. The package imports nothing of ours.
package sdkjs

import (
	"embed"
	"io/fs"
)

// dist always holds at least .keep, so that the embedding compiles in a clean clone.
//
//go:embed all:dist
var dist embed.FS

// Files returns the built files by their bare names: footfall.js, footfall.core.js, footfall.everything.js, the
// module index.js and its index.d.ts. It may be used by many goroutines.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("BUG: the embedded folder is named dist: " + err.Error())
	}
	return files
}

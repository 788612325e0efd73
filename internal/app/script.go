package app

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// script is one file of the SDK, ready to be sent.
type script struct {
	body, gzipped []byte
	etag          string
}

// scripts serves the SDK below /js/: by its plain name, which browsers ask for again after a day, and by a name with the
// content's hash (/js/footfall.0123456789ab.js), which never changes.
type scripts map[string]script

// loadScripts reads the built SDK. An empty one is allowed: the server then says how to build it.
func loadScripts(files fs.FS) (scripts, error) {
	names, err := fs.Glob(files, "*.js")
	if err != nil {
		return nil, err
	}
	out := scripts{}
	for _, name := range names {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the script %q: %w", name, err)
		}
		sum := sha256.Sum256(body)
		s := script{body: body, gzipped: compress(body), etag: `"` + hex.EncodeToString(sum[:6]) + `"`}
		out[name] = s
		base, ext, _ := strings.Cut(name, ".")
		out[base+"."+strings.Trim(s.etag, `"`)+"."+ext] = s
	}
	return out, nil
}

func compress(body []byte) []byte {
	var buf bytes.Buffer
	w, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	_, _ = w.Write(body) // a bytes.Buffer takes all
	_ = w.Close()
	return buf.Bytes()
}

func (s scripts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	file, ok := s[name]
	if !ok {
		http.Error(w, "no such script; `make build` builds them into the binary", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*") // for integrity attributes on other sites
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", file.etag)
	h.Set("Cache-Control", "public, max-age=86400")
	if strings.Contains(name, strings.Trim(file.etag, `"`)) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == file.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := file.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.gzipped
	}
	_, _ = w.Write(body)
}

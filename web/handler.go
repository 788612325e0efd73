package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheNever   = "no-cache"
	notBuilt     = "The dashboard is not part of this binary. Run: make build\n"
)

// encodings are the precompressed variants in order of preference, each with the suffix of its file.
var encodings = [...]struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// contentTypes are fixed here: the table of the operating system must not change what a browser is told.
var contentTypes = map[string]string{
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".ico":   "image/x-icon",
	".json":  "application/json",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
	".map":   "application/json",
}

// reserved are first path segments that never are a page: a miss there is a 404 and not the dashboard.
var reserved = []string{"api", "v1", "js", "assets"}

// handler serves one built folder. It is immutable after newHandler, so safe for concurrent use.
type handler struct {
	files fs.FS
	etags map[string]string // by file name; only of files whose name has no hash
	built bool
}

func newHandler(files fs.FS) http.Handler {
	h := &handler{files: files, etags: make(map[string]string)}
	_, err := fs.Stat(files, "index.html")
	h.built = err == nil
	entries, _ := fs.ReadDir(files, ".")
	for _, e := range entries {
		if body, err := fs.ReadFile(files, e.Name()); err == nil {
			sum := sha256.Sum256(body)
			h.etags[e.Name()] = `"` + hex.EncodeToString(sum[:8]) + `"`
		}
	}
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSecurityHeaders(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if !h.built {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, strings.TrimSpace(notBuilt), http.StatusServiceUnavailable)
		return
	}
	name := h.resolve(r.URL.Path)
	if name == "" {
		http.NotFound(w, r)
		return
	}
	h.serveFile(w, r, name)
}

func setSecurityHeaders(header http.Header) {
	header.Set("Content-Security-Policy", strings.TrimSpace(contentSecurityPolicy))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("X-Frame-Options", "DENY")
}

// resolve names the file for a request path, "" for none. A domain is a page ("/shop.example"), so a dot alone does not make a file:
// only the endings of contentTypes do.
func (h *handler) resolve(urlPath string) string {
	name := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	_, known := contentTypes[path.Ext(name)]
	if known && name != "index.html" && h.isFile(name) {
		return name
	}
	first, _, _ := strings.Cut(name, "/")
	if slices.Contains(reserved, first) || (known && name != "index.html") {
		return ""
	}
	return "index.html"
}

func (h *handler) isFile(name string) bool {
	info, err := fs.Stat(h.files, name)
	return err == nil && !info.IsDir()
}

func (h *handler) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	header := w.Header()
	header.Set("Content-Type", contentTypes[path.Ext(name)])
	header.Set("Cache-Control", cacheNever)
	if strings.HasPrefix(name, "assets/") {
		header.Set("Cache-Control", cacheForever)
	}
	stored := h.negotiate(header, r, name)
	if tag := h.etags[stored]; tag != "" {
		header.Set("ETag", tag)
	}
	file, err := h.files.Open(stored)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	body, ok := file.(io.ReadSeeker)
	if !ok {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	http.ServeContent(w, r, name, time.Time{}, body)
}

// negotiate chooses the variant of a file that the client accepts and sets the headers that go with it.
func (h *handler) negotiate(header http.Header, r *http.Request, name string) string {
	varies := false
	for _, e := range encodings {
		if !h.isFile(name + e.suffix) {
			continue
		}
		varies = true
		if accepts(r.Header.Get("Accept-Encoding"), e.name) {
			header.Set("Vary", "Accept-Encoding")
			header.Set("Content-Encoding", e.name)
			return name + e.suffix
		}
	}
	if varies {
		header.Set("Vary", "Accept-Encoding")
	}
	return name
}

// accepts tells whether an Accept-Encoding header names the coding with a weight above zero.
func accepts(acceptEncoding, coding string) bool {
	for part := range strings.SplitSeq(acceptEncoding, ",") {
		token, weight, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(token), coding) {
			continue
		}
		value, found := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		return !found || strings.Trim(value, "0.") != ""
	}
	return false
}

package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func built() fstest.MapFS {
	return fstest.MapFS{
		".keep":                 {Data: nil},
		"index.html":            {Data: []byte("<!doctype html>page")},
		"index.html.gz":         {Data: []byte("gzip page")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":    {Data: []byte("plain")},
		"assets/app-1a2b.js.gz": {Data: []byte("gzipped")},
		"assets/app-1a2b.js.br": {Data: []byte("brotli")},
	}
}

func get(t *testing.T, h http.Handler, target, acceptEncoding string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept-Encoding", acceptEncoding)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPathsAndBodies(t *testing.T) {
	h := newHandler(built())
	f := func(target, acceptEncoding string, status int, body, cache string) {
		t.Helper()
		w := get(t, h, target, acceptEncoding)
		if w.Code != status {
			t.Fatalf("GET %s: status %d, want %d", target, w.Code, status)
		}
		if status != http.StatusOK {
			return
		}
		if got := w.Body.String(); got != body {
			t.Errorf("GET %s: body %q, want %q", target, got, body)
		}
		if got := w.Header().Get("Cache-Control"); got != cache {
			t.Errorf("GET %s: Cache-Control %q, want %q", target, got, cache)
		}
	}
	f("/", "", 200, "<!doctype html>page", cacheNever)
	f("/", "gzip", 200, "gzip page", cacheNever)
	f("/index.html", "", 200, "<!doctype html>page", cacheNever)
	f("/sites", "", 200, "<!doctype html>page", cacheNever)
	f("/shop.example.com", "", 200, "<!doctype html>page", cacheNever)
	f("/shop.example.com/realtime?period=7d", "", 200, "<!doctype html>page", cacheNever)
	f("/assets/app-1a2b.js", "", 200, "plain", cacheForever)
	f("/assets/app-1a2b.js", "gzip, br", 200, "brotli", cacheForever)
	f("/assets/app-1a2b.js", "gzip, br;q=0", 200, "gzipped", cacheForever)
	f("/assets/app-1a2b.js", "gzip;q=0.0", 200, "plain", cacheForever)
	f("/favicon.svg", "br", 200, "<svg/>", cacheNever)
	f("/assets/gone-9z.js", "", 404, "", "")
	f("/assets/", "", 404, "", "")
	f("/assets/app-1a2b.js.gz", "", 404, "", "")
	f("/missing.css", "", 404, "", "")
	f("/api/v9/nothing", "", 404, "", "")
	f("/../handler.go.txt", "", 404, "", "")
	f("/.keep", "", 200, "<!doctype html>page", cacheNever)
}

func TestHeaders(t *testing.T) {
	h := newHandler(built())
	w := get(t, h, "/assets/app-1a2b.js", "br")
	want := map[string]string{
		"Content-Type":           "text/javascript; charset=utf-8",
		"Content-Encoding":       "br",
		"Vary":                   "Accept-Encoding",
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy":        "same-origin",
	}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	for _, target := range []string{"/", "/sites", "/assets/app-1a2b.js", "/missing.css", "/api/x"} {
		csp := get(t, h, target, "").Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "connect-src 'self'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("GET %s: policy %q lacks %q", target, csp, part)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "\n") {
			t.Errorf("GET %s: policy %q is not strict", target, csp)
		}
	}
}

func TestRevalidation(t *testing.T) {
	h := newHandler(built())
	tag := get(t, h, "/", "").Header().Get("ETag")
	if tag == "" || tag == get(t, h, "/", "gzip").Header().Get("ETag") {
		t.Fatalf("each variant of the page needs an ETag of its own, got %q", tag)
	}
	r := httptest.NewRequest(http.MethodGet, "/sites", nil)
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusNotModified {
		t.Errorf("status %d, want 304", w.Code)
	}
}

func TestMethods(t *testing.T) {
	w := httptest.NewRecorder()
	newHandler(built()).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("status %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestNotBuilt(t *testing.T) {
	w := get(t, newHandler(fstest.MapFS{".keep": {}}), "/", "")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("status %d, body %q", w.Code, w.Body.String())
	}
}

// The embedded folder is either built or not; both must answer without a panic.
func TestEmbedded(t *testing.T) {
	if w := get(t, Handler(), "/", "gzip"); w.Code != http.StatusOK && w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}

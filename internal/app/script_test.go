package app

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestScripts(t *testing.T) {
	text := strings.Repeat("let a = 1;\n", 100)
	s, err := loadScripts(fstest.MapFS{"footfall.js": {Data: []byte(text)}, "notes.txt": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string, header ...string) *httptest.ResponseRecorder {
		req := httptest.NewRequest("GET", path, nil)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		return w
	}
	plain := get("/js/footfall.js")
	if plain.Code != 200 || plain.Body.String() != text || plain.Header().Get("Cache-Control") != "public, max-age=86400" {
		t.Errorf("plain: %d %v", plain.Code, plain.Header())
	}
	etag := plain.Header().Get("ETag")
	if w := get("/js/footfall.js", "If-None-Match", etag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("unchanged: %d", w.Code)
	}
	hashed := get("/js/footfall."+strings.Trim(etag, `"`)+".js", "Accept-Encoding", "br, gzip")
	if hashed.Code != 200 || !strings.Contains(hashed.Header().Get("Cache-Control"), "immutable") || hashed.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("hashed: %d %v", hashed.Code, hashed.Header())
	}
	r, err := gzip.NewReader(hashed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(r); string(body) != text {
		t.Error("gzip does not give the text back")
	}
	for _, path := range []string{"/js/notes.txt", "/js/footfall.000000000000.js", "/js/"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

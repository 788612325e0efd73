package demo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestShop(t *testing.T) {
	shop := Shop(func() string { return `ft_"demo"` })
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		shop.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	f := func(path string, status int, contentType string, parts ...string) {
		t.Helper()
		w := get(http.MethodGet, path)
		if w.Code != status || !strings.HasPrefix(w.Header().Get("Content-Type"), contentType) {
			t.Errorf("%s: %d %q, want %d %q", path, w.Code, w.Header().Get("Content-Type"), status, contentType)
		}
		for _, part := range parts {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s lacks %q", path, part)
			}
		}
	}
	tracker := `<script defer src="/js/footfall.js" data-site="ft_&#34;demo&#34;">`
	f("/demo/", 200, "text/html", tracker, "<h1>", `data-add="Harbour mug"`, `href="/demo/product"`)
	f("/demo/product", 200, "text/html", tracker, `data-add="Aurora lamp"`, `href="/demo/checkout"`)
	f("/demo/checkout", 200, "text/html", tracker, "data-pay", "data-total")
	f("/demo/shop.css", 200, "text/css", "light-dark(", "prefers-reduced-motion")
	f("/demo/shop.js", 200, "text/javascript", "add_to_cart", "purchase", "currency: 'EUR'")
	f("/demo", 301, "")
	f("/demo/nothing", 404, "")
	f("/demo/layout.html", 404, "")
	if code := get(http.MethodPost, "/demo/").Code; code != 405 {
		t.Errorf("POST gave %d", code)
	}
	if policy := get(http.MethodGet, "/demo/").Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") {
		t.Errorf("policy %q", policy)
	}
}

package demo

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed shop
var shopFiles embed.FS

// Shop serves the demo shop: /demo/, /demo/product and /demo/checkout, with its style and script. The pages load the tracker
// from /js/footfall.js, which the caller serves. trackingID is asked at each page, so that the site may be added later; it
// must be safe for concurrent use.
func Shop(trackingID func() string) http.Handler {
	mux := http.NewServeMux()
	for path, name := range map[string]string{"/demo/{$}": "home", "/demo/product": "product", "/demo/checkout": "checkout"} {
		mux.Handle("GET "+path, shopView{name, parsePage(name), trackingID})
	}
	for _, name := range []string{"shop.css", "shop.js"} {
		mux.HandleFunc("GET /demo/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, shopFiles, "shop/"+name)
		})
	}
	mux.Handle("GET /demo", http.RedirectHandler("/demo/", http.StatusMovedPermanently))
	return mux
}

func parsePage(name string) *template.Template {
	return template.Must(template.ParseFS(shopFiles, "shop/layout.html", "shop/"+name+".html"))
}

// shopView is one page of the shop.
type shopView struct {
	name       string
	page       *template.Template
	trackingID func() string
}

// shopPolicy lets the pages load their own files and nothing else. The icon is a data URL.
const shopPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (v shopView) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var body bytes.Buffer
	data := struct{ Page, TrackingID string }{v.name, v.trackingID()}
	if err := v.page.Execute(&body, data); err != nil {
		http.Error(w, "cannot show the page", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", shopPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(body.Bytes()) // a client that is gone needs no page
}

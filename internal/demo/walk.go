package demo

import (
	"math"
	"strconv"
)

// walk is a visitor on his way through the shop.
type walk struct {
	g               *generator
	visitor         *visitor
	session         string
	now             int64
	query, referrer string // of the next page view
	at              int    // the page he is on
	cart            int64  // EUR
}

// event adds an event that happens now, on the page he is on, and returns it to be filled. It is valid until the next one.
func (w *walk) event(kind string) *Event {
	g, v := w.g, w.visitor
	g.pending = append(g.pending, Event{
		ID: newID(g.rng, w.now), Type: kind, TrackingID: g.TrackingID, SessionID: w.session, UserID: v.userID,
		Timestamp: w.now, ReceivedAt: w.now + 40 + g.rng.Int64N(400),
		Page: g.pages[w.at].path, URL: "https://" + g.Hostname + g.pages[w.at].path, Hostname: g.Hostname,
		Screen: v.screen, Language: v.language, Timezone: v.zone, IP: v.ip, UserAgent: v.userAgent,
	})
	return &g.pending[len(g.pending)-1]
}

// custom adds an event as trackEvent sends it.
func (w *walk) custom(category, action, label string, value int64) *Event {
	e := w.event("event")
	e.Category, e.Action, e.Label, e.Value = category, action, label, value
	return e
}

// see adds a page view.
func (w *walk) see(page int) {
	w.at = page
	e := w.event("pageview")
	e.Title, e.Referrer = w.g.pages[page].title, w.referrer
	e.URL += w.query
	w.query, w.referrer = "", "https://"+w.g.Hostname+w.g.pages[page].path
}

// read adds a page view, what he does there, and how long he looked at it.
func (w *walk) read(page int) {
	w.see(page)
	median, depth := 16.0, 65.0
	switch w.g.pages[page].kind {
	case journalPage:
		median, depth = 48, 58
	case productPage:
		median, depth = 24, 52
	}
	engaged := min(median*math.Exp(w.g.rng.NormFloat64()*0.9), 900)
	away := 0.0
	if w.g.rng.Float64() < 0.12 {
		away = w.g.rng.ExpFloat64() * 60 // in another tab
	}
	opened := w.now
	w.act(opened + int64(engaged*400))
	w.now = max(w.now, opened+int64((engaged+away)*1000)) + 200
	if w.g.rng.Float64() < 0.03 {
		return // the battery was empty
	}
	e := w.event("engagement")
	e.TimeOnPage = max(int64(engaged*1000), 300)
	e.ScrollDepth = int(min(max(depth+w.g.rng.NormFloat64()*24, 8), 100))
	w.now += 60
}

// act adds what a visitor does on the page besides reading, at the time given.
func (w *walk) act(at int64) {
	g, page := w.g, &w.g.pages[w.at]
	luck := g.rng.Float64()
	switch {
	case page.kind == productPage && luck < 0.13:
		w.now = at
		w.custom("shop", "add_to_cart", page.title, page.price)
		w.cart += page.price
	case w.at == searchPage && luck < 0.9:
		w.now = at
		w.custom("site", "search", g.words[g.rng.IntN(len(g.words))], 0)
	case (w.at == newsletterPage && luck < 0.45) || (w.at == homePage && luck < 0.012):
		w.now = at
		w.custom("newsletter", "signup", "", 0)
	case page.kind == journalPage && luck < 0.05:
		w.now = at
		w.custom("link", "outbound", "https://en.wikipedia.example/light", 0).Automatic = true
	case w.at == thanksPage && w.cart > 0:
		w.buy()
	}
}

// buy adds the purchase of what is in the cart. Shipping is free from 100 EUR on.
func (w *walk) buy() {
	cents := w.cart * 100
	if cents < 10_000 {
		cents += 490
	}
	e := w.custom("shop", "purchase", "", 0)
	e.Revenue, e.Currency = strconv.FormatInt(cents/100, 10)+"."+strconv.FormatInt(100+cents%100, 10)[1:], "EUR"
	e.Payment = [4]string{"card", "card", "paypal", "invoice"}[w.g.rng.IntN(4)]
	w.cart = 0
}

// next chooses the page he goes to from the one he is on.
func (w *walk) next() int {
	g, luck := w.g, w.g.rng.Float64()
	switch {
	case w.at == checkoutPage && luck < 0.62:
		return thanksPage
	case w.at == cartPage && w.cart > 0 && luck < 0.55:
		return checkoutPage
	case w.cart > 0 && w.at != cartPage && luck < 0.5:
		return cartPage
	case g.pages[w.at].kind == listPage && luck < 0.6:
		return g.byKind[productPage].pick(g.rng)
	case w.at == homePage && luck < 0.4:
		return shopPage
	case luck < 0.75 && luck > 0.6:
		return g.byKind[listPage].pick(g.rng)
	}
	return g.byPage.pick(g.rng)
}

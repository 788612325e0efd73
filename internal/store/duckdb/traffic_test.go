package duckdb

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// traffic makes batches as processing would: visits of a few pages with their sessions, in event order.
type traffic struct {
	rng    *rand.Rand
	site   string
	now    int64
	pages  []string
	titles []string
	rate   int // ms between visits
	offset int64
}

func newTraffic(seed uint64, start int64, rate int) *traffic {
	t := &traffic{rng: rand.New(rand.NewPCG(seed, 1)), site: "site-0001", now: start, rate: rate}
	for i := range 400 {
		t.pages = append(t.pages, fmt.Sprintf("/section-%d/article-about-topic-%d", i%12, i))
		t.titles = append(t.titles, fmt.Sprintf("Everything about topic %d and its friends | Example Shop", i))
	}
	return t
}

func (t *traffic) zipf(n int) int {
	return int(float64(n) * t.rng.Float64() * t.rng.Float64() * t.rng.Float64())
}

func (t *traffic) pick(list ...string) string { return list[t.zipf(len(list))] }

// visit returns the events of one visit and its session.
func (t *traffic) visit() ([]event.Event, event.Session) {
	t.now += int64(t.rng.IntN(2*t.rate) + 1)
	var id [8]byte
	binary.LittleEndian.PutUint64(id[:], t.rng.Uint64())
	user := base64.RawURLEncoding.EncodeToString(id[:])
	base := event.Event{WebsiteID: t.site, UserID: user, SessionID: user, SampleKey: xxhash.Sum64String(user),
		VisitorCoupon: uint32(t.rng.Uint64()&0x3ffffff) | uint32(1+t.zipf(6))<<26, Interactive: true, ScrollDepth: event.NoScroll,
		Hostname: "shop.example.com", Source: t.pick("", "Google", "Bing", "Facebook", "Hacker News"), Channel: t.pick("Direct", "Organic Search", "Organic Social", "Referral"),
		Country:    t.pick("US", "DE", "GB", "FR", "IN", "BR", "JP", "CA", "AU", "NL", "ES", "IT", "SE", "PL", "CH"),
		DeviceType: t.pick("desktop", "mobile", "tablet"), Browser: t.pick("Chrome", "Safari", "Firefox", "Edge"), BrowserVersion: t.pick("140", "139", "18.1", "138", "141"),
		OS: t.pick("Windows", "macOS", "iOS", "Android", "Linux"), OSVersion: t.pick("10", "15.1", "18", "14", ""),
		Screen: t.pick("1920x1080", "390x844", "1440x900", "2560x1440", "412x915"), Language: t.pick("en-US", "de-DE", "fr-FR", "en-GB", "pt-BR")}
	if base.Source == "" {
		base.Channel = "Direct"
	} else if t.rng.IntN(3) == 0 {
		base.Referrer = "https://" + base.Source + ".com/"
	}
	session := event.Session{SessionKey: event.SessionKey{WebsiteID: t.site, SessionID: user}, ChainStart: t.now, Start: t.now, UserID: user,
		SampleKey: base.SampleKey, VisitorCoupon: base.VisitorCoupon, Source: base.Source, Channel: base.Channel, Referrer: base.Referrer,
		Country: base.Country, DeviceType: base.DeviceType, Browser: base.Browser, BrowserVersion: base.BrowserVersion, OS: base.OS, OSVersion: base.OSVersion,
		Screen: base.Screen, Language: base.Language}
	at, n := t.now, 1+t.zipf(20)
	var events []event.Event
	for i := range n {
		e := base
		page := t.zipf(len(t.pages))
		e.Type, e.Page, e.Title = event.Pageview, t.pages[page], t.titles[page]
		t.stamp(&e, at)
		events = append(events, e)
		if i == 0 {
			session.EntryPage, session.EntryHostname = e.Page, e.Hostname
		}
		session.ExitPage, session.ExitHostname = e.Page, e.Hostname
		session.Pageviews++
		session.Events++
		at += int64(t.rng.IntN(60_000) + 500)
		if t.rng.IntN(4) == 0 {
			g := e
			g.Type, g.TimeOnPage, g.ScrollDepth, g.Interactive = event.Engagement, int64(t.rng.IntN(60_000)), int16(t.rng.IntN(101)), false
			t.stamp(&g, at)
			events = append(events, g)
			session.EngagedMs += g.TimeOnPage
		}
		session.End = at
	}
	session.End = events[len(events)-1].Timestamp
	return events, session
}

// stamp gives the event its times and a version 7 id.
func (t *traffic) stamp(e *event.Event, at int64) {
	e.Timestamp, e.ReceivedAt = at, at+int64(t.rng.IntN(400))
	binary.BigEndian.PutUint64(e.ID[:], uint64(at)<<16|0x7000|t.rng.Uint64()&0xfff)
	binary.BigEndian.PutUint64(e.ID[8:], t.rng.Uint64()&^(3<<62)|2<<62)
}

// batch returns a batch of about n events with their sessions and ledger rows.
func (t *traffic) batch(n int) *store.Batch {
	b := &store.Batch{}
	for len(b.Events) < n {
		events, session := t.visit()
		b.Events = append(b.Events, events...)
		b.Sessions = append(b.Sessions, session)
	}
	counts := map[int64]int64{}
	for i := range b.Events {
		counts[event.Minute(b.Events[i].ReceivedAt)]++
	}
	for minute, n := range counts {
		b.Ledger = append(b.Ledger, event.LedgerRow{WebsiteID: t.site, Minute: minute, Outcome: event.Received, Count: n},
			event.LedgerRow{WebsiteID: t.site, Minute: minute, Outcome: event.Stored, Count: n})
	}
	t.offset += int64(len(b.Events))
	b.Next = t.offset
	return b
}

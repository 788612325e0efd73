package duckdb

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
)

// history is a small random past of one site, with the sessions that the semantics make of it.
type history struct {
	site     event.Site
	now      time.Time
	events   []event.Event
	sessions []event.Session
	visit    map[event.UUID]*event.Session // by event id; absent for events of no session
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// zones have midnights that do not exist, half-hour offsets, and changes of the clock in the months of the histories.
var zones = [...]string{"Africa/Cairo", "Australia/Lord_Howe", "America/New_York", "Asia/Kolkata"}

func newHistory(seed uint64) *history {
	r := rand.New(rand.NewPCG(seed, 7))
	h := &history{site: event.Site{WebsiteID: "s", Threshold: uint8(1 + r.IntN(3)), Timezone: zones[seed%uint64(len(zones))]}}
	loc, err := time.LoadLocation(h.site.Timezone)
	if err != nil {
		panic(err)
	}
	at := time.Date(2025, time.Month(4-seed%2), 20+r.IntN(8), r.IntN(24), 0, 0, 0, loc)
	for range 120 + r.IntN(200) {
		at = at.Add(time.Duration(pick(r, 0, 1, 1000, 60_000, 600_000, 1_800_000, 1_800_001, 5_000_000, 30_000_000)) * time.Millisecond)
		h.events = append(h.events, randomEvent(r, at.UnixMilli()))
	}
	h.now = at.Add(time.Hour)
	h.makeSessions()
	return h
}

func randomEvent(r *rand.Rand, at int64) event.Event {
	user := pick(r, "ann", "bob", "cy", "dé", "eve", "flo", "gus")
	e := event.Event{WebsiteID: "s", Timestamp: at, ReceivedAt: at + 5, UserID: user, SampleKey: xxhash.Sum64String(user), VisitorCoupon: sketch.Coupon(user),
		Type:      pick(r, event.Pageview, event.Pageview, event.Pageview, event.Custom, event.Engagement, event.Engagement, event.Identify, event.Vitals),
		SessionID: pick(r, user, user, user, "shared"), Page: pick(r, "/", "/a", "/a/B", "/(not set)", ""), Hostname: pick(r, "x.io", "y.io"),
		Source: pick(r, "", "Google", "Bing"), Channel: pick(r, "Direct", "Organic Search"), Medium: pick(r, "", "cpc"), Campaign: pick(r, "", "spring"),
		Country: pick(r, "DE", "US", ""), Region: pick(r, "", "DE-BE"), City: pick(r, "", "Berlin"), DeviceType: pick(r, "desktop", "mobile"), Browser: pick(r, "Chrome", "Firefox"),
		OS: pick(r, "Linux", "iOS"), Screen: pick(r, "", "1x1"), Referrer: pick(r, "", "https://g.co/"), BotScore: pick[uint8](r, 0, 0, 0, 30, 60), ScrollDepth: event.NoScroll}
	for i := range e.ID {
		e.ID[i] = byte(r.UintN(256))
	}
	e.BotBand = event.Band(e.BotScore)
	switch e.Type {
	case event.Custom:
		e.Name, e.Interactive = pick(r, "signup", "Buy", ""), r.IntN(3) > 0
		if r.IntN(2) == 0 {
			e.Revenue, e.Currency = int64(r.IntN(1_000_000)), pick(r, "EUR", "EUR", "EUR", "USD")
		}
	case event.Engagement:
		e.TimeOnPage = int64(r.IntN(60_000))
		if r.IntN(3) > 0 {
			e.ScrollDepth = int16(r.IntN(101))
		}
	case event.Pageview:
		e.Interactive = true
	}
	if r.IntN(2) == 0 {
		e.Properties = []event.Property{{Key: "plan", Value: pick(r, "pro", "free", "it's")}}
	}
	return e
}

// makeSessions is the paragraph "Session" of the semantics, word by word.
func (h *history) makeSessions() {
	h.visit = map[event.UUID]*event.Session{}
	byKey := map[event.SessionKey][]*event.Event{}
	for i := range h.events {
		if e := &h.events[i]; e.Type.InSession() {
			key := event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}
			byKey[key] = append(byKey[key], e)
		}
	}
	var all []*event.Session
	for key, list := range byKey {
		sort.Slice(list, func(i, j int) bool {
			return list[i].Timestamp < list[j].Timestamp || list[i].Timestamp == list[j].Timestamp && list[i].ID.String() < list[j].ID.String()
		})
		for _, chain := range chains(list) {
			if s := sessionOf(key, chain); s != nil {
				all = append(all, s)
				for _, e := range chain {
					h.visit[e.ID] = s
				}
			}
		}
	}
	for _, s := range all {
		h.sessions = append(h.sessions, *s)
	}
}

func chains(list []*event.Event) (out [][]*event.Event) {
	var chain []*event.Event
	for _, e := range list {
		if n := len(chain); n > 0 && e.Timestamp-chain[n-1].Timestamp > event.SessionGapMillis {
			out, chain = append(out, splitDays(chain)...), nil
		}
		chain = append(chain, e)
	}
	return append(out, splitDays(chain)...)
}

func splitDays(chain []*event.Event) (out [][]*event.Event) {
	if chain[len(chain)-1].Timestamp-chain[0].Timestamp <= event.SessionSplitMillis {
		return [][]*event.Event{chain}
	}
	for i, e := range chain {
		if i == 0 || e.Timestamp/event.DayMillis != chain[i-1].Timestamp/event.DayMillis {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], e)
	}
	return out
}

func sessionOf(key event.SessionKey, chain []*event.Event) *event.Session {
	var s *event.Session
	visitors := map[uint64]uint32{}
	engaged := int64(0)
	for _, e := range chain {
		engaged += e.TimeOnPage
		if !e.Type.Counted() {
			continue
		}
		if s == nil {
			s = &event.Session{SessionKey: key, ChainStart: chain[0].Timestamp, Start: e.Timestamp, End: chain[len(chain)-1].Timestamp,
				UserID: e.UserID, SampleKey: e.SampleKey, VisitorCoupon: e.VisitorCoupon, Source: e.Source, Channel: e.Channel, Medium: e.Medium, Campaign: e.Campaign,
				Country: e.Country, Region: e.Region, City: e.City, DeviceType: e.DeviceType, Browser: e.Browser, OS: e.OS, Screen: e.Screen, Referrer: e.Referrer}
		}
		visitors[e.SampleKey] = e.VisitorCoupon
		countInto(s, e)
	}
	if s == nil {
		return nil
	}
	s.EngagedMs = engaged
	if len(visitors) > 1 {
		for _, k := range slices.Sorted(maps.Keys(visitors)) {
			s.Visitors = append(s.Visitors, event.Visitor{SampleKey: k, Coupon: visitors[k]})
		}
	}
	return s
}

func countInto(s *event.Session, e *event.Event) {
	s.Events++
	if e.Type == event.Pageview {
		if s.Pageviews == 0 {
			s.EntryPage, s.EntryHostname = e.Page, e.Hostname
		}
		s.ExitPage, s.ExitHostname = e.Page, e.Hostname
		s.Pageviews++
	} else if e.Interactive {
		s.Interactive++
	}
	if e.Currency == "" {
		return
	}
	s.RevenueEvents++
	switch {
	case s.Currency == "" || s.Currency == e.Currency:
		s.Currency, s.Revenue = e.Currency, s.Revenue+e.Revenue
	default:
		s.Currency, s.Revenue = event.MixedCurrency, 0
	}
}

func (h *history) batch(events []event.Event, sessions []event.Session, next int64) *store.Batch {
	return &store.Batch{Events: events, Sessions: sessions, Next: next}
}

package realtime

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
)

// recountSessions makes the sessions of all events from the words of the semantics.
func recountSessions(events []event.Event) map[event.SessionRef]event.Session {
	byKey := map[event.SessionKey][]event.Event{}
	for _, e := range events {
		if e.Type <= event.Engagement {
			key := event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}
			byKey[key] = append(byKey[key], e)
		}
	}
	sessions := map[event.SessionRef]event.Session{}
	for key, list := range byKey {
		slices.SortFunc(list, func(a, b event.Event) int {
			return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare([]byte(a.ID.String()), []byte(b.ID.String())))
		})
		for _, chain := range cut(list, func(a, b event.Event) bool { return b.Timestamp-a.Timestamp > 1_800_000 }) {
			parts := [][]event.Event{chain}
			if chain[len(chain)-1].Timestamp-chain[0].Timestamp > 86_400_000 {
				parts = cut(chain, func(a, b event.Event) bool { return a.Timestamp/86_400_000 != b.Timestamp/86_400_000 })
			}
			for _, part := range parts {
				if s := session(key, part); s.Events > 0 {
					sessions[s.Ref()] = s
				}
			}
		}
	}
	return sessions
}

func cut(list []event.Event, between func(a, b event.Event) bool) (parts [][]event.Event) {
	from := 0
	for i := 1; i <= len(list); i++ {
		if i == len(list) || between(list[i-1], list[i]) {
			parts, from = append(parts, list[from:i]), i
		}
	}
	return parts
}

func session(key event.SessionKey, part []event.Event) event.Session {
	s := event.Session{SessionKey: key, ChainStart: part[0].Timestamp, End: part[len(part)-1].Timestamp}
	visitors, revenue := map[event.Visitor]bool{}, map[string]int64{}
	for _, e := range part {
		if e.Type == event.Engagement {
			s.EngagedMs += e.TimeOnPage
			continue
		}
		if s.Events++; s.Events == 1 {
			first(&s, e)
		}
		visitors[event.Visitor{SampleKey: e.SampleKey, Coupon: e.VisitorCoupon}] = true
		if e.Currency != "" {
			s.RevenueEvents++
			revenue[e.Currency] += e.Revenue
		}
		if e.Type == event.Custom {
			if e.Interactive {
				s.Interactive++
			}
			continue
		}
		if s.Pageviews++; s.Pageviews == 1 {
			s.EntryPage, s.EntryHostname = e.Page, e.Hostname
		}
		s.ExitPage, s.ExitHostname = e.Page, e.Hostname
	}
	for currency, sum := range revenue {
		s.Currency, s.Revenue = currency, sum
	}
	if len(revenue) > 1 {
		s.Currency, s.Revenue = event.MixedCurrency, 0
	}
	if len(visitors) > 1 {
		s.Visitors = slices.SortedFunc(maps.Keys(visitors), func(a, b event.Visitor) int { return cmp.Compare(a.SampleKey, b.SampleKey) })
	}
	return s
}

func first(s *event.Session, e event.Event) {
	s.Start, s.UserID, s.SampleKey, s.VisitorCoupon = e.Timestamp, e.UserID, e.SampleKey, e.VisitorCoupon
	s.Source, s.Medium, s.Campaign, s.Term, s.Content, s.Channel, s.Referrer = e.Source, e.Medium, e.Campaign, e.Term, e.Content, e.Channel, e.Referrer
	s.Country, s.Region, s.City, s.Screen, s.Language = e.Country, e.Region, e.City, e.Screen, e.Language
	s.DeviceType, s.Browser, s.BrowserVersion, s.OS, s.OSVersion = e.DeviceType, e.Browser, e.BrowserVersion, e.OS, e.OSVersion
}

// recountWindows counts the windows of all events.
func recountWindows(events []event.Event) map[windowKey]event.Metric {
	windows := map[windowKey]event.Metric{}
	seen := [event.Bands]map[windowKey]map[uint64]bool{}
	for i := range seen {
		seen[i] = map[windowKey]map[uint64]bool{}
	}
	for _, e := range events {
		if e.Type > event.Custom {
			continue
		}
		k := windowKey{e.WebsiteID, e.Timestamp - e.Timestamp%10_000}
		m := windows[k]
		m.WebsiteID, m.Start = k.site, k.start
		m.Events[e.BotBand]++
		if e.Type == event.Pageview {
			m.Pageviews[e.BotBand]++
		}
		for threshold := int(e.BotBand) + 1; threshold <= event.Bands; threshold++ {
			users := seen[threshold-1][k]
			if users == nil {
				users = map[uint64]bool{}
				seen[threshold-1][k] = users
			}
			users[e.SampleKey] = true
			m.Visitors[threshold-1] = uint64(len(users))
		}
		windows[k] = m
	}
	return windows
}

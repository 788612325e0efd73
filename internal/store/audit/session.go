package audit

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Follows reports whether b belongs to the chain that a ends.
func Follows(a, b *event.Event) bool {
	return a.WebsiteID == b.WebsiteID && a.SessionID == b.SessionID && a.BotBand == b.BotBand && b.Timestamp-a.Timestamp <= event.SessionGapMillis
}

// Sessions calls yield for each session of a chain, whose events are in the order of time, ties by id.
func Sessions(chain []event.Event, yield func(*event.Session)) {
	long := chain[len(chain)-1].Timestamp-chain[0].Timestamp > event.SessionSplitMillis
	from := 0
	for i := range chain {
		if long && i > from && chain[i].Timestamp/event.DayMillis != chain[i-1].Timestamp/event.DayMillis {
			session(chain[from:i], yield)
			from = i
		}
	}
	session(chain[from:], yield)
}

// session makes the session of a piece of a chain, which is in order, if it has a counted event.
func session(piece []event.Event, yield func(*event.Session)) {
	counted := slices.IndexFunc(piece, func(e event.Event) bool { return e.Type.Counted() })
	if counted < 0 {
		return
	}
	f := &piece[counted]
	s := &event.Session{SessionKey: event.SessionKey{WebsiteID: f.WebsiteID, SessionID: f.SessionID, Band: f.BotBand},
		ChainStart: piece[0].Timestamp, Start: f.Timestamp, End: piece[len(piece)-1].Timestamp,
		UserID: f.UserID, SampleKey: f.SampleKey, VisitorCoupon: f.VisitorCoupon,
		Source: f.Source, Medium: f.Medium, Campaign: f.Campaign, Term: f.Term, Content: f.Content, Channel: f.Channel, Referrer: f.Referrer,
		Country: f.Country, Region: f.Region, City: f.City, DeviceType: f.DeviceType, Browser: f.Browser, BrowserVersion: f.BrowserVersion,
		OS: f.OS, OSVersion: f.OSVersion, Screen: f.Screen, Language: f.Language}
	users, money := map[event.Visitor]bool{}, map[string]int64{}
	for i := range piece {
		add(s, &piece[i], users, money)
	}
	if len(users) > 1 {
		s.Visitors = slices.SortedFunc(maps.Keys(users), func(a, b event.Visitor) int {
			if a.SampleKey < b.SampleKey {
				return -1
			}
			return 1
		})
	}
	for currency, sum := range money {
		s.Currency, s.Revenue = currency, sum
	}
	if len(money) > 1 {
		s.Currency, s.Revenue = event.MixedCurrency, 0
	}
	yield(s)
}

func add(s *event.Session, e *event.Event, users map[event.Visitor]bool, money map[string]int64) {
	if e.Type == event.Engagement {
		s.EngagedMs += e.TimeOnPage
		return
	}
	s.Events++
	users[event.Visitor{SampleKey: e.SampleKey, Coupon: e.VisitorCoupon}] = true
	if e.HasRevenue() {
		s.RevenueEvents++
		money[e.Currency] += e.Revenue
	}
	if e.Type == event.Custom && e.Interactive {
		s.Interactive++
	}
	if e.Type == event.Pageview {
		if s.Pageviews == 0 {
			s.EntryPage, s.EntryHostname = e.Page, e.Hostname
		}
		s.ExitPage, s.ExitHostname = e.Page, e.Hostname
		s.Pageviews++
	}
}

// Describe names a session in a report.
func Describe(ref event.SessionRef) string {
	return fmt.Sprintf("session %q, band %d, start %d", ref.SessionID, ref.Band, ref.Start)
}

// FieldDifference names the fields in which two sessions differ.
func FieldDifference(want, got *event.Session) (expected, found string) {
	w, g := reflect.ValueOf(*want), reflect.ValueOf(*got)
	var ws, gs []string
	for i := range w.NumField() {
		if !reflect.DeepEqual(w.Field(i).Interface(), g.Field(i).Interface()) {
			name := w.Type().Field(i).Name
			ws = append(ws, fmt.Sprintf("%s %v", name, w.Field(i).Interface()))
			gs = append(gs, fmt.Sprintf("%s %v", name, g.Field(i).Interface()))
		}
	}
	return strings.Join(ws, ", "), strings.Join(gs, ", ")
}

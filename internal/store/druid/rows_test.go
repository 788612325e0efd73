package druid

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/footfall-analytics/footfall/internal/sketch"
)

// pageView and visit are rows as docs/format/druid.md draws them.
type pageView struct {
	Timestamp     int64  `json:"timestamp"`
	WebsiteID     string `json:"website_id"`
	Page          string `json:"page"`
	Country       string `json:"country"`
	DeviceType    string `json:"device_type"`
	Browser       string `json:"browser"`
	Source        string `json:"source"`
	Medium        string `json:"medium"`
	Currency      string `json:"currency"`
	BotBand       int64  `json:"bot_band"`
	InSession     int64  `json:"in_session"`
	Views         int64  `json:"views"`
	Events        int64  `json:"events"`
	TotalTime     int64  `json:"total_time"`
	Revenue       int64  `json:"revenue"`
	RevenueEvents int64  `json:"revenue_events"`
	Visitors      []byte `json:"visitors"`

	users []uint32
}

type visit struct {
	Timestamp  int64  `json:"timestamp"`
	WebsiteID  string `json:"website_id"`
	Source     string `json:"source"`
	Medium     string `json:"medium"`
	Campaign   string `json:"campaign"`
	Channel    string `json:"channel"`
	EntryPage  string `json:"entry_page"`
	Country    string `json:"country"`
	DeviceType string `json:"device_type"`
	Browser    string `json:"browser"`
	BotBand    int64  `json:"bot_band"`
	Sessions   int64  `json:"sessions"`
	Bounces    int64  `json:"bounces"`
	Duration   int64  `json:"duration"`
	Pageviews  int64  `json:"pageviews"`
	Revenue    int64  `json:"revenue"`
	Visitors   []byte `json:"visitors"`

	users []uint32
}

var (
	pagesOf     = []string{"/", "/a", "/a/b", "/A/b", "", "/it's \"quoted\" back\\slash 100%_x", "/größe/İI/ΣΑΣ", "/GRÖSSE/ii/σας", "/日本", "/🎉.html", "/a.b*c"}
	sourcesOf   = []string{"", "Google", "Bing", "news", "X"}
	mediumsOf   = []string{"", "organic", "email"}
	countriesOf = []string{"", "DE", "US", "JP"}
	devicesOf   = []string{"desktop", "mobile", "tablet"}
	browsersOf  = []string{"Chrome", "Firefox", ""}
	currencyOf  = []string{"", "", "", "EUR", "USD"}
)

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// coupons returns some visitors, and the sketch of them.
func coupons(r *rand.Rand, most, all int) (users []uint32, bytes []byte) {
	set := sketch.New()
	for range r.IntN(most + 1) {
		users = append(users, sketch.Coupon(fmt.Sprint("user ", r.IntN(all))))
	}
	set.AddAll(users)
	return users, set.AppendBinary(nil)
}

// dayOfViews makes rows of a day, some with so many visitors that their sketches hold registers.
func dayOfViews(r *rand.Rand, site string, day time.Time, n int) (rows []*pageView) {
	for i := range n {
		row := &pageView{
			Timestamp: day.Add(time.Duration(r.IntN(1440)) * time.Minute).UnixMilli(), WebsiteID: site, Page: pick(r, pagesOf), Country: pick(r, countriesOf),
			DeviceType: pick(r, devicesOf), Browser: pick(r, browsersOf), Source: pick(r, sourcesOf), Medium: pick(r, mediumsOf), Currency: pick(r, currencyOf),
			BotBand: int64(r.IntN(4)), InSession: 1, Views: int64(r.IntN(5)), Events: int64(5 + r.IntN(5)), TotalTime: r.Int64N(1 << 40),
		}
		most := 4
		if i%50 == 0 {
			most = 900
		}
		if row.Currency != "" {
			row.Revenue, row.RevenueEvents = r.Int64N(1<<50)-1<<49, 1
		}
		if row.users, row.Visitors = coupons(r, most, 5000); i%20 == 0 { // engagement that is in no session
			row.InSession, row.Views, row.Events, row.Revenue, row.RevenueEvents, row.Currency = 0, 0, 0, 0, 0, ""
			row.Country, row.DeviceType, row.Browser, row.Source, row.Medium = "", "", "", "", ""
			row.users, row.Visitors = nil, sketch.New().AppendBinary(nil)
		}
		rows = append(rows, row)
	}
	return rows
}

// dayOfVisits makes rows of a day.
func dayOfVisits(r *rand.Rand, site string, day time.Time, n int) (rows []*visit) {
	for range n {
		row := &visit{
			Timestamp: day.Add(time.Duration(r.IntN(1440)) * time.Minute).UnixMilli(), WebsiteID: site, Source: pick(r, sourcesOf), Medium: pick(r, mediumsOf),
			Campaign: pick(r, sourcesOf), Channel: pick(r, mediumsOf), EntryPage: pick(r, pagesOf), Country: pick(r, countriesOf), DeviceType: pick(r, devicesOf),
			Browser: pick(r, browsersOf), BotBand: int64(r.IntN(4)), Sessions: int64(1 + r.IntN(3)), Bounces: int64(r.IntN(2)), Duration: r.Int64N(1 << 40),
			Pageviews: int64(r.IntN(9)), Revenue: r.Int64N(1 << 40),
		}
		row.users, row.Visitors = coupons(r, 3, 5000)
		rows = append(rows, row)
	}
	return rows
}

func anyRows[T any](rows []T) []any {
	out := make([]any, len(rows))
	for i, row := range rows {
		out[i] = row
	}
	return out
}

package clickhouse

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store/audit"
)

// visits makes page views and engagements of visitors of a few pages each, in the order of the visits.
type visits struct {
	rng  *rand.Rand
	now  int64
	rate int // ms between visits
}

func (v *visits) zipf(n int) int {
	return int(float64(n) * v.rng.Float64() * v.rng.Float64() * v.rng.Float64())
}

func (v *visits) pick(list ...string) string { return list[v.zipf(len(list))] }

func (v *visits) id(at int64) (id event.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(at)<<16|0x7000|v.rng.Uint64()&0xfff)
	binary.BigEndian.PutUint64(id[8:], v.rng.Uint64()&^(3<<62)|2<<62)
	return id
}

func (v *visits) events(n int) (events []event.Event) {
	for len(events) < n {
		v.now += int64(v.rng.IntN(2*v.rate) + 1)
		var key [8]byte
		binary.LittleEndian.PutUint64(key[:], v.rng.Uint64())
		user := base64.RawURLEncoding.EncodeToString(key[:])
		e := event.Event{WebsiteID: "site-0001", UserID: user, SessionID: user, SampleKey: xxhash.Sum64String(user), VisitorCoupon: sketch.Coupon(user), Hostname: "shop.example.com",
			Source: v.pick("", "Google", "Bing", "Facebook", "Hacker News"), Channel: v.pick("Direct", "Organic Search", "Organic Social", "Referral"),
			Country: v.pick("US", "DE", "GB", "FR", "IN", "BR", "JP", "CA", "AU", "NL", "ES", "IT", "SE", "PL", "CH"), DeviceType: v.pick("desktop", "mobile", "tablet"),
			Browser: v.pick("Chrome", "Safari", "Firefox", "Edge"), BrowserVersion: v.pick("140", "139", "18.1", "138", "141"), OS: v.pick("Windows", "macOS", "iOS", "Android", "Linux"),
			OSVersion: v.pick("10", "15.1", "18", "14", ""), Screen: v.pick("1920x1080", "390x844", "1440x900", "2560x1440", "412x915"), Language: v.pick("en-US", "de-DE", "fr-FR", "en-GB", "pt-BR")}
		if e.Source != "" && v.rng.IntN(3) == 0 {
			e.Referrer = "https://" + e.Source + ".com/"
		}
		at := v.now
		for range 1 + v.zipf(20) {
			page := v.zipf(400)
			e.Type, e.Interactive, e.TimeOnPage, e.ScrollDepth = event.Pageview, true, 0, event.NoScroll
			e.Page, e.Title = fmt.Sprintf("/section-%d/article-about-topic-%d", page%12, page), fmt.Sprintf("Everything about topic %d and its friends | Example Shop", page)
			e.Timestamp, e.ReceivedAt, e.ID = at, at+int64(v.rng.IntN(400)), v.id(at)
			events = append(events, e)
			at += int64(v.rng.IntN(60_000) + 500)
			if v.rng.IntN(4) == 0 {
				g := e
				g.Type, g.TimeOnPage, g.ScrollDepth, g.Interactive = event.Engagement, int64(v.rng.IntN(60_000)), int16(v.rng.IntN(101)), false
				g.Timestamp, g.ReceivedAt, g.ID = at, at+int64(v.rng.IntN(400)), v.id(at)
				events = append(events, g)
			}
		}
	}
	return events
}

// BenchmarkInsertEvents reports the client's CPU and the bytes on the server's disk, merged.
func BenchmarkInsertEvents(b *testing.B) {
	s := openTest(b)
	v := &visits{rng: rand.New(rand.NewPCG(1, 1)), now: historyStart.UnixMilli(), rate: 3000}
	ctx, rows := context.Background(), 0
	var spent time.Duration
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		events := v.events(24_576)
		from := Provenance{Topic: "events", Positions: make([]int64, len(events))}
		for n := range events {
			from.Positions[n] = int64(rows+n) / 3 << 12
		}
		before := cpu()
		b.StartTimer()
		if err := s.InsertEvents(ctx, fmt.Sprint(i), events, from); err != nil {
			b.Fatal(err)
		}
		spent += cpu() - before
		rows += len(events)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(spent.Microseconds())/float64(rows), "client-us/row")
	if err := s.writer.Exec(ctx, "optimize table events final"); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(count(b, s, "select sum(bytes_on_disk) from system.parts where active and table = 'events' and database = currentDatabase()"))/float64(rows), "B/row")
	if testing.Verbose() {
		rows, err := s.reader.Query(ctx, "select name, toInt64(data_compressed_bytes) from system.columns where table = 'events' and database = currentDatabase() union all select name, toInt64(data_compressed_bytes) from system.data_skipping_indices where table = 'events' and database = currentDatabase() order by 2 desc limit 24")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			var name string
			var n int64
			_ = rows.Scan(&name, &n)
			b.Log(name, n)
		}
		_ = rows.Close()
	}
}

var benchEvents = flag.Int("events", 200_000, "events of the benchmark of queries")

// BenchmarkQueries asks one site's week, of four weeks of events.
func BenchmarkQueries(b *testing.B) {
	s := openTest(b)
	v := &visits{rng: rand.New(rand.NewPCG(2, 2)), now: historyStart.UnixMilli(), rate: 2 * 28 * event.DayMillis * 4 / *benchEvents / 2}
	ctx, rows := context.Background(), 0
	for rows < *benchEvents {
		events := v.events(50_000)
		var changes []event.SessionChange
		from := 0
		for i := 1; i <= len(events); i++ {
			if i == len(events) || events[i].SessionID != events[from].SessionID {
				audit.Sessions(events[from:i], func(one *event.Session) { changes = append(changes, event.SessionChange{Session: *one}) })
				from = i
			}
		}
		rows += len(events)
		for _, err := range []error{s.InsertEvents(ctx, fmt.Sprint(rows), events, Provenance{}), s.InsertSessions(ctx, fmt.Sprint(rows), changes, slices.Repeat([]uint64{uint64(rows)}, len(changes)))} {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	last := time.UnixMilli(v.now).UTC()
	b.Logf("%d events until %v, %d sessions", rows, last, count(b, s, "select count() from sessions final"))
	site := &event.Site{WebsiteID: "site-0001", Threshold: 2, Timezone: "UTC"}
	for name, q := range map[string]string{
		"totals":  `"metrics":["visitors","visits","pageviews","bounce_rate","visit_duration"]`,
		"days":    `"dimensions":["time:day"],"metrics":["visitors","visits","pageviews"]`,
		"pages":   `"dimensions":["event:page"],"metrics":["visitors","visits","time_on_page","scroll_depth"]`,
		"sources": `"dimensions":["visit:source"],"metrics":["visitors","visits","bounce_rate"]`,
		"page":    `"filters":[["is","event:page",["/section-1/article-about-topic-1"]]],"metrics":["visitors","visits"]`,
		"done":    `"dimensions":["visit:source"],"filters":[["has_done",["is","event:page",["/section-1/article-about-topic-1"]]]],"metrics":["visitors","visits"]`,
	} {
		for kind, facts := range map[string]query.Facts{"exact": {}, "sample": {Estimate: query.SampleAbove + 1}} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				req, err := query.Parse([]byte(`{"site_id":"site-0001","date_range":"7d",` + q + `}`))
				if err != nil {
					b.Fatal(err)
				}
				resolved, err := query.Resolve(req, site, last, 0)
				if err != nil {
					b.Fatal(err)
				}
				plan, err := resolved.Plan(facts)
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if err := s.Source().Run(ctx, plan.Parts, func(int, *query.Rows) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkCatalog looks up 100 sites of a year each, with one more event in each: whole hours, and those of changed days.
func BenchmarkCatalog(b *testing.B) {
	s := openTest(b)
	ctx, ids := context.Background(), make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprintf("site-%04d", i)
	}
	for _, sql := range []string{
		`insert into event_hours select format('site-{}', leftPad(toString(number % 100), 4, '0')), toDateTime('2025-01-01 00:00:00', 'UTC') + toIntervalHour(intDiv(number, 100)), 5,
			toDateTime64('2025-01-01 00:00:00', 3, 'UTC') + toIntervalHour(intDiv(number, 100)), toDateTime64('2025-01-01 00:30:00', 3, 'UTC') + toIntervalHour(intDiv(number, 100)) from numbers(876000)`,
		`insert into changes select format('site-{}', leftPad(toString(number % 100), 4, '0')), toDate('2025-01-01') + toIntervalDay(intDiv(number, 100)), 120 from numbers(36500)`,
	} {
		if err := s.writer.Exec(ctx, sql); err != nil {
			b.Fatal(err)
		}
	}
	first, err := s.readSites(ids, nil)
	if err != nil || len(first[ids[99]].hours) != 8760 {
		b.Fatal(len(first[ids[99]].hours), err)
	}
	if err := s.writer.Exec(ctx, `insert into changes select distinct website_id, toDate('2025-12-31'), 1 from changes`); err != nil {
		b.Fatal(err)
	}
	known := map[string]*wholeHours{}
	for _, id := range ids {
		known[id] = first[id].whole
	}
	for _, c := range []struct {
		name  string
		known map[string]*wholeHours
	}{{"whole", nil}, {"changed", known}} {
		b.Run(c.name, func(b *testing.B) {
			before := cpu()
			for b.Loop() {
				sites, err := s.readSites(ids, c.known)
				if err != nil || len(sites[ids[0]].hours) != 8760 {
					b.Fatal(len(sites[ids[0]].hours), err)
				}
			}
			b.ReportMetric(float64((cpu()-before).Milliseconds())/float64(b.N), "client-cpu-ms/op")
		})
	}
}

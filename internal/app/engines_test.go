package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/internal/store/druid"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// engines are the same events in ClickHouse, in Druid and embedded.
type engines struct {
	days     int
	now      time.Time
	events   []event.Event
	sessions []event.Session
	index    map[event.SessionKey][]*event.Session
	click    *clickhouse.Store
	druid    *druid.Store
	duck     *duckdb.Store
}

var enginesStart = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// openEngines stores some days of traffic everywhere. Druid gets rows that are made here, by the definition of docs/format/druid.md.
func openEngines(t testing.TB, days, visits int) *engines {
	t.Helper()
	address, servers := os.Getenv("FOOTFALL_TEST_CLICKHOUSE"), strings.Split(os.Getenv("FOOTFALL_TEST_DRUID"), ",")
	if address == "" || len(servers) != 2 {
		t.Skip("no engines: set FOOTFALL_TEST_CLICKHOUSE to host:port, and FOOTFALL_TEST_DRUID to the URLs of a broker and a coordinator")
	}
	e := &engines{days: days, now: enginesStart.AddDate(0, 0, days-1).Add(20 * time.Hour)}
	name := fmt.Sprintf("footfall_engines_%d", os.Getpid())
	e.openClick(t, address, name)
	e.openDruid(t, servers, name+"_")
	var err error
	if e.duck, err = duckdb.Open(duckdb.Options{Path: filepath.Join(t.TempDir(), "events.duckdb")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.duck.Close() })
	e.store(t, visitsOf(rand.New(rand.NewPCG(7, 7)), visits, days))
	return e
}

func (e *engines) openClick(t testing.TB, address, name string) {
	t.Helper()
	t.Cleanup(func() {
		server, err := driver.Open(&driver.Options{Addr: []string{address}})
		if err == nil {
			err = server.Exec(context.Background(), "drop database if exists "+name+" sync")
			_ = server.Close()
		}
		if err != nil {
			t.Error(err)
		}
	})
	var err error
	e.click, err = clickhouse.Open(context.Background(), clickhouse.Options{Addresses: []string{address}, Database: name, RetentionMonths: 1200, Rollups: true, Clock: func() time.Time { return e.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.click.Close() })
}

func (e *engines) openDruid(t testing.TB, servers []string, prefix string) {
	t.Helper()
	var err error
	if e.druid, err = druid.Open(druid.Options{Brokers: servers[:1], Coordinators: servers[1:], Prefix: prefix}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, datasource := range []string{druid.PageViews, druid.Sources} {
			request, err := http.NewRequest(http.MethodDelete, servers[1]+"/druid/coordinator/v1/datasources/"+prefix+datasource, nil)
			if err == nil {
				var reply *http.Response
				if reply, err = http.DefaultClient.Do(request); err == nil {
					_ = reply.Body.Close()
				}
			}
			if err != nil {
				t.Error(err)
			}
		}
		_ = e.druid.Close()
	})
}

// visitsOf makes events of visits: of several kinds and bands, over midnights, with revenue in two currencies, and engagement that
// belongs to no session.
func visitsOf(r *rand.Rand, visits, days int) (events []event.Event) {
	pick := func(of ...string) string { return of[min(int(r.ExpFloat64()*1.3), len(of)-1)] }
	for visit := range visits {
		at := enginesStart.Add(time.Duration(r.IntN(days*24*60)) * time.Minute).UnixMilli()
		user, band := fmt.Sprintf("user-%d", r.IntN(2*visits/3)), uint8(min(int(r.ExpFloat64()*0.7), 3))
		shape := event.Event{
			WebsiteID: "s", UserID: user, SampleKey: uint64(sketch.Coupon(user)), VisitorCoupon: sketch.Coupon(user), SessionID: fmt.Sprint("visit-", visit), BotBand: band,
			Source: pick("Google", "", "Bing", "news.example"), Medium: pick("", "organic", "cpc"), Campaign: pick("", "spring", "fall"), Channel: pick("Organic Search", "Direct", "Paid Search"),
			Country: pick("DE", "FR", "", "US"), DeviceType: pick("desktop", "mobile", "tablet"), Browser: pick("Chrome", "Firefox", "Safari"), OS: pick("Linux", "iOS", "Windows"), City: pick("Berlin", "Paris", ""),
			ScrollDepth: event.NoScroll,
		}
		for i := range 1 + r.IntN(5) {
			one := shape
			one.ID = event.NamedUUID(fmt.Appendf(nil, "%d/%d", visit, i))
			one.Timestamp, one.ReceivedAt = at, at
			one.Page = pick("/", "/prices", "/blog/a", "/blog/b?x", "/Größe/İ", "")
			switch kind := r.IntN(8); {
			case kind < 5:
				one.Type = event.Pageview
			case kind < 6:
				one.Type, one.Name, one.Interactive = event.Custom, "Buy", r.IntN(2) == 0
				one.Revenue, one.Currency = int64(r.IntN(900_000)), pick("EUR", "EUR", "EUR", "USD")
			default:
				one.Type, one.TimeOnPage, one.ScrollDepth = event.Engagement, int64(r.IntN(90_000)), event.NoScroll
			}
			if r.IntN(12) == 0 {
				one.Source = "Other" // what an event says itself is not what its session says
			}
			events = append(events, one)
			at += int64(r.IntN(40 * 60 * 1000))
		}
	}
	slices.SortStableFunc(events, func(a, b event.Event) int { return int(a.Timestamp - b.Timestamp) })
	return events
}

// store puts events into ClickHouse and the embedded store, with the sessions that all events so far make.
func (e *engines) store(t testing.TB, events []event.Event) {
	t.Helper()
	before := map[event.SessionRef]string{}
	for i := range e.sessions {
		before[e.sessions[i].Ref()] = fmt.Sprint(e.sessions[i])
	}
	e.events = append(e.events, events...)
	all := slices.Clone(e.events)
	var changes stream.Changes
	operator := stream.NewSessions(0, stream.NothingStored)
	operator.Missing(all)
	operator.Apply(all)
	operator.Settle(&changes)
	e.sessions = changes.Upserts
	e.index = map[event.SessionKey][]*event.Session{}
	batch := &store.Batch{Events: events, Next: int64(len(e.events))}
	var rows []event.SessionChange
	for i := range e.sessions {
		session := &e.sessions[i]
		e.index[session.SessionKey] = append(e.index[session.SessionKey], session)
		if before[session.Ref()] != fmt.Sprint(*session) {
			batch.Sessions = append(batch.Sessions, *session)
			rows = append(rows, event.SessionChange{Session: *session})
		}
		delete(before, session.Ref())
	}
	for ref := range before {
		batch.Withdrawals = append(batch.Withdrawals, ref)
		rows = append(rows, event.SessionChange{Session: event.Session{SessionKey: ref.SessionKey, Start: ref.Start}, Withdrawn: true})
	}
	ctx, token := context.Background(), fmt.Sprint("batch-", len(e.events))
	if err := e.duck.Commit(ctx, batch); err != nil {
		t.Fatal(err)
	}
	if err := e.click.InsertEvents(ctx, token, events, clickhouse.Provenance{}); err != nil {
		t.Fatal(err)
	}
	versions := slices.Repeat([]uint64{clickhouse.Version(clickhouse.Stream, 0, int64(len(e.events)))}, len(rows))
	if err := e.click.InsertSessions(ctx, token, rows, versions); err != nil {
		t.Fatal(err)
	}
}

// session returns the session that an event belongs to, nil without one.
func (e *engines) session(of *event.Event) *event.Session {
	for _, s := range e.index[event.SessionKey{WebsiteID: of.WebsiteID, SessionID: of.SessionID, Band: of.BotBand}] {
		if s.ChainStart <= of.Timestamp && of.Timestamp <= s.End {
			return s
		}
	}
	return nil
}

func sketchOf(coupons ...uint32) string {
	s := sketch.New()
	s.AddAll(coupons)
	return base64.StdEncoding.EncodeToString(s.AppendBinary(nil))
}

// row is a line for Druid.
type row map[string]any

func visitColumns(s *event.Session) row {
	return row{"website_id": s.WebsiteID, "country": s.Country, "device_type": s.DeviceType, "browser": s.Browser, "source": s.Source, "medium": s.Medium, "bot_band": s.Band}
}

// pageViews are the rows of page_views of the days: one an event.
func (e *engines) pageViews(from, to time.Time) (rows []row) {
	for i := range e.events {
		one := &e.events[i]
		if one.Timestamp < from.UnixMilli() || one.Timestamp >= to.UnixMilli() {
			continue
		}
		s, in := e.session(one), 1
		if s == nil {
			s, in = &event.Session{SessionKey: event.SessionKey{WebsiteID: one.WebsiteID, Band: one.BotBand}}, 0
		}
		r := visitColumns(s)
		r["timestamp"], r["page"], r["in_session"], r["currency"] = event.Minute(one.Timestamp), one.Page, in, ""
		r["views"], r["events"], r["total_time"], r["revenue"], r["revenue_events"], r["visitors"] = 0, 0, 0, 0, 0, nil
		switch one.Type {
		case event.Engagement:
			r["total_time"] = one.TimeOnPage
		case event.Pageview:
			r["views"] = 1
			fallthrough
		default:
			r["events"], r["visitors"] = 1, sketchOf(one.VisitorCoupon)
			if one.Currency != "" {
				r["currency"], r["revenue"], r["revenue_events"] = one.Currency, one.Revenue, 1
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// sources are the rows of sources of the days: one a session.
func (e *engines) sources(from, to time.Time) (rows []row) {
	for i := range e.sessions {
		s := &e.sessions[i]
		if s.Start < from.UnixMilli() || s.Start >= to.UnixMilli() {
			continue
		}
		r := visitColumns(s)
		r["timestamp"], r["campaign"], r["channel"], r["entry_page"] = event.Minute(s.Start), s.Campaign, s.Channel, s.EntryPage
		r["sessions"], r["bounces"], r["duration"], r["pageviews"], r["revenue"], r["visitors"] = 1, 0, s.End-s.Start, s.Pageviews, s.Revenue, sketchOf(s.VisitorCoupon)
		if s.Bounce() {
			r["bounces"] = 1
		}
		rows = append(rows, r)
	}
	return rows
}

// roll gives Druid the days and marks them, as the daily job does.
func (e *engines) roll(t testing.TB, from, to time.Time) {
	t.Helper()
	ctx := context.Background()
	states, err := e.click.DayStates(ctx, from, to)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string][]byte{"/" + druid.PageViews + ".gz": zipped(t, e.pageViews(from, to)), "/" + druid.Sources + ".gz": zipped(t, e.sources(from, to))}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(bodies[r.URL.Path]) }))
	defer server.Close()
	for _, datasource := range []string{druid.PageViews, druid.Sources} {
		if err := e.druid.Replace(ctx, druid.Replacement{Datasource: datasource, From: from, To: to, URIs: []string{server.URL + "/" + datasource + ".gz"}}); err != nil {
			t.Fatal(err)
		}
	}
	var days []clickhouse.RolledDay
	for _, d := range states {
		days = append(days, clickhouse.RolledDay{WebsiteID: d.WebsiteID, Day: d.Day, Changes: d.Changes, Events: d.Events})
	}
	if err := e.click.MarkRolled(ctx, days); err != nil {
		t.Fatal(err)
	}
}

func zipped(t testing.TB, rows []row) []byte {
	t.Helper()
	var text bytes.Buffer
	zip := gzip.NewWriter(&text)
	lines := json.NewEncoder(zip)
	for _, r := range rows {
		if err := lines.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// source is a query.Source with its Catalog.
type source interface {
	query.Source
	query.Catalog
}

func (e *engines) engine(t testing.TB, of source) *query.Engine {
	t.Helper()
	engine, err := query.New(query.Options{Source: of, Catalog: of, Clock: func() time.Time { return e.now }, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func (e *engines) pair(t testing.TB, rollups *druid.Store) *query.Pair {
	return query.NewPair(query.PairOptions{Events: e.click.Source(), Rollups: rollups.Source(), Ready: rollups.Ready, Clock: time.Now, Patience: 50 * time.Second, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
}

const (
	eventNumbers = `"visitors","pageviews","events","time_on_page","total_revenue","average_revenue","percentage"`
	visitNumbers = `"visits","bounce_rate","visit_duration","views_per_visit"`
)

// longQuestions ask over more than 7 days, with days, edges and filters of all kinds.
func longQuestions() (bodies []string) {
	add := func(dates, dimensions, metrics, filters string) {
		bodies = append(bodies, fmt.Sprintf(`{"site_id":"s","date_range":%s,"dimensions":[%s],"metrics":[%s],"filters":[%s]}`, dates, dimensions, metrics, filters))
	}
	ranges := []string{`["2026-06-01","2026-06-12"]`, `["2026-06-02","2026-06-11"]`, `["2026-06-02T03:07:00","2026-06-11T17:44:00"]`, `["2026-06-01T03:07:31","2026-06-11T17:44:12"]`, `"all"`}
	n := 0
	next := func() string { n++; return ranges[n%len(ranges)] }
	both := eventNumbers + "," + visitNumbers
	for _, dimensions := range []string{``, `"time:day"`, `"time:hour"`, `"time:week"`, `"visit:source"`, `"visit:country"`, `"visit:device","visit:browser"`, `"time:day","visit:source","visit:device"`,
		`"visit:utm_medium","time:hour"`, `"visit:channel"`, `"visit:utm_campaign","visit:device"`, `"visit:entry_page"`, `"visit:country_name"`, `"visit:os"`, `"visit:city"`, `"visit:exit_page"`} {
		add(next(), dimensions, both, ``)
		add(next(), dimensions, both, `["is","visit:source",["Google","Direct / None"]]`)
		add(next(), dimensions, eventNumbers, `["contains","event:page",["blog","ß"]]`)
		add(next(), dimensions, visitNumbers, `["or",[["is","visit:entry_page",["/"]],["not",["matches","visit:channel",["^Paid"]]]]]`)
	}
	for _, dimensions := range []string{`"event:page"`, `"event:page","visit:source"`, `"event:page","time:day","visit:country"`} {
		add(next(), dimensions, eventNumbers, ``)
		add(next(), dimensions, eventNumbers, `["is_not","visit:browser",["Chrome"]],["is","visit:country_name",["Germany","(not set)"]]`)
		add(next(), dimensions, `"visitors","visits","bounce_rate"`, ``)
	}
	add(next(), `"visit:source"`, both, `["has_done",["is","event:name",["Buy"]]]`)
	add(next(), ``, `"visitors","scroll_depth"`, ``)
	return bodies
}

// text is what two answers to one question have in common, wherever they come from.
func text(t testing.TB, engine *query.Engine, site *event.Site, body string) (string, query.Meta) {
	t.Helper()
	reply, err := engine.Query(context.Background(), site, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	out, err := json.Marshal([]any{reply.Results, reply.Meta.Exact, reply.Meta.Error, reply.Meta.MetricWarnings})
	if err != nil {
		t.Fatal(err)
	}
	return string(out), reply.Meta
}

// Every answer is the same, to the last digit and interval: from Druid and ClickHouse, from ClickHouse alone, and embedded; with
// all days clean but the last, with one that a late event has made dirty, and without Druid.
func TestAnswersOfAllEngines(t *testing.T) {
	e := openEngines(t, 12, 3000)
	day := func(n int) time.Time { return enginesStart.Add(time.Duration(n) * 24 * time.Hour) }
	e.roll(t, day(0), day(e.days-1))
	away, err := druid.Open(druid.Options{Brokers: []string{"http://127.0.0.1:9"}, Coordinators: []string{"http://127.0.0.1:9"}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, wantRolled bool, every int, of source) {
		t.Helper()
		both, embedded := e.engine(t, of), e.engine(t, e.duck.Source())
		rolled, degraded, asked := 0, 0, 0
		for i, body := range longQuestions() {
			if i%every > 0 {
				continue
			}
			asked++
			site := &event.Site{WebsiteID: "s", Timezone: []string{"Europe/Berlin", "UTC", "Asia/Kolkata"}[i%3], Threshold: uint8(1 + i%3)}
			want, _ := text(t, embedded, site, body)
			got, meta := text(t, both, site, body)
			if got != want {
				t.Errorf("%s: %s\nof %s (%v)\ngot  %s\nwant %s", name, body, site.Timezone, meta.Engines, got, want)
			}
			if slices.Contains(meta.Engines, "druid") {
				rolled++
			}
			if meta.Degraded != "" {
				if degraded++; wantRolled {
					t.Errorf("%s: %s: %s", name, body, meta.Degraded)
				}
			}
		}
		t.Logf("%s: %d questions, %d with Druid, %d degraded", name, asked, rolled, degraded)
		if (rolled > asked/2) != wantRolled || !wantRolled && degraded < asked/2 {
			t.Errorf("%s: %d answers with Druid, %d degraded", name, rolled, degraded)
		}
	}
	check("all clean", true, 1, e.pair(t, e.druid))
	check("without Druid", false, 4, e.pair(t, away))
	late := e.events[len(e.events)/2]
	late.ID, late.Type, late.Name = event.NamedUUID([]byte("late")), event.Custom, "Late"
	e.store(t, []event.Event{late})
	time.Sleep(time.Second) // the catalog is at most that old
	check("one dirty", true, 3, e.pair(t, e.druid))
}

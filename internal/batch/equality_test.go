package batch_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"compress/gzip"

	"github.com/footfall-analytics/footfall/internal/batch"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// folder is a lake below a folder. Nobody presigns there.
type folder struct{ *object.FolderStore }

func (folder) Presign(context.Context, string, time.Duration) (string, error) {
	return "", fmt.Errorf("a folder has no URLs")
}

// quick lets a JVM that lives for seconds compile less.
var quick = []string{"--driver-java-options", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}

func sparkHome(t *testing.T) string {
	t.Helper()
	home := os.Getenv("FOOTFALL_TEST_SPARK")
	if home == "" {
		t.Skip("FOOTFALL_TEST_SPARK names no Spark")
	}
	return home
}

func date(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func days(t *testing.T, first, last string) batch.Range {
	t.Helper()
	r, err := batch.Days(date(t, first), date(t, last))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// archivedDays are the folders of the lake.
func archivedDays(t *testing.T, root string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "events"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestEquality puts the session cases of internal/stream and random histories through Spark, and compares with what internal/stream and
// the rollups of the embedded store make of them.
func TestEquality(t *testing.T) {
	home, root := sparkHome(t), t.TempDir()
	january := days(t, "2025-12-31", "2026-01-31")
	records := caseRecords(t)
	alone := map[string]bool{} // sites whose ids do not repeat on days that a single day's run does not read
	for seed := range uint64(12) {
		for name, made := range map[string][]record{
			"random": randomRecords(seed, fmt.Sprint("random ", seed), date(t, "2026-01-03"), 300),
			"long":   longChains(seed, fmt.Sprint("long ", seed), date(t, "2026-01-03"), 400),
		} {
			site := fmt.Sprint(name, " ", seed)
			if seed%2 == 0 {
				distinct(made)
				alone[site] = true
			}
			records = append(records, made...)
		}
	}
	for i, n := range []int{6, 9, 300, 700, 3000} {
		records = append(records, crowd(uint64(i), fmt.Sprint("crowd ", n), date(t, "2026-01-05"), n)...)
	}
	writeArchive(t, root, records)
	events := kept(records)

	spark := batch.NewSpark(batch.SparkOptions{Home: home, Root: "file://" + root, Work: t.TempDir(), Options: quick})
	run := func(r batch.Range, folderKey string) batch.Output {
		began := time.Now()
		if err := spark.Run(t.Context(), batch.Job{Days: archivedDays(t, root), Range: r, Folder: folderKey}); err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: %d records in %v", r, len(records), time.Since(began))
		return batch.Output{Objects: folder{object.Folder(root)}, Folder: folderKey}
	}
	all := run(january, "daily/all")
	sessions := compareSessions(t, all, january, events, nil)
	compareCounts(t, all, january, events, sessions)
	compareRollups(t, root, january, events, sessions)

	single := days(t, "2026-01-05", "2026-01-05")
	compareSessions(t, run(single, "daily/single"), single, events, alone)
	for _, what := range []string{"page_views", "sources"} {
		got, want := linesOf(t, root, "daily/single", what, single, alone), linesOf(t, root, "daily/all", what, single, alone)
		if !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s of a day alone: %d rows, of the same day in a range %d:\n%s", what, len(got), len(want), firstDifference(got, want))
		}
	}
}

// distinct gives every event an id of its own, copies apart.
func distinct(records []record) {
	for i := range records {
		if i > 0 && records[i].ID == records[i-1].ID && records[i].Timestamp == records[i-1].Timestamp {
			continue
		}
		records[i].ID[15], records[i].ID[14], records[i].ID[13] = byte(i), byte(i>>8), 0xaa
	}
	for i := range records {
		if i > 0 && strings.HasSuffix(records[i].Page, "/again") {
			records[i].ID = records[i-1].ID
		}
	}
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "missing " + want[i]
		case i >= len(want):
			return "too many " + got[i]
		case got[i] != want[i]:
			return got[i] + "\n" + want[i]
		}
	}
	return ""
}

// compareSessions compares the sessions that start in the range with those of internal/stream, of some sites (nil: all), and returns
// them all.
func compareSessions(t *testing.T, out batch.Output, r batch.Range, events []event.Event, sites map[string]bool) (sessions []event.Session) {
	t.Helper()
	operator := stream.NewSessions(1_000_000, stream.NothingStored)
	operator.Missing(events)
	var changes stream.Changes
	operator.Apply(events)
	operator.Settle(&changes)
	want := map[event.SessionRef]event.Session{}
	for _, s := range changes.Upserts {
		if at := time.UnixMilli(s.Start); !at.Before(r.From) && at.Before(r.To) && (sites == nil || sites[s.WebsiteID]) {
			want[s.Ref()] = s
		}
	}
	compared := 0
	for _, day := range r.Each() {
		got, err := out.Sessions(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		for s := got.Peek(); s != nil; s = got.Peek() {
			if sites == nil || sites[s.WebsiteID] {
				if expected, ok := want[s.Ref()]; !ok {
					t.Errorf("a session too many: %+v", *s)
				} else if !reflect.DeepEqual(*s, expected) {
					t.Errorf("Spark   %+v\nstream  %+v", *s, expected)
				}
				if !time.UnixMilli(s.Start).UTC().Truncate(24 * time.Hour).Equal(day) {
					t.Errorf("session %+v stands on %v", s.Ref(), day)
				}
				delete(want, s.Ref())
				compared++
			}
			if err := got.Advance(); err != nil {
				t.Fatal(err)
			}
		}
		if err := got.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for ref := range want {
		t.Errorf("no session %+v", ref)
	}
	t.Logf("%v: %d sessions compared", r, compared)
	if compared == 0 {
		t.Error("nothing was compared")
	}
	return changes.Upserts
}

func compareCounts(t *testing.T, out batch.Output, r batch.Range, events []event.Event, sessions []event.Session) {
	t.Helper()
	want := map[string]batch.Counts{}
	at := func(site string, ms int64, add func(*batch.Counts)) {
		key := site + " " + time.UnixMilli(ms).UTC().Format(time.DateOnly)
		c := want[key]
		c.WebsiteID = site
		add(&c)
		want[key] = c
	}
	for i := range events {
		e := &events[i]
		at(e.WebsiteID, e.Timestamp, func(c *batch.Counts) {
			c.Events++
			if e.Type.Counted() {
				c.Counted++
			}
		})
	}
	for i := range sessions {
		at(sessions[i].WebsiteID, sessions[i].Start, func(c *batch.Counts) { c.Sessions++ })
	}
	for _, day := range r.Each() {
		got, err := out.Counts(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		for site, c := range got {
			key := site + " " + day.Format(time.DateOnly)
			if c.Checksum == 0 {
				t.Errorf("%s: no checksum", key)
			}
			c.Checksum = 0
			if want[key] != c {
				t.Errorf("%s: counted %+v, there are %+v", key, c, want[key])
			}
			delete(want, key)
		}
	}
	if len(want) > 0 {
		t.Errorf("not counted: %v", want)
	}
}

// rollupLine is a line of page_views or sources.
type rollupLine struct {
	Timestamp                                                           int64
	Website                                                             string `json:"website_id"`
	Page, Country, Browser, Source, Medium, Campaign, Channel, Currency string
	Device                                                              string `json:"device_type"`
	Entry                                                               string `json:"entry_page"`
	Band                                                                uint8  `json:"bot_band"`
	InSession                                                           int    `json:"in_session"`
	Views, Events, Revenue, Sessions, Bounces, Duration, Pageviews      int64
	Engaged                                                             int64 `json:"total_time"`
	RevenueEvents                                                       int64 `json:"revenue_events"`
	Visitors                                                            string
}

// linesOf returns the lines of some sites, sorted.
func linesOf(t *testing.T, root, folderKey, what string, r batch.Range, sites map[string]bool) (out []string) {
	t.Helper()
	for _, day := range r.Each() {
		files, err := filepath.Glob(filepath.Join(root, folderKey, what, "date="+day.Format(time.DateOnly), "*.json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			eachOf(t, file, func(raw json.RawMessage) {
				var line rollupLine
				if err := json.Unmarshal(raw, &line); err != nil {
					t.Fatal(err)
				}
				if sites == nil || sites[line.Website] {
					out = append(out, string(raw))
				}
			})
		}
	}
	slices.Sort(out)
	return out
}

func eachOf(t *testing.T, file string, yield func(json.RawMessage)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(unzip); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		yield(raw)
	}
}

// sums are the measures of a group: what both sides are turned into.
type sums struct {
	numbers  [10]int64
	currency [2]string
	sketch   sketch.Sketch
}

var (
	eventMeasures   = []query.Measure{query.PageviewCount, query.EventCount, query.EngagedMs, query.RevenueEvents, query.RevenueSum, query.CurrencyMin, query.CurrencyMax}
	sessionMeasures = []query.Measure{query.VisitCount, query.BounceCount, query.DurationMs, query.SessionPageviews}
)

// compareRollups sums the lines up by site, day, threshold and dimension and compares with the rollups of the embedded store.
func compareRollups(t *testing.T, root string, r batch.Range, events []event.Event, sessions []event.Session) {
	t.Helper()
	ctx := context.Background()
	duck, err := duckdb.Open(duckdb.Options{Path: filepath.Join(t.TempDir(), "events.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer duck.Close()
	if err := duck.Commit(ctx, &store.Batch{Events: events, Sessions: sessions, Next: 1}); err != nil {
		t.Fatal(err)
	}
	lines := map[string]map[string][]rollupLine{"page_views": {}, "sources": {}}
	for what, bySite := range lines {
		for _, raw := range linesOf(t, root, "daily/all", what, r, nil) {
			var line rollupLine
			if err := json.Unmarshal([]byte(raw), &line); err != nil {
				t.Fatal(err)
			}
			bySite[line.Website] = append(bySite[line.Website], line)
		}
	}
	sites := map[string]bool{}
	for i := range events {
		sites[events[i].WebsiteID] = true
	}
	groups := 0
	for site := range sites {
		if err := duck.BuildRollups(ctx, &event.Site{WebsiteID: site, Timezone: "UTC"}, r.To.Add(day).UnixMilli()); err != nil {
			t.Fatal(err)
		}
		for threshold := uint8(1); threshold <= 4; threshold++ {
			groups += compareSite(t, duck, r, site, threshold, lines["page_views"][site], lines["sources"][site])
		}
	}
	t.Logf("%d groups compared", groups)
	if groups < 1000 {
		t.Errorf("only %d groups were compared", groups)
	}
}

const day = 24 * time.Hour

type comparedDimension struct {
	rollup        string
	events, visit func(*rollupLine) string // nil: not in that view
	table         query.Table
	column        string
}

var comparedDimensions = []comparedDimension{
	{"", func(*rollupLine) string { return "" }, func(*rollupLine) string { return "" }, "", ""},
	{"event:page", func(l *rollupLine) string { return l.Page }, nil, query.EventsTable, "page"},
	{"visit:source", func(l *rollupLine) string { return l.Source }, func(l *rollupLine) string { return l.Source }, query.SessionsTable, "source"},
	{"visit:utm_medium", func(l *rollupLine) string { return l.Medium }, func(l *rollupLine) string { return l.Medium }, query.SessionsTable, "medium"},
	{"visit:country", func(l *rollupLine) string { return l.Country }, func(l *rollupLine) string { return l.Country }, query.SessionsTable, "country"},
	{"visit:device", func(l *rollupLine) string { return l.Device }, func(l *rollupLine) string { return l.Device }, query.SessionsTable, "device_type"},
	{"visit:browser", func(l *rollupLine) string { return l.Browser }, func(l *rollupLine) string { return l.Browser }, query.SessionsTable, "browser"},
	{"visit:utm_campaign", nil, func(l *rollupLine) string { return l.Campaign }, "", ""},
	{"visit:channel", nil, func(l *rollupLine) string { return l.Channel }, "", ""},
	{"visit:entry_page", nil, func(l *rollupLine) string { return l.Entry }, "", ""},
}

// compareSite compares one site's groups of one threshold.
func compareSite(t *testing.T, duck *duckdb.Store, r batch.Range, site string, threshold uint8, views, sources []rollupLine) (groups int) {
	t.Helper()
	for _, d := range comparedDimensions {
		got := map[string]*sums{}
		group := func(l *rollupLine, value string) *sums {
			key := fmt.Sprintf("%d %q", l.Timestamp/event.DayMillis, value)
			if got[key] == nil {
				got[key] = &sums{}
			}
			return got[key]
		}
		for i := range views {
			l := &views[i]
			if d.events != nil && l.Band < threshold && (d.table != query.SessionsTable || l.InSession == 1) {
				group(l, d.events(l)).view(t, l)
			}
		}
		for i := range sources {
			if l := &sources[i]; d.visit != nil && l.Band < threshold {
				group(l, d.visit(l)).source(l)
			}
		}
		want := rollupsOf(t, duck, r, site, threshold, d)
		for key, w := range want {
			g := got[key]
			if g == nil {
				g = &sums{}
			}
			g.mixed()
			w.mixed()
			if g.numbers != w.numbers || g.currency != w.currency {
				t.Errorf("%s below %d, %s %s: Spark %v %q, rollups %v %q", site, threshold, d.rollup, key, g.numbers, g.currency, w.numbers, w.currency)
			}
			if gs, ws := g.sketch.AppendBinary(nil), w.sketch.AppendBinary(nil); !slices.Equal(gs, ws) {
				t.Errorf("%s below %d, %s %s: the sketches differ: %v, %v", site, threshold, d.rollup, key, g.sketch.Estimate(), w.sketch.Estimate())
			}
			delete(got, key)
		}
		for key, g := range got {
			if g.numbers != [10]int64{} {
				t.Errorf("%s below %d, %s %s: a group too many: %v", site, threshold, d.rollup, key, g.numbers)
			}
		}
		groups += len(want)
	}
	return groups
}

func (s *sums) view(t *testing.T, l *rollupLine) {
	t.Helper()
	for i, n := range [...]int64{l.Views, l.Events, l.Engaged, l.RevenueEvents, l.Revenue} {
		s.numbers[i] += n
	}
	if l.RevenueEvents > 0 {
		s.money(l.Currency, l.Currency)
	}
	raw, err := base64.StdEncoding.DecodeString(l.Visitors)
	if err == nil {
		err = s.sketch.MergeBytes(raw)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// money keeps the least and the greatest currency.
func (s *sums) money(least, most string) {
	if s.currency[0] == "" || least < s.currency[0] {
		s.currency[0] = least
	}
	s.currency[1] = max(s.currency[1], most)
}

// mixed forgets the sum of several currencies, which means nothing.
func (s *sums) mixed() {
	if s.currency[0] != s.currency[1] || s.currency[0] == event.MixedCurrency {
		s.numbers[4], s.currency = 0, [2]string{event.MixedCurrency, event.MixedCurrency}
	}
}

func (s *sums) source(l *rollupLine) {
	for i, n := range [...]int64{l.Sessions, l.Bounces, l.Duration, l.Pageviews} {
		s.numbers[5+i] += n
	}
}

// rollupsOf asks the embedded store: sums from its rollups, visitors from its events.
func rollupsOf(t *testing.T, duck *duckdb.Store, r batch.Range, site string, threshold uint8, d comparedDimension) map[string]*sums {
	t.Helper()
	var edges []int64
	for _, at := range append(r.Each(), r.To) {
		edges = append(edges, at.UnixMilli())
	}
	part := query.Part{View: query.ViewDays, WebsiteID: site, Threshold: threshold, Rollup: &d.rollup, Edges: edges,
		Ranges: []query.Range{{From: edges[0], To: edges[len(edges)-1]}}, Dimensions: []query.Column{{Table: query.RollupTable, Name: "value"}}}
	if d.events != nil {
		part.Measures = append(part.Measures, eventMeasures...)
	}
	if d.visit != nil {
		part.Measures = append(part.Measures, sessionMeasures...)
	}
	parts := []query.Part{part}
	if d.events != nil {
		visitors := query.Part{View: query.ViewEvents, WebsiteID: site, Threshold: threshold, Edges: edges, Ranges: part.Ranges, Measures: []query.Measure{query.VisitorCoupons}}
		if d.table != "" {
			visitors.Dimensions = []query.Column{{Table: d.table, Name: d.column}}
		}
		if d.table == query.SessionsTable {
			visitors.View = query.ViewJoined
		}
		parts = append(parts, visitors)
	}
	out := map[string]*sums{}
	err := duck.Source().Run(context.Background(), parts, func(p int, rows *query.Rows) error {
		for i := range rows.Len {
			value := ""
			if len(rows.Values) > 0 {
				value = string(rows.Values[0][i])
			}
			key := fmt.Sprintf("%d %q", edges[rows.Buckets[i]]/event.DayMillis, value)
			if out[key] == nil {
				out[key] = &sums{}
			}
			out[key].take(parts[p].Measures, rows, i)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *sums) take(measures []query.Measure, rows *query.Rows, i int) {
	for m, measure := range measures {
		switch {
		case measure == query.VisitorCoupons:
			s.sketch.AddAll(rows.Coupons[i])
		case measure == query.CurrencyMin:
			if least, most := string(rows.Texts[m][i]), string(rows.Texts[m+1][i]); least != "" {
				s.money(least, most)
			}
		case measure == query.CurrencyMax:
		default:
			place := slices.Index(eventMeasures, measure)
			if place < 0 {
				place = 5 + slices.Index(sessionMeasures, measure)
			}
			s.numbers[place] += rows.Ints[m][i]
		}
	}
}

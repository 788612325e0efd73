package clickhouse

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
)

// pair is the same data in both engines.
type pair struct {
	click *Store
	duck  *duckdb.Store
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{click: openTest(t)}
	var err error
	if p.duck, err = duckdb.Open(duckdb.Options{Path: filepath.Join(t.TempDir(), "events.duckdb")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.duck.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *pair) insert(t *testing.T, b *store.Batch) {
	t.Helper()
	ctx := context.Background()
	if err := p.duck.Commit(ctx, b); err != nil {
		t.Fatal(err)
	}
	token := fmt.Sprint("batch-", b.Next)
	changes, versions := changesOf(b)
	for _, err := range []error{
		p.click.InsertEvents(ctx, token, b.Events, Provenance{Topic: "events", Partition: 3}),
		p.click.InsertSessions(ctx, token, changes, versions),
		p.click.InsertLedger(ctx, token, b.Ledger),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// rowsOf returns the rows of a part as texts, in an order of their own: groups have none.
func rowsOf(t *testing.T, source query.Source, part query.Part) (out []string) {
	t.Helper()
	err := source.Run(context.Background(), []query.Part{part}, func(_ int, rows *query.Rows) error {
		for i := range rows.Len {
			text := ""
			for _, values := range rows.Values {
				text += fmt.Sprintf("%q ", values[i])
			}
			if part.Edges != nil {
				text += fmt.Sprintf("bucket %d ", rows.Buckets[i])
			}
			for m, measure := range part.Measures {
				switch {
				case measure.IsText():
					text += fmt.Sprintf("%s %q ", measure, rows.Texts[m][i])
				case measure == query.VisitorCoupons:
					set := slices.Clone(rows.Coupons[i])
					slices.Sort(set)
					text += fmt.Sprintf("%s %v ", measure, set)
				default:
					text += fmt.Sprintf("%s %d ", measure, rows.Ints[m][i])
				}
			}
			for p := range part.Products {
				text += fmt.Sprintf("p%d %v ", p, rows.Products[p][i])
			}
			out = append(out, text)
		}
		return nil
	})
	if err != nil {
		sql, args := source.Render(&part)
		t.Fatalf("%v\n%s\n%v", err, sql, args)
	}
	slices.Sort(out)
	return out
}

// compare asks both engines for all parts of a query's plan. It returns how many rows agreed.
func (p *pair) compare(t *testing.T, site *event.Site, now time.Time, body string, facts query.Facts) (rows int) {
	t.Helper()
	req, err := query.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	first, _ := p.duck.FirstEvent(site.WebsiteID)
	resolved, err := query.Resolve(req, site, now, first)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	plan, err := resolved.Plan(facts)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for i := range plan.Parts {
		want, got := rowsOf(t, p.duck.Source(), plan.Parts[i]), rowsOf(t, p.click.Source(), plan.Parts[i])
		if !slices.Equal(want, got) {
			sql, args := p.click.Source().Render(&plan.Parts[i])
			t.Errorf("%s\nDuckDB:\n%s\nClickHouse:\n%s\n%s\n%v", body, strings.Join(want, "\n"), strings.Join(got, "\n"), sql, args)
		}
		rows += len(want)
	}
	return rows
}

var (
	eventDimensions = []string{"event:page", "event:hostname", "event:name", "event:props:plan", "event:props:it's"}
	visitDimensions = []string{"visit:entry_page", "visit:exit_page", "visit:source", "visit:channel", "visit:utm_medium", "visit:utm_campaign", "visit:device",
		"visit:browser", "visit:os", "visit:country", "visit:region", "visit:city", "visit:entry_page_hostname", "visit:exit_page_hostname", "visit:referrer",
		"visit:utm_content", "visit:utm_term", "visit:browser_version", "visit:os_version", "visit:screen", "visit:country_name"}
	filters = []string{``,
		`["is","event:page",["/a","(not set)"]]`, `["is_not","event:page",["/"]]`, `["contains","event:page",["a/","not"]]`, `["contains_not","event:page",["/a"]]`,
		`["contains","event:page",["%_x"]]`, `["is","event:page",["/it's\\n \"quoted\" 100%_x"]]`, `["matches","event:page",["^/a","\\\\n"]]`, `["matches_not","event:page",["[a-z]/B$"]]`,
		`["is","event:page",["/A/b"],{"case_sensitive":false}]`, `["is","event:page",["/GRÖSSE/İi"],{"case_sensitive":false}]`, `["contains","event:page",["GRÖ"],{"case_sensitive":false}]`, `["matches","event:page",["GRÖ|b$"],{"case_sensitive":false}]`,
		`["is","event:name",["pageview"]]`, `["is","event:name",["Buy"]]`, `["is","event:props:plan",["pro","it's"]]`, `["is","event:props:plan",["back\\slash"]]`, `["is_not","event:props:plan",["(not set)"]]`,
		`["is","event:hostname",["x.io"]]`, `["is","visit:source",["Direct / None","Bing"]]`, `["is_not","visit:source",["Google"]]`, `["contains","visit:source",["o"]]`, `["is","visit:country_name",["Germany"]]`,
		`["is","visit:country_name",["Atlantis"]]`, `["is_not","visit:country_name",["Germany"]]`, `["contains","visit:country_name",["not","States"]]`, `["is","visit:entry_page",["(not set)"]]`, `["is","visit:city",["MÜNCHEN"],{"case_sensitive":false}]`,
		`["and",[["is","visit:source",["Google"]],["is","event:page",["/"]]]]`, `["or",[["is","visit:source",["Google"]],["is","event:page",["/"]]]]`,
		`["not",["and",[["is","visit:os",["iOS"]],["is","visit:device",["mobile"]]]]]`, `["has_done",["is","event:page",["/a"]]]`, `["not",["has_done",["is","event:name",["signup"]]]]`,
		`["has_done",["and",[["is","event:page",["/"]],["is","visit:source",["Google"]]]]]`, `["and",[["has_done",["is","event:name",["Buy"]]],["is","event:page",["/"]]]]`,
		`["or",[["has_not_done",["is","event:name",["Buy"]]],["is","visit:os",["iOS"]]]]`}
	dateRanges = []string{`"7d"`, `"day"`, `["2025-03-28","2025-03-31"]`, `["2025-03-30T01:00:00Z","2025-03-30T04:30:00Z"]`, `"month"`, `"all"`}
)

const (
	allMetrics   = `"visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit","total_revenue","average_revenue","percentage","time_on_page","scroll_depth"`
	eventMetrics = `"visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit","total_revenue","average_revenue","percentage"`
)

// metricsOf leaves out what a question may not ask.
func metricsOf(dimensions, filter string) string {
	for _, text := range []string{dimensions, filter} {
		if strings.Contains(text, "event:name") && !strings.Contains(text, "done") || strings.Contains(text, "event:props") {
			return eventMetrics
		}
	}
	return allMetrics
}

// questions are many bodies: every dimension and every filter, alone and together, in all ranges.
func questions() (out []string) {
	add := func(dates, dimensions, filter string) {
		metrics := metricsOf(dimensions, filter)
		if strings.Contains(filter, "done") && strings.Contains(filter+dimensions, "event:") {
			metrics = eventMetrics
		}
		out = append(out, fmt.Sprintf(`{"site_id":"s","date_range":%s,"dimensions":[%s],"metrics":[%s],"filters":[%s]}`, dates, dimensions, metrics, filter))
	}
	n := 0
	for _, d := range append(slices.Clone(eventDimensions), visitDimensions...) {
		for _, other := range []string{"", `,"time:day"`, `,"event:page"`, `,"visit:source"`} {
			if !strings.Contains(other, d) {
				add(dateRanges[n%len(dateRanges)], `"`+d+`"`+other, "")
				n++
			}
		}
	}
	for _, dates := range dateRanges {
		for _, interval := range []string{"", `"time:hour"`, `"time:day"`, `"time:week"`, `"time:month"`, `"time"`} {
			add(dates, interval, "")
		}
	}
	for _, filter := range filters {
		for _, dimensions := range []string{"", `"event:page"`, `"visit:source"`, `"time:day"`, `"visit:os","time:hour"`} {
			add(dateRanges[n%len(dateRanges)], dimensions, filter)
			n++
		}
	}
	return out
}

var (
	historyStart = time.Date(2025, 3, 25, 0, 0, 0, 0, time.UTC)
	historyNow   = historyStart.Add(8 * 24 * time.Hour)
)

// Every part of every plan has the same rows in both engines: exact, by coupons, and sampled.
func TestRowsEqualDuckDB(t *testing.T) {
	p := newPair(t)
	h := newHistory(1, historyStart, 7*24*time.Hour)
	for range 6 {
		p.insert(t, h.batch(250))
	}
	asked, rows := 0, 0
	for i, body := range questions() {
		if testing.Short() && i%3 != 1 {
			continue
		}
		site := &event.Site{WebsiteID: "s", Threshold: uint8(1 + i%3), Timezone: []string{"Europe/Berlin", "Asia/Kolkata", "America/New_York"}[i%3]}
		facts := query.Facts{}
		if i%3 == 2 {
			facts.Estimate = query.SampleAbove + 1
		}
		rows += p.compare(t, site, historyNow, body, facts)
		asked++
	}
	t.Logf("%d plans, %d rows", asked, rows)
	if rows < 1000 {
		t.Errorf("only %d rows were compared", rows)
	}
}

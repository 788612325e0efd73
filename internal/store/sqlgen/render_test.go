package sqlgen

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// Each golden file holds the statements of one query's plan, with their parameters.
func TestRenderDuckDB(t *testing.T) { renderAll(t, DuckDB(), "?", true) }

func TestRenderClickHouse(t *testing.T) { renderAll(t, ClickHouse(), "{p", false) }

// Of the minute rollups' dialect the statements over them alone: events are read elsewhere.
func TestRenderDruid(t *testing.T) {
	d := Druid("")
	f := func(name, dates, dimensions, metrics, filters string) {
		t.Helper()
		facts := query.Facts{Rollups: query.ByMinute, Clean: []query.Range{{From: 0, To: time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC).UnixMilli()}}}
		plan := planOf(t, fmt.Sprintf(`{"site_id":"s","date_range":%s,"dimensions":[%s],"metrics":[%s],"filters":[%s]}`, dates, dimensions, metrics, filters), facts)
		var out strings.Builder
		for i := range plan.Parts {
			if part := &plan.Parts[i]; part.View.ByMinute() {
				text, args := Render(part, d)
				if marks := strings.Count(text, "?"); marks != len(args) {
					t.Errorf("%s: %d marks, %d parameters", name, marks, len(args))
				}
				fmt.Fprintf(&out, "-- %s, %s\n%s\n-- %v\n\n", part.Of, part.View, text, args)
			}
		}
		if out.Len() == 0 {
			t.Errorf("%s: no part reads the minute rollups: %s", name, plan.Why)
		}
		checkGolden(t, filepath.Join("testdata", d.Name, name+".sql"), out.String())
	}
	const days, hours = `["2026-06-01","2026-06-30"]`, `["2026-06-01","2026-06-10"]`
	f("totals", days, ``, `"visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit"`, ``)
	f("report", days, `"time:day","visit:source","visit:device"`, `"visitors","visits","pageviews","bounce_rate"`, ``)
	f("clock-change", `["2026-03-01","2026-04-30"]`, `"time:day"`, `"pageviews"`, ``)
	f("months", `["2025-07-01","2026-06-30"]`, `"time:month"`, `"visits"`, ``)
	f("hours", hours, `"time:hour"`, `"visitors"`, ``)
	f("pages", days, `"event:page"`, `"visitors","time_on_page"`, ``)
	f("revenue", days, `"visit:source"`, `"total_revenue"`, ``)
	f("filter-page", days, ``, `"visitors"`, `["is","event:page",["/","(not set)"]]`)
	f("filter-visit", days, ``, `"visits"`, `["or",[["contains","visit:source",["oo","b_r%"]],["not",["matches_not","visit:utm_campaign",["^a","b$"]]]]]`)
	f("filter-fold", days, ``, `"visitors"`, `["is","event:page",["/A"],{"case_sensitive":false}],["contains","event:page",["b"],{"case_sensitive":false}],["matches","event:page",["c"],{"case_sensitive":false}]`)
	f("filter-nothing-fulfils", days, ``, `"visitors"`, `["is","visit:country_name",["Atlantis"]]`)
}

// The statements of shares, where the groups' columns stand in events, in sessions, in both, and in a sample.
func TestRenderShares(t *testing.T) {
	d := DuckDB()
	f := func(name, dimensions, metrics string, facts query.Facts) {
		t.Helper()
		plan := planOf(t, fmt.Sprintf(`{"site_id":"s","date_range":["2026-03-28","2026-03-30"],"dimensions":[%s],"metrics":[%s]}`, dimensions, metrics), facts)
		var out strings.Builder
		for i := range plan.Parts {
			part := &plan.Parts[i]
			if !HasShares(part, d) {
				t.Errorf("%s: %s has no shares", name, part.View)
			}
			text, args := RenderShare(part, d, Share{8, 3})
			if marks := strings.Count(text, "?"); marks != len(args) {
				t.Errorf("%s: %d marks, %d parameters", name, marks, len(args))
			}
			fmt.Fprintf(&out, "-- %s, %s\n%s\n-- %v\n\n", part.Of, part.View, text, args)
		}
		checkGolden(t, filepath.Join("testdata", d.Name, "share-"+name+".sql"), out.String())
	}
	var none query.Facts
	f("events", `"time:day","event:page","event:props:it's"`, `"visitors"`, none)
	f("scroll", `"event:page"`, `"scroll_depth"`, none)
	f("sessions", `"time:day","visit:source"`, `"visitors","visits"`, none)
	f("both", `"event:page","visit:source"`, `"visitors","visits"`, none)
	f("both-with-engagement", `"event:page","visit:source"`, `"visitors","time_on_page"`, none)
	f("both-without-visitors", `"event:page","visit:source"`, `"pageviews"`, none)
	f("total", ``, `"visitors","visits"`, none)
	f("sample", `"visit:source"`, `"visitors","visits"`, query.Facts{Estimate: 20_000_000})
	if total := planOf(t, `{"site_id":"s","date_range":"all","metrics":["visitors"]}`, none); HasShares(&total.Parts[0], ClickHouse()) {
		t.Error("the server cuts statements itself")
	}
}

func TestJavaPattern(t *testing.T) {
	f := func(pattern string, fold bool, want string) {
		t.Helper()
		if got := javaPattern(pattern, fold); got != want {
			t.Errorf("%q, fold %v: got %q, want %q", pattern, fold, got, want)
		}
	}
	f(`/blog/.*`, false, `(?:/blog/(?:(?:[^\n])*))`)
	f(`^/a$`, false, `(?:\A/a\z)`)
	f(`a|\.`, false, `[\x{2E}-\x{2E}\x{61}-\x{61}]`)
	f(`ab|cd`, false, `(?:ab|cd)`)
	f(`k`, true, `[\x{4B}\x{6B}\x{212A}]`)
	f(`[`, false, `(?!)`)
	f(``, false, `(?:)`)
}

func TestHeavy(t *testing.T) {
	f := func(pattern string, want bool) {
		t.Helper()
		if got := Heavy(pattern); got != want {
			t.Errorf("%q: got %v", pattern, got)
		}
	}
	for _, pattern := range []string{"", "/blog/.*", "^/(a|b)/[0-9]+$", ".*a.*b.*", "colou?r", "(a|b)*", "[ab]{2,3}", "("} {
		f(pattern, false)
	}
	for _, pattern := range []string{"(a+)+", "(ab|cd)*", "(a?){20}", "(?:a{2,})*", "a*b*c*d*", "((ab)*c)*", strings.Repeat("a?", 26) + strings.Repeat("a", 26) + "$", strings.Repeat("(?:a|ab|b)", 20) + "$"} {
		f(pattern, true)
	}
}

func renderAll(t *testing.T, d Dialect, mark string, rollups bool) {
	f := func(name, dates, dimensions, metrics, filters string, facts query.Facts) {
		t.Helper()
		plan := planOf(t, fmt.Sprintf(`{"site_id":"s","date_range":%s,"dimensions":[%s],"metrics":[%s],"filters":[%s]}`, dates, dimensions, metrics, filters), facts)
		var out strings.Builder
		for i := range plan.Parts {
			text, args := Render(&plan.Parts[i], d)
			if marks := strings.Count(text, mark); marks != len(args) {
				t.Errorf("%s: %d marks, %d parameters", name, marks, len(args))
			}
			fmt.Fprintf(&out, "-- %s, %s\n%s\n-- %v\n\n", plan.Parts[i].Of, plan.Parts[i].View, text, args)
		}
		checkGolden(t, filepath.Join("testdata", d.Name, name+".sql"), out.String())
	}
	const week, days, hours = `["2026-07-01","2026-07-07"]`, `["2026-03-20","2026-04-05"]`, `["2026-03-28","2026-03-29"]`
	var none query.Facts
	many := query.Facts{Estimate: 20_000_000}
	f("totals", week, ``, `"visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit"`, ``, none)
	f("days", week, `"time:day"`, `"visitors","visits"`, ``, none)
	f("days-with-a-clock-change", hours, `"time:day","event:page"`, `"pageviews"`, ``, none)
	f("pages", week, `"event:page"`, `"visitors","visits","time_on_page","scroll_depth"`, ``, none)
	f("pages-by-day", hours, `"time:day","event:page","event:props:it's"`, `"visitors","pageviews"`, `["is","event:name",["Buy"]]`, none)
	f("sources", week, `"visit:source"`, `"visitors","visits","percentage"`, ``, none)
	f("sources-by-day", week, `"time:day","visit:source"`, `"visitors"`, ``, none)
	f("revenue", week, `"event:name"`, `"total_revenue","average_revenue"`, ``, none)
	f("revenue-by-source", week, `"visit:source"`, `"total_revenue"`, ``, none)
	f("filter-event", week, ``, `"visitors","visits"`, `["is","event:page",["/","(not set)"]]`, none)
	f("filter-visit", week, ``, `"visitors"`, `["or",[["contains","visit:source",["oo","b_r%"]],["not",["matches_not","visit:utm_campaign",["^a","b$"]]]]]`, none)
	f("filter-fold", week, ``, `"visitors"`, `["is","event:page",["/A"],{"case_sensitive":false}],["contains","event:page",["b"],{"case_sensitive":false}],["matches","event:page",["c"],{"case_sensitive":false}]`, none)
	f("filter-both", week, `"visit:os"`, `"visitors","visits"`, `["is","event:props:plan",["pro"]],["is","visit:country_name",["Germany","(not set)"]],["is_not","event:name",["pageview"]]`, none)
	f("filter-nothing-fulfils", week, ``, `"visitors"`, `["is","visit:country_name",["Atlantis"]]`, none)
	f("has-done", week, `"event:page"`, `"visitors","visits"`, `["has_done",["is","event:name",["Buy"]]],["has_not_done",["is","event:page",["/"]]]`, none)
	f("property", week, `"event:props:it's"`, `"events"`, ``, none)
	f("sample", week, `"event:page"`, `"visitors","visits","pageviews","time_on_page","scroll_depth","total_revenue"`, ``, many)
	f("sample-sources", week, `"visit:source"`, `"visitors","bounce_rate"`, ``, many)
	f("cold", days, `"visit:source"`, `"visitors","bounce_rate","total_revenue"`, ``, none)
	if !rollups {
		return
	}
	rolled := query.Facts{Clean: []query.Range{}}
	f("rollup", days, `"visit:source"`, `"visitors","bounce_rate","total_revenue","percentage"`, ``, rolled)
	f("rollup-sums", days, `"time:day"`, `"pageviews","visits","total_revenue"`, ``, rolled)
	f("rollup-filter", days, `"time:week"`, `"visitors"`, `["contains_not","event:page",["/a","/b"]]`, rolled)
	f("rollup-quarters", days, `"time:hour"`, `"visitors","visits"`, ``, rolled)
	f("rollup-and-events", days, `"visit:source"`, `"visitors","visits"`, ``, query.Facts{Clean: []query.Range{{}}})
}

// planOf plans for a site in Berlin. Clean days: none when facts have none, all when they are empty but not nil, else all
// but the third and the fifth.
func planOf(t *testing.T, body string, facts query.Facts) *query.Plan {
	t.Helper()
	req, err := query.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	site := &event.Site{WebsiteID: "s", Timezone: "Europe/Berlin", Threshold: 2}
	q, err := query.Resolve(req, site, time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC), 0)
	if err != nil {
		t.Fatal(err)
	}
	dirty := len(facts.Clean) > 0
	if facts.Clean != nil && facts.Rollups == query.ByDay {
		facts.Clean = nil
		for i := range len(q.Days) - 1 {
			if !dirty || i != 2 && i != 4 {
				facts.Clean = append(facts.Clean, query.Range{From: q.Days[i], To: q.Days[i+1]})
			}
		}
	}
	plan, err := q.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -rewrite and read the diff:\n%s", path, got)
	}
}

func TestRuns(t *testing.T) {
	f := func(want string, edges ...int64) {
		t.Helper()
		if got := fmt.Sprint(runs(edges)); got != want {
			t.Errorf("%v: got %s, want %s", edges, got, want)
		}
	}
	f("[{0 0 10 10}]", 0, 10)
	f("[{0 0 10 30}]", 0, 10, 20, 30)
	f("[{0 0 10 20} {2 20 9 29} {3 29 10 49}]", 0, 10, 20, 29, 39, 49)
	f("[{0 3 7 10} {1 10 10 30} {3 30 2 32}]", 3, 10, 20, 30, 32)
}

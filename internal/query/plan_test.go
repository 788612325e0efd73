package query

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the outputs of text cases anew")

// A file of plans holds lines "range | dimensions | metrics | filters | facts", each followed by its plan, indented: where it reads, what
// its answer is kept by (for as long as that stays the same; among processes for 10 minutes at most), and why, then the parts with what is pushed down to them. Times are those of Berlin.
// Facts: dirty (no clean day), clean (all before 2026-07-15), but=DATE (that day is dirty), rows=N, raw=DATE, away (the rollups cannot be
// asked). Days are the site's in plan.txt, and UTC's in plan_minute.txt.
func TestPlans(t *testing.T) {
	t.Run("day", func(t *testing.T) { plansOf(t, "testdata/plan.txt", ByDay) })
	t.Run("minute", func(t *testing.T) { plansOf(t, "testdata/plan_minute.txt", ByMinute) })
}

func plansOf(t *testing.T, path string, rollups Rollups) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cases := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "    ") {
			continue
		}
		out.WriteString(line + "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			cases++
			out.WriteString(planOf(t, line, rollups))
		}
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if cases < 60 {
		t.Errorf("%d cases, want at least 60", cases)
	}
	if out.String() != string(text) {
		got, want := strings.Split(out.String(), "\n"), strings.Split(string(text), "\n")
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("%s:%d:\n got %s\nwant %s", path, i+1, got[i], want[i])
			}
		}
		t.Fatalf("%s: %d lines, want %d", path, len(got), len(want))
	}
}

func planOf(t *testing.T, line string, rollups Rollups) string {
	t.Helper()
	q, facts := planCase(t, line, rollups)
	plan, err := q.Plan(facts)
	if err != nil {
		return "    error " + err.Error() + "\n"
	}
	var out strings.Builder
	fmt.Fprintf(&out, "    %s", plan.Source)
	if !plan.Exact {
		out.WriteString(" estimated")
	}
	out.WriteString(" kept=version" + strings.ReplaceAll(plan.variant(), " ", "+"))
	if plan.Why != "" {
		fmt.Fprintf(&out, ": %s", plan.Why)
	}
	out.WriteString("\n")
	for i := range plan.Parts {
		out.WriteString("    - " + partText(&plan.Parts[i]) + "\n")
	}
	return out.String()
}

func planCase(t *testing.T, line string, rollups Rollups) (*Query, Facts) {
	t.Helper()
	fields := strings.Split(line, " | ")
	if len(fields) != 5 {
		t.Fatalf("%q has %d fields", line, len(fields))
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	list := func(text string) string {
		if text == "" || text == "-" {
			return "[]"
		}
		return `["` + strings.ReplaceAll(text, ",", `","`) + `"]`
	}
	dates := fields[0]
	if !strings.HasPrefix(dates, "[") {
		dates = strconv.Quote(dates)
	}
	filters := strings.Trim(fields[3], "-")
	body := fmt.Sprintf(`{"site_id":"s","date_range":%s,"dimensions":%s,"metrics":%s,"filters":[%s]}`, dates, list(fields[1]), list(fields[2]), filters)
	q, err := Resolve(mustParse(t, body), testSite("Europe/Berlin"), testNow, testNow.UnixMilli()-400*dayMillis)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return q, factsOf(t, q, fields[4], rollups)
}

func factsOf(t *testing.T, q *Query, text string, rollups Rollups) (facts Facts) {
	t.Helper()
	dirty, all := map[int64]bool{}, false
	c, days := calendar{time.UTC}, DayEdges(time.UTC, q.From, q.To)
	if rollups == ByDay {
		c, _ = zone(q.Timezone)
		days = q.Days
	}
	facts.Rollups = rollups
	day := func(text string) int64 {
		at, err := time.ParseInLocation(dateForm, text, c.loc)
		if err != nil {
			t.Fatal(err)
		}
		return at.UnixMilli()
	}
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "dirty":
			all = true
		case "but":
			dirty[day(value)] = true
		case "rows":
			facts.Estimate, _ = strconv.ParseInt(value, 10, 64)
		case "raw":
			facts.RawFrom = day(value)
		case "away":
			facts.Away = "druid cannot be asked"
		}
	}
	for i := range len(days) - 1 {
		if one := (Range{days[i], days[i+1]}); !all && !dirty[one.From] && one.To <= day("2026-07-15") {
			facts.Clean = append(facts.Clean, one)
		}
	}
	return facts
}

func partText(p *Part) string {
	words := []string{p.Of + ":", string(p.View)}
	if p.Rollup != nil {
		words = append(words, strconv.Quote(*p.Rollup))
	}
	for _, d := range p.Dimensions {
		words = append(words, "by="+columnText(d))
	}
	if p.Edges != nil {
		words = append(words, fmt.Sprintf("buckets=%d", len(p.Edges)-1))
	}
	if p.Where != nil {
		words = append(words, "where="+predicateText(p.Where))
	}
	var names []string
	for _, m := range p.Measures {
		names = append(names, string(m))
	}
	words = append(words, "["+strings.Join(names, " ")+"]")
	for _, r := range p.Ranges {
		words = append(words, rangeText(r))
	}
	for _, pair := range p.Products {
		words = append(words, fmt.Sprintf("%s*%s", pair[0], pair[1]))
	}
	return strings.Join(words, " ")
}

func rangeText(r Range) string {
	form := func(ms int64) string {
		c, _ := zone("Europe/Berlin")
		return strings.TrimSuffix(strings.TrimSuffix(c.at(ms).Format("2006-01-02T15:04:05"), ":00"), "T00:00")
	}
	return form(r.From) + ".." + form(r.To)
}

func columnText(c Column) string {
	if c.Property {
		return "property." + c.Name
	}
	return string(c.Table) + "." + c.Name
}

func predicateText(p *Predicate) string {
	text := p.Op + "("
	if p.Column != nil {
		text += columnText(*p.Column) + " " + strings.Join(p.Values, ",")
		if p.Empty {
			text += " or empty"
		}
	}
	for i, arg := range p.Args {
		if i > 0 {
			text += " "
		}
		text += predicateText(arg)
	}
	return text + ")"
}

// A plan is a function of the query and the facts: asking twice gives the same, and the facts stay as they are.
func TestPlanIsPure(t *testing.T) {
	q, facts := planCase(t, `30d | time:day,visit:source | visitors,percentage | ["is","visit:source",["Google"]] | but=2026-07-03`, ByDay)
	clean := slices.Clone(facts.Clean)
	first, err := q.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	second, err := q.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprintf("%+v", first.Parts[0]), fmt.Sprintf("%+v", second.Parts[0]); len(first.Parts) != len(second.Parts) || a[:80] != b[:80] || !slices.Equal(clean, facts.Clean) {
		t.Errorf("two plans of one query differ:\n%s\n%s", a, b)
	}
}

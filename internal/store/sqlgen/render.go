package sqlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/query"
)

// Render returns the statement of a part and its parameters. Its columns are those that query.Part describes.
func Render(part *query.Part, d Dialect) (sql string, args []any) {
	return RenderShare(part, d, Share{})
}

func (r *renderer) render() (sql string) {
	switch part := r.part; part.View {
	case query.ViewEvents:
		if r.d.Numbered && part.Sample == 0 && r.has(query.VisitorCount) && slices.ContainsFunc(part.Dimensions, manyTexts) {
			sql = r.numbered()
		} else {
			sql = r.events(func() string { return "events e" })
		}
	case query.ViewJoined:
		sql = r.events(r.joined)
	case query.ViewSpans:
		sql = r.spans()
	case query.ViewSessions:
		sql = r.sessions()
	case query.ViewMatched:
		sql = r.matched()
	case query.ViewScroll:
		sql = r.scroll()
	case query.ViewDays:
		sql = r.rollup("rollup_days r")
	case query.ViewQuarters:
		sql = r.rollup("rollup_quarters r")
	case query.ViewPageViews, query.ViewSources:
		sql = r.minutes()
	}
	return sql
}

// renderer renders one part. Its methods must be called in the order of the text, as args follow the marks.
type renderer struct {
	part  *query.Part
	d     Dialect
	share Share
	args  []any
}

func (r *renderer) arg(value any) string {
	r.args = append(r.args, value)
	return r.d.Mark(len(r.args), value)
}

// statement is a select, one clause per line.
type statement struct {
	columns []string
	from    string
	where   []string
	keys    []string
}

func (s statement) String() string {
	text := "select\n    " + strings.Join(s.columns, ",\n    ") + "\nfrom " + s.from
	if len(s.where) > 0 {
		text += "\nwhere " + strings.Join(s.where, "\nand ")
	}
	if len(s.keys) > 0 {
		text += "\ngroup by " + strings.Join(s.keys, ", ")
	}
	return text
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

// keys are the aliases of the part's groups.
func (r *renderer) keys() (names []string) {
	for i := range r.part.Dimensions {
		names = append(names, fmt.Sprintf("d%d", i+1))
	}
	if r.part.Edges != nil {
		names = append(names, "bucket")
	}
	return names
}

// groups renders the columns behind keys.
func (r *renderer) groups(time string) (columns []string) {
	for i, c := range r.part.Dimensions {
		columns = append(columns, fmt.Sprintf("%s as d%d", r.column(c), i+1))
	}
	if r.part.Edges != nil {
		columns = append(columns, r.bucket(time)+" as bucket")
	}
	return columns
}

func (r *renderer) has(m query.Measure) bool { return slices.Contains(r.part.Measures, m) }

// eventTypes returns the types of the rows that are read, and what those of them fulfil that are counted events, "" for all.
func (r *renderer) eventTypes() (types, condition string) {
	if r.has(query.EngagedMs) {
		return inSession, counted
	}
	return counted, ""
}

// events renders ViewEvents and ViewJoined.
func (r *renderer) events(from func() string) string {
	s := statement{columns: r.groups("e.timestamp"), from: from(), keys: r.keys()}
	types, condition := r.eventTypes()
	for _, m := range r.part.Measures {
		if m != query.VisitorCount || r.part.Sample == 0 {
			s.columns = append(s.columns, r.eventMeasure(m, condition))
		}
	}
	key := "e.sample_key"
	s = r.byVisitor(s, key)
	s.where = r.filtered(r.eventRows(types), key)
	return r.sampled(s)
}

// manyTexts reports whether a column of events has as many values as a site has pages, and long ones.
func manyTexts(c query.Column) bool { return c.Property || c.Name == "page" }

// numbered renders ViewEvents in two readings: the groups, which get numbers, and then their visitors by these. A pair of a group and a
// visitor has no text then: a third of the memory, in no more time.
func (r *renderer) numbered() string {
	types, condition := r.eventTypes()
	keys := r.keys()
	groups := statement{columns: append(r.groups("e.timestamp"), "cast(row_number() over () as integer) as number"), from: "events e", keys: keys}
	s := statement{from: "numbered g\nleft join visitors v on v.number = g.number"}
	for _, key := range keys {
		s.columns = append(s.columns, "g."+key)
	}
	for _, m := range r.part.Measures {
		if m == query.VisitorCount {
			s.columns = append(s.columns, "coalesce(v.visitors, 0) as visitors")
			continue
		}
		groups.columns = append(groups.columns, r.eventMeasure(m, condition))
		s.columns = append(s.columns, "g."+string(m))
	}
	groups.where = r.filtered(r.eventRows(types), "e.sample_key")
	visitors := statement{columns: []string{"g.number", "count(distinct e.sample_key) as visitors"}, keys: []string{"g.number"}}
	var same []string
	for i, c := range r.part.Dimensions {
		same = append(same, "g."+keys[i]+" = "+r.column(c))
	}
	if r.part.Edges != nil {
		same = append(same, "g.bucket = "+r.bucket("e.timestamp"))
	}
	visitors.from = "events e\njoin numbered g on " + strings.Join(same, " and ")
	visitors.where = r.filtered(r.eventRows(counted), "e.sample_key")
	return "with numbered as materialized (\n" + indent(groups.String()) + "\n), visitors as (\n" + indent(visitors.String()) + "\n)\n" + s.String()
}

// eventMeasure renders a measure over rows of events; only those that fulfil the condition are counted events.
func (r *renderer) eventMeasure(m query.Measure, condition string) string {
	filter, when := "", "%s"
	if condition != "" {
		filter, when = " filter (where "+condition+")", "case when "+condition+" then %s end"
	}
	currency := fmt.Sprintf(when, "nullif(e.currency, '')")
	var text string
	switch m {
	case query.VisitorCount:
		text = "count(distinct " + fmt.Sprintf(when, "e.sample_key") + ")"
	case query.VisitorCoupons:
		text = fmt.Sprintf(r.d.Distinct, "e.visitor_coupon") + filter
	case query.PageviewCount:
		text = "count(*) filter (where e.event_type = 'pageview')"
	case query.EventCount:
		text = "count(*)" + filter
	case query.EngagedMs:
		text = r.sum("case when e.event_type = 'engagement' then e.time_on_page end")
	case query.RevenueEvents:
		text = "count(" + currency + ")"
	case query.RevenueSum:
		text = r.sum(fmt.Sprintf(when, "e.revenue"))
	case query.CurrencyMin:
		text = "coalesce(min(" + currency + "), '')"
	case query.CurrencyMax:
		text = "coalesce(max(" + currency + "), '')"
	}
	return text + " as " + string(m)
}

func (r *renderer) sum(of string) string {
	return fmt.Sprintf(r.d.Long, "coalesce(sum("+of+"), 0)")
}

// sessions renders ViewSessions.
func (r *renderer) sessions() string {
	s := statement{columns: r.groups("s.session_start"), from: r.d.Sessions, keys: r.keys()}
	for _, m := range r.part.Measures {
		s.columns = append(s.columns, r.sessionMeasure(m, r.duration()))
	}
	s = r.byVisitor(s, "s.sample_key")
	s.where = r.filtered(r.sessionRows(func() string { return r.ranges("s.session_start >= %s and s.session_start < %s") }), "s.sample_key")
	return r.sampled(s)
}

// duration renders the ms of a session.
func (r *renderer) duration() string {
	return fmt.Sprintf(r.d.Millis, "s.session_end") + " - " + fmt.Sprintf(r.d.Millis, "s.session_start")
}

func (r *renderer) sessionMeasure(m query.Measure, duration string) string {
	text := "count(*)"
	switch m {
	case query.BounceCount:
		text = "count(*) filter (where s.bounce)"
	case query.DurationMs:
		text = r.sum(duration)
	case query.SessionPageviews:
		text = r.sum("s.pageviews")
	}
	return text + " as " + string(m)
}

// matched renders ViewMatched: each session once per group in which it has a matching counted event.
func (r *renderer) matched() string {
	inner := statement{columns: r.groups("e.timestamp"), from: r.joined()}
	inner.columns = append(inner.columns, "s.session_id", "s.bot_band", "s.chain_start", "s.sample_key as sample_key",
		"s.bounce as bounce", "s.pageviews as pageviews", r.duration()+" as duration")
	inner.where = r.filtered(r.eventRows(counted), "s.sample_key")
	text := strings.Replace(inner.String(), "select", "select distinct", 1)
	s := statement{columns: r.keys(), from: "matched s", keys: r.keys()}
	for _, m := range r.part.Measures {
		s.columns = append(s.columns, r.sessionMeasure(m, "s.duration"))
	}
	return "with matched as (\n" + indent(text) + "\n)\n" + r.sampled(r.byVisitor(s, "s.sample_key"))
}

// scroll renders ViewScroll: the greatest depth per session and page.
func (r *renderer) scroll() string {
	inner := statement{columns: r.groups("e.timestamp"), from: r.joined()}
	inner.columns = append(inner.columns, "s.sample_key as sample_key", fmt.Sprintf(r.d.Long, "max(e.scroll_depth)")+" as depth")
	inner.where = r.filtered(r.eventRows(withScroll), "s.sample_key")
	inner.keys = append(r.keys(), "s.session_id", "s.bot_band", "s.chain_start", "s.sample_key", "e.page")
	s := statement{columns: r.keys(), from: "depths s", keys: r.keys()}
	for _, m := range r.part.Measures {
		text := "count(*)"
		if m == query.ScrollSum {
			text = r.sum("s.depth")
		}
		s.columns = append(s.columns, text+" as "+string(m))
	}
	return "with depths as (\n" + indent(inner.String()) + "\n)\n" + r.sampled(r.byVisitor(s, "s.sample_key"))
}

// byVisitor makes a sample's statement group by visitor too.
func (r *renderer) byVisitor(s statement, key string) statement {
	if r.part.Sample > 0 {
		s.columns = append(s.columns, key+" as visitor")
		s.keys = append(slices.Clone(s.keys), "visitor")
	}
	return s
}

// sampled sums a sample's statement over its visitors.
func (r *renderer) sampled(inner statement) string {
	if r.part.Sample == 0 {
		return inner.String()
	}
	outer := statement{columns: r.keys(), from: "(\n" + indent(inner.String()) + "\n) v", keys: r.keys()}
	for _, m := range r.part.Measures {
		text := r.sum("v." + string(m))
		switch m {
		case query.VisitorCount:
			text = "count(*) filter (where v.events > 0)"
		case query.CurrencyMin:
			text = "coalesce(min(nullif(v.currency_min, '')), '')"
		case query.CurrencyMax:
			text = "coalesce(max(v.currency_max), '')"
		}
		outer.columns = append(outer.columns, text+" as "+string(m))
	}
	for i, pair := range r.part.Products {
		product := fmt.Sprintf(r.d.Double, "v."+string(pair[0])) + " * v." + string(pair[1])
		outer.columns = append(outer.columns, fmt.Sprintf("coalesce(sum(%s), 0) as p%d", product, i+1))
	}
	return outer.String()
}

// rollup renders ViewDays and ViewQuarters. Sketches are united by the reader; without one the rows are summed here.
func (r *renderer) rollup(from string) string {
	s := statement{columns: r.groups("r.bucket"), from: from}
	sets := r.has(query.VisitorSketch)
	for _, m := range r.part.Measures {
		s.columns = append(s.columns, r.rollupMeasure(m, sets))
	}
	if !sets {
		s.keys = r.keys()
	}
	if r.part.Relative() {
		s.columns = append(s.columns, "r.bucket as in_bucket", "r.bot_band as in_band")
	}
	s.where = append(s.where, "r.website_id = "+r.arg(r.part.WebsiteID))
	if r.part.Rollup != nil {
		s.where = append(s.where, "r.dimension = "+r.arg(*r.part.Rollup))
	}
	s.where = append(s.where, "r.bot_band < "+r.arg(int64(r.part.Threshold)), r.ranges("r.bucket >= %s and r.bucket < %s"))
	s.where = r.filtered(s.where, "")
	return s.String()
}

func (r *renderer) rollupMeasure(m query.Measure, alone bool) string {
	column := "r." + string(m)
	switch m {
	case query.VisitorSketch:
		column = "r.visitors"
	case query.CurrencyMin, query.CurrencyMax:
		column = "r.currency"
		if !alone {
			function := map[query.Measure]string{query.CurrencyMin: "min", query.CurrencyMax: "max"}[m]
			return "coalesce(" + function + "(nullif(r.currency, '')), '') as " + string(m)
		}
	default:
		if !alone {
			column = r.sum(column)
		}
	}
	return column + " as " + string(m)
}

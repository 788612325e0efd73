package sqlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/query"
)

// The columns of the minute rollups that hold a measure: docs/format/druid.md.
var minuteColumns = map[query.View]map[query.Measure]string{
	query.ViewPageViews: {
		query.PageviewCount: "views", query.EventCount: "events", query.EngagedMs: "total_time",
		query.RevenueSum: "revenue", query.RevenueEvents: "revenue_events",
	},
	query.ViewSources: {
		query.VisitCount: "sessions", query.BounceCount: "bounces", query.DurationMs: "duration", query.SessionPageviews: "pageviews",
	},
}

// minutes renders ViewPageViews and ViewSources. Where currencies are asked for, rows come by currency: the smallest and the
// largest are found by whoever merges them.
func (r *renderer) minutes() string {
	s := statement{columns: r.groups("r.__time"), from: `"` + r.d.Prefix + string(r.part.View) + `" r`}
	keys := len(s.columns)
	currency := r.has(query.CurrencyMin) || r.has(query.CurrencyMax)
	if currency {
		s.columns = append(s.columns, "r.currency as currency")
		keys++
	}
	for _, m := range r.part.Measures {
		if !m.IsText() {
			s.columns = append(s.columns, r.minuteMeasure(m)+" as "+string(m))
		}
	}
	for i := range keys {
		s.keys = append(s.keys, fmt.Sprint(i+1)) // by place: Druid knows no aliases here
	}
	s.where = []string{
		"r.website_id = " + r.arg(r.part.WebsiteID),
		"r.bot_band < " + r.arg(int64(r.part.Threshold)),
		r.ranges("r.__time >= %s and r.__time < %s"),
	}
	if r.ofSessions() {
		s.where = append(s.where, "r.in_session = 1")
	}
	s.where = r.filtered(s.where, "")
	return s.String()
}

func (r *renderer) minuteMeasure(m query.Measure) string {
	if m == query.VisitorSketch {
		return "ds_hll(r.visitors, 12)"
	}
	return r.sum("r." + minuteColumns[r.part.View][m])
}

// ofSessions reports whether the part of ViewPageViews reads an attribute of sessions: all but the page are. Then engagement of
// no session does not count.
func (r *renderer) ofSessions() bool {
	if r.part.View != query.ViewPageViews {
		return false
	}
	isVisit := func(c query.Column) bool { return c.Name != "page" }
	return slices.ContainsFunc(r.part.Dimensions, isVisit) || slices.ContainsFunc(columnsOf(r.part.Where), isVisit)
}

func columnsOf(p *query.Predicate) (columns []query.Column) {
	if p == nil {
		return nil
	}
	if p.Column != nil {
		columns = append(columns, *p.Column)
	}
	for _, arg := range p.Args {
		columns = append(columns, columnsOf(arg)...)
	}
	return columns
}

// MinuteSums renders the sums of all numbers of a view by site and UTC day, between  with the names of the columns
// behind those two.
func MinuteSums(view query.View, in query.Range, d Dialect) (sql string, args []any, columns []string) {
	for _, column := range minuteColumns[view] {
		columns = append(columns, column)
	}
	if view == query.ViewSources {
		columns = append(columns, "revenue")
	}
	slices.Sort(columns)
	r := &renderer{part: &query.Part{View: view, Ranges: []query.Range{in}}, d: d}
	s := statement{
		columns: []string{"r.website_id as website_id", "timestamp_to_millis(time_floor(r.__time, 'P1D')) as day_start"},
		from:    `"` + d.Prefix + string(view) + `" r`,
		keys:    []string{"1", "2"},
	}
	for _, column := range columns {
		s.columns = append(s.columns, r.sum("r."+column)+" as "+column)
	}
	s.where = []string{r.ranges("r.__time >= %s and r.__time < %s")}
	return strings.TrimSpace(s.String()), r.args, columns
}

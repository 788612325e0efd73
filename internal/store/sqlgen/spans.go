package sqlgen

import (
	"fmt"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// The session rows of ViewSpans: wholly inside a range, and reaching into one at all.
const (
	insideRange  = "s.chain_start >= %s and s.session_end < %s"
	touchesRange = "s.session_end >= %s and s.chain_start < %s"
)

// spans renders ViewSpans. A session that stands wholly inside a range and a bucket brings the sums of its row; of the
// others the events are read. A session with several visitors brings the others in rows of their own.
func (r *renderer) spans() string {
	branches := []string{r.spanRows(r.spanMeasure), r.edgeRows()}
	if r.has(query.VisitorCount) || r.has(query.VisitorCoupons) {
		branches = append(branches, r.moreVisitors())
	}
	s := statement{columns: r.keys(), from: "rows v", keys: r.keys()}
	for _, m := range r.part.Measures {
		s.columns = append(s.columns, r.spanTotal(m))
	}
	s.where = r.sharedSpans()
	return "with rows as (\n" + indent(strings.Join(branches, "\nunion all\n")) + "\n)\n" + s.String()
}

// spanTotal sums the rows of all branches.
func (r *renderer) spanTotal(m query.Measure) string {
	column := "v." + string(m)
	text := r.sum(column)
	switch m {
	case query.VisitorCount:
		text = "count(distinct " + column + ")"
	case query.VisitorCoupons:
		text = fmt.Sprintf(r.d.Distinct, column) + " filter (where " + column + " is not null)"
	case query.CurrencyMin:
		text = "coalesce(min(nullif(" + column + ", '')), '')"
	case query.CurrencyMax:
		text = "coalesce(max(" + column + "), '')"
	}
	return text + " as " + string(m)
}

// inside renders the condition for sessions whose row can be used whole.
func (r *renderer) inside() string {
	text := r.ranges(insideRange)
	if r.part.Edges != nil {
		start := r.bucket("s.chain_start")
		text += " and " + start + " = " + r.bucket("s.session_end")
	}
	return text
}

func (r *renderer) spanRows(measure func(query.Measure) string) string {
	s := statement{columns: r.groups("s.chain_start"), from: r.nearSessions()}
	for _, m := range r.part.Measures {
		s.columns = append(s.columns, measure(m)+" as "+string(m))
	}
	s.where = r.filtered(r.sessionRows(r.inside), "")
	return s.String()
}

func (r *renderer) spanMeasure(m query.Measure) string {
	switch m {
	case query.VisitorCount:
		return "s.sample_key"
	case query.VisitorCoupons:
		return "s.visitor_coupon"
	case query.CurrencyMin, query.CurrencyMax:
		return "s.currency"
	}
	return "s." + string(m)
}

// moreVisitors renders the visitors of sessions that have several.
func (r *renderer) moreVisitors() string {
	text := r.spanRows(func(m query.Measure) string {
		switch m {
		case query.VisitorCount:
			return fmt.Sprintf(r.d.Unnest, "s.visitors")
		case query.VisitorCoupons:
			return fmt.Sprintf(r.d.Unnest, "s.visitor_coupons")
		case query.CurrencyMin, query.CurrencyMax:
			return "''"
		}
		return "0"
	})
	return text + "\nand " + fmt.Sprintf(r.d.Several, "s.visitors")
}

// edgeRows renders the events of sessions that cross an edge.
func (r *renderer) edgeRows() string {
	s := statement{columns: r.groups("e.timestamp"), from: r.joined()}
	for _, m := range r.part.Measures {
		s.columns = append(s.columns, edgeMeasure(m)+" as "+string(m))
	}
	s.where = r.sessionRows(func() string { return r.ranges(touchesRange) })
	s.where = append(s.where, "not ("+r.inside()+")")
	near := *r.part
	near.Ranges = r.nearEdges()
	edges := &renderer{part: &near, d: r.d, args: r.args}
	s.where = append(s.where, edges.eventRows(inSession)...)
	r.args = edges.args
	s.where = r.filtered(s.where, "")
	return s.String()
}

// nearEdges returns the parts of the ranges in which a session that crosses an edge can have events. As no session is
// longer than event.SessionSplitMillis, only buckets need all of a range.
func (r *renderer) nearEdges() (near []query.Range) {
	for _, one := range r.part.Ranges {
		if r.part.Edges != nil || one.To-one.From <= 2*event.SessionSplitMillis {
			near = append(near, one)
			continue
		}
		near = append(near, query.Range{From: one.From, To: one.From + event.SessionSplitMillis},
			query.Range{From: one.To - event.SessionSplitMillis, To: one.To})
	}
	return near
}

// edgeMeasure is what one event adds.
func edgeMeasure(m query.Measure) string {
	when := func(condition, value, otherwise string) string {
		return "case when " + condition + " then " + value + otherwise + " end"
	}
	switch m {
	case query.VisitorCount:
		return when(counted, "e.sample_key", "")
	case query.VisitorCoupons:
		return when(counted, "e.visitor_coupon", "")
	case query.PageviewCount:
		return when("e.event_type = 'pageview'", "1", " else 0")
	case query.EventCount:
		return when(counted, "1", " else 0")
	case query.EngagedMs:
		return when("e.event_type = 'engagement'", "e.time_on_page", " else 0")
	case query.RevenueEvents:
		return when(counted+" and e.currency <> ''", "1", " else 0")
	case query.RevenueSum:
		return when(counted, "e.revenue", " else 0")
	}
	return when(counted, "e.currency", " else ''")
}

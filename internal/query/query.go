package query

import (
	"slices"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Query is a request with its site and times resolved. It is a value: two equal queries ask the same.
type Query struct {
	WebsiteID  string     `json:"website_id"`
	Timezone   string     `json:"timezone"`
	Threshold  uint8      `json:"threshold"` // bands below it are people
	From       int64      `json:"from"`      // ms, half open
	To         int64      `json:"to"`
	Metrics    []Metric   `json:"metrics"`
	Dimensions []string   `json:"dimensions"` // "time" is resolved
	Edges      []int64    `json:"edges"`      // of the time dimension's buckets, one more than Labels; nil without one
	Labels     []string   `json:"labels"`
	Where      *Predicate `json:"where"`
	OrderBy    []Order    `json:"order_by"`
	Include    Include    `json:"include"`
	Pagination Pagination `json:"pagination"`
	Days       []int64    `json:"days"`              // starts of the site's days that [From, To) touches, and the end of the last
	Compare    *Query     `json:"compare,omitempty"` // the same question about the other range
}

// Resolve gives the request its instants in the site's zone. firstEvent is the time of the site's first event, 0 without
// one; only "all" needs it. Its errors are *Error unless the site itself is at fault.
func Resolve(req *Request, site *event.Site, now time.Time, firstEvent int64) (*Query, error) {
	c, err := zone(site.Timezone)
	if err != nil {
		return nil, err
	}
	s, err := req.DateRange.resolve(c, now, firstEvent, "date_range")
	if err != nil {
		return nil, err
	}
	q, err := resolveSpan(req, site, c, s)
	if err != nil || req.Include.Compare == nil {
		return q, err
	}
	before, err := req.Include.Compare.before(c, s)
	if err != nil {
		return nil, err
	}
	if before.from < 0 {
		return nil, invalid("include.compare", "the range to compare with is before 1970")
	}
	q.Compare, err = resolveSpan(req, site, c, before)
	return q, err
}

func resolveSpan(req *Request, site *event.Site, c calendar, s span) (*Query, error) {
	q := &Query{
		WebsiteID: site.WebsiteID, Timezone: c.loc.String(), Threshold: site.Threshold, From: s.from, To: s.to,
		Metrics: req.Metrics, Dimensions: slices.Clone(req.Dimensions), Where: compile(req.Filters),
		Include: req.Include, Pagination: req.Pagination, Days: DayEdges(c.loc, s.from, s.to),
	}
	for i, name := range q.Dimensions {
		if name == timeAuto {
			q.Dimensions[i] = autoInterval(s)
		}
		if isTime(name) {
			var err error
			if q.Edges, q.Labels, err = c.buckets(q.Dimensions[i], s); err != nil {
				return nil, err
			}
		}
	}
	q.OrderBy = q.order(req)
	return q, nil
}

// order is the request's order or, without one, time forwards, then the first metric downwards.
func (q *Query) order(req *Request) (out []Order) {
	for _, o := range req.OrderBy {
		if i := slices.Index(req.Dimensions, o.By); i >= 0 {
			o.By = q.Dimensions[i]
		}
		out = append(out, o)
	}
	if len(out) > 0 || len(q.Dimensions) == 0 {
		return out
	}
	if i := slices.IndexFunc(q.Dimensions, isTime); i >= 0 {
		out = append(out, Order{By: q.Dimensions[i]})
	}
	return append(out, Order{By: string(q.Metrics[0]), Desc: true})
}

// groups returns the dimensions that are not time.
func (q *Query) groups() (out []Dimension) {
	for _, name := range q.Dimensions {
		if d, ok := dimension(name); ok {
			out = append(out, d)
		}
	}
	return out
}

func (q *Query) asks(m Metric) bool { return slices.Contains(q.Metrics, m) }

package query

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reply is the answer to a query, in the shape of Plausible's Stats API v2. Replies may be shared: do not change them.
type Reply struct {
	Results []Result `json:"results"`
	Meta    Meta     `json:"meta"`
	Query   Echo     `json:"query"`
}

// Result is a row. A metric is an int64 (counts), a float64, a Money or nil.
type Result struct {
	Dimensions []string    `json:"dimensions"`
	Metrics    []any       `json:"metrics"`
	Comparison *Comparison `json:"comparison,omitempty"`
}

// Comparison is the same row in the other range. Change is in percent, nil where there was nothing to change.
type Comparison struct {
	Metrics []any      `json:"metrics"`
	Change  []*float64 `json:"change"`
}

// Meta says where the numbers come from.
type Meta struct {
	ImportsIncluded   *bool               `json:"imports_included,omitempty"`
	ImportsSkipReason string              `json:"imports_skip_reason,omitempty"`
	MetricWarnings    map[Metric]Warning  `json:"metric_warnings,omitempty"`
	TimeLabels        []string            `json:"time_labels,omitempty"`
	TotalRows         *int                `json:"total_rows,omitempty"`
	Source            string              `json:"source"`
	Engines           []string            `json:"engines,omitempty"` // that answered
	Views             []View              `json:"views,omitempty"`   // that were read
	Degraded          string              `json:"degraded,omitempty"`
	Exact             bool                `json:"exact"`
	Sample            *Sample             `json:"sample,omitempty"`
	Error             map[Metric]Interval `json:"error,omitempty"`
	FreshAt           int64               `json:"fresh_at"`
	Cached            bool                `json:"cached"`
	TookMs            float64             `json:"took_ms"`
	DailyVisitors     bool                `json:"daily_visitors"`
}

// Warning says why a metric is null.
type Warning struct {
	Code    string `json:"code"`
	Warning string `json:"warning"`
}

// Sample is present when the numbers stand for more visitors than were read.
type Sample struct {
	Rate float64 `json:"rate"`
}

// Interval is the 95 % interval of a metric, by row of the results.
type Interval struct {
	Low  []float64 `json:"low"`
	High []float64 `json:"high"`
}

// Echo is the request as it was understood.
type Echo struct {
	SiteID     string     `json:"site_id"`
	Metrics    []Metric   `json:"metrics"`
	DateRange  [2]string  `json:"date_range"`
	Filters    []Filter   `json:"filters"`
	Dimensions []string   `json:"dimensions"`
	OrderBy    []Order    `json:"order_by"`
	Include    Include    `json:"include"`
	Pagination Pagination `json:"pagination"`
}

// MarshalJSON writes the form of the language.
func (o Order) MarshalJSON() ([]byte, error) {
	direction := "asc"
	if o.Desc {
		direction = "desc"
	}
	return json.Marshal([2]string{o.By, direction})
}

// MarshalJSON writes the form of the language.
func (c Compare) MarshalJSON() ([]byte, error) {
	if c.Name != "" {
		return json.Marshal(c.Name)
	}
	return json.Marshal([2]string{c.Range.From, c.Range.To})
}

// echo shows the range as two instants with the site's offset; a range that ends with a day ends at its last second.
func (q *Query) echo(req *Request) Echo {
	c, err := zone(q.Timezone)
	if err != nil {
		c = calendar{time.UTC}
	}
	const form = "2006-01-02T15:04:05-07:00"
	end := c.at(q.To)
	if c.start(c.dateOf(q.To)) == q.To {
		end = end.Add(-time.Second)
	}
	echo := Echo{SiteID: req.SiteID, Metrics: q.Metrics, Filters: req.Filters, Dimensions: q.Dimensions, OrderBy: q.OrderBy,
		Include: q.Include, Pagination: q.Pagination, DateRange: [2]string{c.at(q.From).Format(form), end.Format(form)}}
	if echo.OrderBy == nil {
		echo.OrderBy = []Order{}
	}
	return echo
}

// rows are the groups of an answer in the query's order.
type rows struct {
	q      *Query
	groups []*group
	values [][]value  // by group, by metric of q
	shown  [][]string // by group: the dimensions without time
	order  []int
	below  int // rows behind all of order, of which no more is known
}

func newRows(q *Query, a *answer) *rows {
	r := &rows{q: q}
	dims := q.groups()
	for _, g := range a.groups {
		switch {
		case len(q.Dimensions) > 0 && !g.present():
		case g.unread:
			r.below++
		default:
			r.add(a, g, dims)
		}
	}
	if len(q.Dimensions) == 0 && len(r.groups) == 0 {
		r.add(a, &group{}, dims)
	}
	r.sort()
	return r
}

func (r *rows) add(a *answer, g *group, dims []Dimension) {
	values := make([]value, len(r.q.Metrics))
	for i, m := range r.q.Metrics {
		values[i] = a.value(g, m)
	}
	shown := make([]string, len(dims))
	for i, d := range dims {
		shown[i] = d.display(g.values[i])
	}
	r.order = append(r.order, len(r.groups))
	r.groups, r.values, r.shown = append(r.groups, g), append(r.values, values), append(r.shown, shown)
}

// sort orders the rows; what order_by leaves open goes by time, then by the dimensions.
func (r *rows) sort() {
	var compare []func(a, b int) int
	for _, o := range r.q.OrderBy {
		by := r.by(o.By)
		if o.Desc {
			compare = append(compare, func(a, b int) int { return by(b, a) })
		} else {
			compare = append(compare, by)
		}
	}
	compare = append(compare, r.byTime, func(a, b int) int { return slices.Compare(r.shown[a], r.shown[b]) })
	slices.SortFunc(r.order, func(a, b int) int {
		for _, one := range compare {
			if c := one(a, b); c != 0 {
				return c
			}
		}
		return 0
	})
}

func (r *rows) by(name string) func(a, b int) int {
	if i := slices.Index(r.q.Metrics, Metric(name)); i >= 0 {
		return func(a, b int) int { return r.values[a][i].compare(r.values[b][i]) }
	}
	if isTime(name) {
		return r.byTime
	}
	at := slices.IndexFunc(r.q.groups(), func(d Dimension) bool { return d.Name == name })
	return func(a, b int) int { return strings.Compare(r.shown[a][at], r.shown[b][at]) }
}

func (r *rows) byTime(a, b int) int { return cmp.Compare(r.groups[a].bucket, r.groups[b].bucket) }

// compare puts nulls below all numbers.
func (v value) compare(w value) int {
	switch {
	case v.null && w.null:
		return 0
	case v.null:
		return -1
	case w.null:
		return 1
	}
	return cmp.Compare(v.number, w.number)
}

// page returns the part of the order that pagination asks for.
func (r *rows) page() []int {
	from := min(r.q.Pagination.Offset, len(r.order))
	return r.order[from:min(from+r.q.Pagination.Limit, len(r.order))]
}

// shownGroups returns the groups of the page.
func (r *rows) shownGroups() (groups []*group) {
	for _, at := range r.page() {
		groups = append(groups, r.groups[at])
	}
	return groups
}

// dimensions returns the row's dimensions as the reply shows them, time included.
func (r *rows) dimensions(at int) []string {
	out := make([]string, 0, len(r.q.Dimensions))
	shown := r.shown[at]
	for _, name := range r.q.Dimensions {
		if isTime(name) {
			out = append(out, r.q.Labels[r.groups[at].bucket])
			continue
		}
		out, shown = append(out, shown[0]), shown[1:]
	}
	return out
}

// key names the row within its answer: bucket by position, and values.
func (r *rows) key(at int) string {
	return strconv.Itoa(r.groups[at].bucket) + "\x00" + strings.Join(r.groups[at].values, "\x00")
}

// metrics returns the row's metrics as the reply shows them.
func (r *rows) metrics(at int) []any {
	out := make([]any, len(r.q.Metrics))
	for i, m := range r.q.Metrics {
		out[i] = r.values[at][i].shown(m, r.groups[at])
	}
	return out
}

func (v value) shown(m Metric, g *group) any {
	switch {
	case v.null:
		return nil
	case m == Visitors || m == Visits || m == Pageviews || m == Events:
		return int64(v.number)
	case m == TotalRevenue || m == AverageRevenue:
		return newMoney(v.number, g.currency[0])
	}
	return v.number
}

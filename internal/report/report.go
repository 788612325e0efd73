package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// Engine answers the query behind a report; *query.Engine is one.
type Engine interface {
	Query(ctx context.Context, site *event.Site, body []byte) (*query.Reply, error)
}

// Report is the reply.
type Report struct {
	SiteID      string     `json:"site_id"`
	From        string     `json:"from"`
	To          string     `json:"to"`
	Granularity string     `json:"granularity"`
	Dimensions  []string   `json:"dimensions"`
	Metrics     []string   `json:"metrics"`
	Rows        []Row      `json:"rows"`
	TotalRows   int        `json:"total_rows"`
	Meta        query.Meta `json:"meta"`
}

// Row is an object with one key for each dimension and metric of the report, in their order.
type Row []Cell

// Cell is one key and its value: a text, a number or nil.
type Cell struct {
	Name  string
	Value any
}

// MarshalJSON writes the cells as one object.
func (r Row) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, cell := range r {
		if i > 0 {
			text.WriteByte(',')
		}
		value, err := json.Marshal(cell.Value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "%q:%s", cell.Name, value)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// Make asks the engine and shapes its answer. Its errors are *ParamError where a parameter is at fault, else the engine's.
func Make(ctx context.Context, engine Engine, site *event.Site, p *Params) (*Report, error) {
	body, err := json.Marshal(p.query(site))
	if err != nil {
		return nil, fmt.Errorf("cannot write the query of a report: %w", err)
	}
	reply, err := engine.Query(ctx, site, body)
	var refused *query.Error
	if errors.As(err, &refused) {
		return nil, &ParamError{"from", refused.Message} // all but the range is known to be right
	}
	if err != nil {
		return nil, err
	}
	return p.shape(site, reply), nil
}

// question is the body of a query.
type question struct {
	SiteID     string         `json:"site_id"`
	DateRange  [2]string      `json:"date_range"`
	Metrics    []string       `json:"metrics"`
	Dimensions []string       `json:"dimensions"`
	OrderBy    [][2]string    `json:"order_by"`
	Include    map[string]any `json:"include"`
	Pagination map[string]int `json:"pagination"`
}

// query asks for visitors first in any case, because rows are ordered by them.
func (p *Params) query(site *event.Site) question {
	q := question{
		SiteID: site.WebsiteID, DateRange: [2]string{p.From, p.To}, Metrics: []string{"visitors"},
		Include: map[string]any{"total_rows": true}, Pagination: map[string]int{"limit": p.Limit, "offset": p.Offset},
	}
	for _, c := range metrics() {
		if slices.Contains(p.Metrics, c.name) && c.query != "visitors" {
			q.Metrics = append(q.Metrics, c.query)
		}
	}
	for _, c := range dimensions() {
		if slices.Contains(p.Dimensions, c.name) {
			q.Dimensions = append(q.Dimensions, c.query)
			q.OrderBy = append(q.OrderBy, [2]string{c.query, "asc"})
		}
	}
	byUsers := 0
	if slices.Contains(p.Dimensions, "date") {
		byUsers = 1
	}
	q.OrderBy = slices.Insert(q.OrderBy, byUsers, [2]string{"visitors", "desc"})
	return q
}

func (p *Params) shape(site *event.Site, reply *query.Reply) *Report {
	report := &Report{SiteID: site.WebsiteID, From: p.From, To: p.To, Granularity: "day", Dimensions: p.Dimensions, Metrics: p.Metrics,
		Rows: make([]Row, len(reply.Results)), Meta: reply.Meta}
	if reply.Meta.TotalRows != nil {
		report.TotalRows, report.Meta.TotalRows = *reply.Meta.TotalRows, nil
	}
	hasUsers := slices.Contains(p.Metrics, "users")
	if !hasUsers {
		report.Meta.Error = without(report.Meta.Error, query.Visitors)
	}
	report.Meta.Error = renamed(report.Meta.Error)
	width := len(p.Dimensions) + len(p.Metrics)
	cells := make([]Cell, 0, width*len(reply.Results)) // of all rows: a year has thousands
	for i, result := range reply.Results {
		values := result.Metrics
		if !hasUsers {
			values = values[1:]
		}
		for j, name := range p.Dimensions {
			cells = append(cells, Cell{name, result.Dimensions[j]})
		}
		for j, name := range p.Metrics {
			cells = append(cells, Cell{name, values[j]})
		}
		report.Rows[i] = cells[i*width : (i+1)*width : (i+1)*width]
	}
	return report
}

// without copies the intervals, which are shared with other replies, but for one metric.
func without(intervals map[query.Metric]query.Interval, metric query.Metric) map[query.Metric]query.Interval {
	kept := map[query.Metric]query.Interval{}
	for name, interval := range intervals {
		if name != metric {
			kept[name] = interval
		}
	}
	return kept
}

// renamed gives the intervals the report's names.
func renamed(intervals map[query.Metric]query.Interval) map[query.Metric]query.Interval {
	if len(intervals) == 0 {
		return nil
	}
	named := map[query.Metric]query.Interval{}
	for _, c := range metrics() {
		if interval, ok := intervals[query.Metric(c.query)]; ok {
			named[query.Metric(c.name)] = interval
		}
	}
	return named
}

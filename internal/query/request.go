package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp/syntax"
	"slices"
	"strings"
)

// Request is a question as it was asked: checked, but without a site and a clock.
type Request struct {
	SiteID     string
	DateRange  DateRange
	Metrics    []Metric
	Dimensions []string
	Filters    []Filter // all of them
	OrderBy    []Order
	Include    Include
	Pagination Pagination
}

// DateRange is a name ("7d") or a pair of dates or date-times.
type DateRange struct {
	Name     string
	From, To string
}

// Order is one item of order_by.
type Order struct {
	By   string // a metric or dimension of the request
	Desc bool
}

// Include asks for more than results.
type Include struct {
	Imports    bool     `json:"imports"`
	TimeLabels bool     `json:"time_labels"`
	TotalRows  bool     `json:"total_rows"`
	Compare    *Compare `json:"compare,omitempty"`
}

// Compare is previous_period, year_over_year, or a pair of dates.
type Compare struct {
	Name  string
	Range DateRange
}

// Pagination is the part of the ordered rows that the reply holds.
type Pagination struct {
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// Limits of a request.
const (
	maxRequestBytes = 256 << 10
	maxDimensions   = 8
	defaultLimit    = 10_000
	maxLimit        = 100_000
	maxOffset       = 10_000_000
)

// Parse reads a request. Its errors are *Error.
func Parse(body []byte) (*Request, error) {
	if len(body) > maxRequestBytes {
		return nil, invalid("", "a request has at most %d bytes", maxRequestBytes)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var node any
	if err := decoder.Decode(&node); err != nil {
		return nil, jsonFault(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("", "there is text behind the request")
	}
	object, ok := node.(map[string]any)
	if !ok {
		return nil, invalid("", "the request must be a JSON object")
	}
	return readRequest(object)
}

func jsonFault(err error) error {
	var at *json.SyntaxError
	if errors.As(err, &at) {
		return invalid("", "not valid JSON at byte %d: %s", at.Offset, strings.TrimPrefix(err.Error(), "json: "))
	}
	return invalid("", "not valid JSON: the text ends too early")
}

func patternFault(err error) string {
	var at *syntax.Error
	if errors.As(err, &at) {
		return at.Code.String()
	}
	return err.Error()
}

func readRequest(object map[string]any) (*Request, error) {
	known := []string{"site_id", "date_range", "metrics", "dimensions", "filters", "order_by", "include", "pagination"}
	if err := checkKeys(object, "", known); err != nil {
		return nil, err
	}
	for _, key := range known[:3] {
		if _, ok := object[key]; !ok {
			return nil, invalid(key, "is required")
		}
	}
	r := &Request{Pagination: Pagination{Limit: defaultLimit}, Dimensions: []string{}, Filters: []Filter{}}
	steps := []struct {
		key  string
		read func(any) error
	}{
		{"site_id", r.readSite},
		{"date_range", func(node any) (err error) { r.DateRange, err = readRange(node, "date_range"); return err }},
		{"metrics", r.readMetrics},
		{"dimensions", r.readDimensions},
		{"filters", r.readFilters},
		{"order_by", r.readOrder},
		{"include", r.readInclude},
		{"pagination", r.readPagination},
	}
	for _, step := range steps {
		if node, ok := object[step.key]; ok {
			if err := step.read(node); err != nil {
				return nil, err
			}
		}
	}
	return r, r.check()
}

func checkKeys(object map[string]any, path string, known []string) error {
	unknown := ""
	for key := range object {
		if !slices.Contains(known, key) && (unknown == "" || key < unknown) {
			unknown = key
		}
	}
	if unknown == "" {
		return nil
	}
	if path != "" {
		path += "."
	}
	return invalid(path+unknown, "unknown key %q", unknown)
}

func (r *Request) readSite(node any) error {
	site, ok := node.(string)
	if !ok || site == "" {
		return invalid("site_id", "must be a string: the site's id or domain")
	}
	r.SiteID = site
	return nil
}

func readRange(node any, path string) (DateRange, error) {
	switch v := node.(type) {
	case string:
		if !slices.Contains(rangeNames, v) {
			return DateRange{}, invalid(path, "unknown date range %q; known are %s, or a pair of dates", v, strings.Join(rangeNames, ", "))
		}
		return DateRange{Name: v}, nil
	case []any:
		pair, err := stringsOf(v, path)
		if err != nil {
			return DateRange{}, err
		}
		if len(pair) != 2 {
			return DateRange{}, invalid(path, "must be a pair of dates or date-times")
		}
		r := DateRange{From: pair[0], To: pair[1]}
		return r, r.checkPair(path)
	}
	return DateRange{}, invalid(path, "must be a name or a pair of dates or date-times")
}

func stringsOf(items []any, path string) ([]string, error) {
	out := make([]string, len(items))
	for i, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, invalid(fmt.Sprintf("%s[%d]", path, i), "must be a string")
		}
		out[i] = text
	}
	return out, nil
}

func (r *Request) readMetrics(node any) error {
	names, err := namesOf(node, "metrics")
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return invalid("metrics", "must have at least one metric")
	}
	for i, name := range names {
		path := fmt.Sprintf("metrics[%d]", i)
		if !slices.Contains(metrics[:], Metric(name)) {
			return invalid(path, "unknown metric %q", name)
		}
		if slices.Contains(r.Metrics, Metric(name)) {
			return invalid(path, "metric %q stands twice", name)
		}
		r.Metrics = append(r.Metrics, Metric(name))
	}
	return nil
}

func namesOf(node any, path string) ([]string, error) {
	items, ok := node.([]any)
	if !ok {
		return nil, invalid(path, "must be an array of strings")
	}
	return stringsOf(items, path)
}

func (r *Request) readDimensions(node any) error {
	names, err := namesOf(node, "dimensions")
	if err != nil {
		return err
	}
	if len(names) > maxDimensions {
		return invalid("dimensions", "a request has at most %d dimensions", maxDimensions)
	}
	for i, name := range names {
		path := fmt.Sprintf("dimensions[%d]", i)
		if err := r.addDimension(name, path); err != nil {
			return err
		}
	}
	return nil
}

func (r *Request) addDimension(name, path string) error {
	switch {
	case slices.Contains(r.Dimensions, name):
		return invalid(path, "dimension %q stands twice", name)
	case name == goal:
		return invalid(path, "event:goal cannot be grouped by: the site has no goals")
	case isTime(name) && !slices.Contains(intervals, name):
		return invalid(path, "unknown dimension %q", name)
	case isTime(name) && slices.ContainsFunc(r.Dimensions, isTime):
		return invalid(path, "a request has at most one time dimension")
	case !isTime(name):
		if err := checkDimension(name, path); err != nil {
			return err
		}
	}
	r.Dimensions = append(r.Dimensions, name)
	return nil
}

func (r *Request) readFilters(node any) (err error) {
	r.Filters, err = new(filterParser).list(node, "filters", 1)
	return err
}

func (r *Request) readOrder(node any) error {
	items, ok := node.([]any)
	if !ok {
		return invalid("order_by", `must be an array, as [["visitors", "desc"]]`)
	}
	for i, item := range items {
		path := fmt.Sprintf("order_by[%d]", i)
		pair, ok := item.([]any)
		if !ok || len(pair) != 2 {
			return invalid(path, `must be a pair, as ["visitors", "desc"]`)
		}
		names, err := stringsOf(pair, path)
		if err != nil {
			return err
		}
		if !slices.Contains(r.Metrics, Metric(names[0])) && !slices.Contains(r.Dimensions, names[0]) {
			return invalid(path+"[0]", "%q is neither a metric nor a dimension of this request", names[0])
		}
		if names[1] != "asc" && names[1] != "desc" {
			return invalid(path+"[1]", `must be "asc" or "desc"`)
		}
		r.OrderBy = append(r.OrderBy, Order{names[0], names[1] == "desc"})
	}
	return nil
}

func (r *Request) readInclude(node any) error {
	object, ok := node.(map[string]any)
	if !ok {
		return invalid("include", "must be an object")
	}
	if err := checkKeys(object, "include", []string{"imports", "time_labels", "total_rows", "compare"}); err != nil {
		return err
	}
	for key, to := range map[string]*bool{"imports": &r.Include.Imports, "time_labels": &r.Include.TimeLabels, "total_rows": &r.Include.TotalRows} {
		if value, ok := object[key]; ok {
			if *to, ok = value.(bool); !ok {
				return invalid("include."+key, "must be true or false")
			}
		}
	}
	if value, ok := object["compare"]; ok && value != nil {
		return r.readCompare(value)
	}
	return nil
}

func (r *Request) readCompare(node any) error {
	const path = "include.compare"
	switch v := node.(type) {
	case string:
		if v != previousPeriod && v != yearOverYear {
			return invalid(path, "unknown comparison %q; known are %s, %s, or a pair of dates", v, previousPeriod, yearOverYear)
		}
		r.Include.Compare = &Compare{Name: v}
		return nil
	case []any:
		pair, err := readRange(v, path)
		r.Include.Compare = &Compare{Range: pair}
		return err
	}
	return invalid(path, "must be a name or a pair of dates")
}

func (r *Request) readPagination(node any) error {
	object, ok := node.(map[string]any)
	if !ok {
		return invalid("pagination", "must be an object")
	}
	if err := checkKeys(object, "pagination", []string{"limit", "offset"}); err != nil {
		return err
	}
	if err := readInt(object, "limit", 1, maxLimit, &r.Pagination.Limit); err != nil {
		return err
	}
	return readInt(object, "offset", 0, maxOffset, &r.Pagination.Offset)
}

func readInt(object map[string]any, key string, least, most int, to *int) error {
	node, ok := object[key]
	if !ok {
		return nil
	}
	number, _ := node.(json.Number)
	value, err := number.Int64()
	if err != nil || value < int64(least) || value > int64(most) {
		return invalid("pagination."+key, "must be a whole number from %d to %d", least, most)
	}
	*to = int(value)
	return nil
}

// check refuses what is understood but has no meaning.
func (r *Request) check() error {
	for i, m := range r.Metrics {
		path := fmt.Sprintf("metrics[%d]", i)
		if m.ofGoals() {
			return invalid(path, "%s needs an event:goal filter or dimension, and the site has no goals", m)
		}
		if m.ofPages() {
			if name := r.beyondPages(); name != "" {
				return invalid(path, "%s cannot be combined with %s: engagement is known by page and hostname only", m, name)
			}
		}
	}
	if r.Include.TimeLabels && !slices.ContainsFunc(r.Dimensions, isTime) {
		return invalid("include.time_labels", "needs a time dimension")
	}
	return nil
}

// beyondPages returns an event dimension, grouped or filtered by, that engagement events do not have.
func (r *Request) beyondPages() (name string) {
	beyond := func(dim string) bool { return isEvent(dim) && dim != "event:page" && dim != "event:hostname" }
	if i := slices.IndexFunc(r.Dimensions, beyond); i >= 0 {
		return r.Dimensions[i]
	}
	for i := range r.Filters {
		r.Filters[i].eachEventLeaf(func(f *Filter) {
			if beyond(f.Dimension) {
				name = f.Dimension
			}
		})
	}
	return name
}

// eachEventLeaf calls yield for the leaves on event dimensions that a single event must fulfil: not inside has_done.
func (f *Filter) eachEventLeaf(yield func(*Filter)) {
	if f.Op == "has_done" || f.Op == "has_not_done" {
		return
	}
	if isEvent(f.Dimension) {
		yield(f)
	}
	for i := range f.Filters {
		f.Filters[i].eachEventLeaf(yield)
	}
}

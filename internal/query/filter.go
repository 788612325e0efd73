package query

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

// Filter is a node of a request's filters.
type Filter struct {
	Op        string   // and, or, not, has_done, has_not_done, or an operator of leafOps
	Dimension string   // of a leaf
	Values    []string // of a leaf: any of them
	Fold      bool     // of a leaf: case does not matter
	Filters   []Filter // of a node that is no leaf
}

var leafOps = []string{"is", "is_not", "contains", "contains_not", "matches", "matches_not"}

// Limits of filters: a request within them costs no engine more than a scan.
const (
	maxPatternBytes = 256
	maxFilterNodes  = 200
	maxFilterDepth  = 10
	maxFilterValues = 1000
	maxValueBytes   = 2048
)

// MarshalJSON writes the form of the language.
func (f Filter) MarshalJSON() ([]byte, error) {
	switch {
	case f.Dimension != "" && f.Fold:
		return json.Marshal([]any{f.Op, f.Dimension, f.Values, map[string]bool{"case_sensitive": false}})
	case f.Dimension != "":
		return json.Marshal([]any{f.Op, f.Dimension, f.Values})
	case f.Op == "and" || f.Op == "or":
		return json.Marshal([]any{f.Op, f.Filters})
	}
	return json.Marshal([]any{f.Op, f.Filters[0]})
}

// filterParser counts the nodes of one request.
type filterParser struct{ nodes int }

func (p *filterParser) list(node any, path string, depth int) ([]Filter, error) {
	items, ok := node.([]any)
	if !ok {
		return nil, invalid(path, "must be an array of filters")
	}
	out := make([]Filter, 0, len(items))
	for i, item := range items {
		f, err := p.filter(item, fmt.Sprintf("%s[%d]", path, i), depth)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (p *filterParser) filter(node any, path string, depth int) (Filter, error) {
	if p.nodes++; p.nodes > maxFilterNodes {
		return Filter{}, invalid(path, "a request has at most %d filters", maxFilterNodes)
	}
	if depth > maxFilterDepth {
		return Filter{}, invalid(path, "filters are nested at most %d deep", maxFilterDepth)
	}
	items, ok := node.([]any)
	if !ok || len(items) == 0 {
		return Filter{}, invalid(path, `must be an array that starts with an operator, as ["is", "visit:source", ["Google"]]`)
	}
	op, ok := items[0].(string)
	if !ok {
		return Filter{}, invalid(path+"[0]", "the operator must be a string")
	}
	switch op {
	case "and", "or":
		return p.join(op, items, path, depth)
	case "not", "has_done", "has_not_done":
		return p.wrap(op, items, path, depth)
	}
	if !slices.Contains(leafOps, op) {
		return Filter{}, invalid(path+"[0]", "unknown operator %q", op)
	}
	return p.leaf(op, items, path)
}

func (p *filterParser) join(op string, items []any, path string, depth int) (Filter, error) {
	if len(items) != 2 {
		return Filter{}, invalid(path, `%q takes one array of filters`, op)
	}
	inner, err := p.list(items[1], path+"[1]", depth+1)
	if err == nil && len(inner) == 0 {
		err = invalid(path+"[1]", "%q needs at least one filter", op)
	}
	return Filter{Op: op, Filters: inner}, err
}

func (p *filterParser) wrap(op string, items []any, path string, depth int) (Filter, error) {
	if len(items) != 2 {
		return Filter{}, invalid(path, "%q takes one filter", op)
	}
	inner, err := p.filter(items[1], path+"[1]", depth+1)
	if err != nil {
		return Filter{}, err
	}
	if op != "not" && inner.any(func(f *Filter) bool { return f.Op == "has_done" || f.Op == "has_not_done" }) {
		return Filter{}, invalid(path+"[1]", "%q cannot stand inside %q", "has_done", op)
	}
	return Filter{Op: op, Filters: []Filter{inner}}, nil
}

func (p *filterParser) leaf(op string, items []any, path string) (Filter, error) {
	if len(items) != 3 && len(items) != 4 {
		return Filter{}, invalid(path, "must be [operator, dimension, [values]] with at most one object behind")
	}
	f := Filter{Op: op}
	name, ok := items[1].(string)
	if !ok {
		return f, invalid(path+"[1]", "the dimension must be a string")
	}
	if err := checkFilterDimension(name, path+"[1]"); err != nil {
		return f, err
	}
	f.Dimension = name
	var err error
	if f.Values, err = filterValues(items[2], path+"[2]"); err != nil {
		return f, err
	}
	if len(items) == 4 {
		if f.Fold, err = caseOption(items[3], path+"[3]"); err != nil {
			return f, err
		}
	}
	return f, checkPatterns(&f, path+"[2]")
}

func checkFilterDimension(name, path string) error {
	switch {
	case name == goal:
		return invalid(path, "event:goal cannot be filtered: the site has no goals")
	case name == "segment":
		return invalid(path, "segments are not supported")
	case isTime(name):
		return invalid(path, "time dimensions cannot be filtered; use date_range")
	}
	return checkDimension(name, path)
}

func checkDimension(name, path string) error {
	if _, ok := dimension(name); !ok {
		return invalid(path, "unknown dimension %q", name)
	}
	return nil
}

func filterValues(node any, path string) ([]string, error) {
	items, ok := node.([]any)
	if !ok || len(items) == 0 {
		return nil, invalid(path, "must be an array of at least one value")
	}
	if len(items) > maxFilterValues {
		return nil, invalid(path, "a filter has at most %d values", maxFilterValues)
	}
	out := make([]string, len(items))
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch v := item.(type) {
		case string:
			out[i] = v
		case json.Number:
			out[i] = v.String()
		default:
			return nil, invalid(at, "a value must be a string or a number")
		}
		if len(out[i]) > maxValueBytes {
			return nil, invalid(at, "a value has at most %d bytes", maxValueBytes)
		}
	}
	return out, nil
}

func caseOption(node any, path string) (fold bool, err error) {
	object, ok := node.(map[string]any)
	if !ok {
		return false, invalid(path, `must be an object, as {"case_sensitive": false}`)
	}
	for key, value := range object {
		sensitive, ok := value.(bool)
		if key != "case_sensitive" {
			return false, invalid(path+"."+key, "unknown key %q", key)
		}
		if !ok {
			return false, invalid(path+"."+key, "must be true or false")
		}
		fold = !sensitive
	}
	return fold, nil
}

func checkPatterns(f *Filter, path string) error {
	if f.Op != "matches" && f.Op != "matches_not" {
		return nil
	}
	for i, pattern := range f.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if len(pattern) > maxPatternBytes {
			return invalid(at, "a pattern has at most %d bytes", maxPatternBytes)
		}
		if _, err := regexp.Compile(pattern); err != nil {
			return invalid(at, "not a valid pattern (RE2): %s", patternFault(err))
		}
	}
	return nil
}

// any reports whether a node of the tree fulfils the condition.
func (f *Filter) any(is func(*Filter) bool) bool {
	return is(f) || slices.ContainsFunc(f.Filters, func(inner Filter) bool { return inner.any(is) })
}

package report

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Params are what a report is asked for. The lists are in the order of the columns.
type Params struct {
	From, To   string // dates of the site, both included
	Dimensions []string
	Metrics    []string
	Limit      int
	Offset     int
}

// ParamError says which parameter has a bad value, and why.
type ParamError struct{ Param, Message string }

// Error returns the message.
func (e *ParamError) Error() string { return e.Message }

func invalid(param, format string, args ...any) error {
	return &ParamError{param, fmt.Sprintf(format, args...)}
}

const (
	defaultLimit = 10_000
	maxLimit     = 100_000
	maxOffset    = 10_000_000
	dateForm     = "2006-01-02"
)

// column is a dimension or metric of the report and what stands for it in a query.
type column struct{ name, query string }

// dimensions and metrics are the columns a report may have, in their order.
func dimensions() []column {
	return []column{{"date", "time:day"}, {"source", "visit:source"}, {"device", "visit:device"}}
}

func metrics() []column {
	return []column{{"users", "visitors"}, {"sessions", "visits"}, {"pageviews", "pageviews"}, {"bounce_rate", "bounce_rate"}}
}

// ParseParams reads the parameters of a request. Which ones there are, and each once, is the caller's to check.
// Its errors are *ParamError.
func ParseParams(values url.Values) (*Params, error) {
	p := &Params{From: values.Get("from"), To: values.Get("to"), Limit: defaultLimit}
	from, err := readDate("from", p.From)
	if err != nil {
		return nil, err
	}
	to, err := readDate("to", p.To)
	if err != nil {
		return nil, err
	}
	if to.Before(from) {
		return nil, invalid("to", "to is before from")
	}
	if p.Dimensions, err = readColumns("dimensions", values, dimensions()); err != nil {
		return nil, err
	}
	if p.Metrics, err = readColumns("metrics", values, metrics()); err != nil {
		return nil, err
	}
	if err := readNumber("limit", values, 1, maxLimit, &p.Limit); err != nil {
		return nil, err
	}
	return p, readNumber("offset", values, 0, maxOffset, &p.Offset)
}

func readDate(param, text string) (time.Time, error) {
	date, err := time.Parse(dateForm, text)
	if err != nil || date.Year() < 1970 {
		return date, invalid(param, "%s is %q; it must be a date, as 2026-10-31", param, text)
	}
	return date, nil
}

// readColumns returns the names that a list asks for, in the order of known; all without the parameter.
func readColumns(param string, values url.Values, known []column) ([]string, error) {
	var names []string
	for _, c := range known {
		names = append(names, c.name)
	}
	if !values.Has(param) {
		return names, nil
	}
	asked := strings.Split(values.Get(param), ",")
	for i, name := range asked {
		if !slices.Contains(names, name) {
			return nil, invalid(param, "%q is none of %s", name, strings.Join(names, ", "))
		}
		if slices.Contains(asked[:i], name) {
			return nil, invalid(param, "%q stands twice", name)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(asked, name) }), nil
}

func readNumber(param string, values url.Values, least, most int, into *int) error {
	if !values.Has(param) {
		return nil
	}
	text := values.Get(param)
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most || text != strconv.Itoa(n) {
		return invalid(param, "%s is %q; it must be a whole number from %d to %d", param, text, least, most)
	}
	*into = n
	return nil
}

package query

import "strings"

// Table is where a dimension's values stand.
type Table string

// The tables that dimensions come from.
const (
	EventsTable   Table = "events"   // event:*, the value of the event itself
	SessionsTable Table = "sessions" // visit:*, the value of the event's session
)

// Dimension is a name of the query language and the column that holds its values. "" in the column means "not known".
type Dimension struct {
	Name   string
	Table  Table
	Column string
}

// EventName is the one dimension whose value is not the column alone: a pageview without a name reads Pageview.
const EventName = "event:name"

// Pageview is the value of event:name for pageviews that have no name of their own.
const Pageview = "pageview"

// RollupDimensions are the dimensions that rollup_days holds, besides the total under the name "". Each costs a sketch
// of the day's visitors, so the rarely asked ones (versions, screen, referrer, term, content) are read from the sessions.
//
// Values are raw: "" stays "". In rows of event:* dimensions the measures are those of the events with that value
// (counted events; engaged time of engagement events by their own page and hostname, 0 under event:name) and the
// session measures are 0. In rows of visit:* dimensions they are those of events whose session has that value: engaged
// time of a chain without a session is in no row. The total counts every event, with or without a session.
var RollupDimensions = [...]Dimension{
	{"event:page", EventsTable, "page"},
	{"event:hostname", EventsTable, "hostname"},
	{EventName, EventsTable, "name"}, // case when event_type = 'pageview' and name = '' then 'pageview' else name end
	{"visit:entry_page", SessionsTable, "entry_page"},
	{"visit:exit_page", SessionsTable, "exit_page"},
	{"visit:source", SessionsTable, "source"},
	{"visit:channel", SessionsTable, "channel"},
	{"visit:utm_medium", SessionsTable, "medium"},
	{"visit:utm_campaign", SessionsTable, "campaign"},
	{"visit:device", SessionsTable, "device_type"},
	{"visit:browser", SessionsTable, "browser"},
	{"visit:os", SessionsTable, "os"},
	{"visit:country", SessionsTable, "country"},
	{"visit:region", SessionsTable, "region"},
	{"visit:city", SessionsTable, "city"},
}

// moreDimensions are the dimensions of the language that no rollup holds under their own name.
var moreDimensions = [...]Dimension{
	{"visit:entry_page_hostname", SessionsTable, "entry_hostname"},
	{"visit:exit_page_hostname", SessionsTable, "exit_hostname"},
	{"visit:referrer", SessionsTable, "referrer"},
	{"visit:utm_content", SessionsTable, "content"},
	{"visit:utm_term", SessionsTable, "term"},
	{"visit:browser_version", SessionsTable, "browser_version"},
	{"visit:os_version", SessionsTable, "os_version"},
	{"visit:screen", SessionsTable, "screen"},
	{"visit:utm_source", SessionsTable, "source"},
	{"visit:country_name", SessionsTable, "country"},
	{"visit:region_name", SessionsTable, "region"},
	{"visit:city_name", SessionsTable, "city"},
}

const (
	propsPrefix = "event:props:"
	goal        = "event:goal"
	notSet      = "(not set)"
	directNone  = "Direct / None"
)

// dimension returns the dimension of that name; custom properties have the property's key as Column.
func dimension(name string) (Dimension, bool) {
	if key, ok := strings.CutPrefix(name, propsPrefix); ok && key != "" {
		return Dimension{name, EventsTable, key}, true
	}
	for _, d := range RollupDimensions {
		if d.Name == name {
			return d, true
		}
	}
	for _, d := range moreDimensions {
		if d.Name == name {
			return d, true
		}
	}
	return Dimension{}, false
}

// isProperty reports whether the dimension is a custom property.
func (d Dimension) isProperty() bool { return strings.HasPrefix(d.Name, propsPrefix) }

// rollup returns the name under which rollup_days holds the dimension's values, "" when it does not.
func (d Dimension) rollup() string {
	for _, r := range RollupDimensions {
		if r.Table == d.Table && r.Column == d.Column && !d.isProperty() {
			return r.Name
		}
	}
	return ""
}

// Unknown returns what the dimension of that name shows for "".
func Unknown(dimension string) string { return Dimension{Name: dimension}.unknown() }

// unknown is what the dimension shows for "".
func (d Dimension) unknown() string {
	if d.Name == "visit:source" {
		return directNone
	}
	return notSet
}

// display returns what the reply shows for a stored value.
func (d Dimension) display(value string) string {
	switch {
	case value == "":
		return d.unknown()
	case d.Name == "visit:country_name":
		return countryName(value)
	}
	return value
}

// isTime reports whether name is a time dimension.
func isTime(name string) bool { return name == timeAuto || strings.HasPrefix(name, "time:") }

// isEvent reports whether name is a dimension of single events.
func isEvent(name string) bool { return strings.HasPrefix(name, "event:") }

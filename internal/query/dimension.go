package query

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

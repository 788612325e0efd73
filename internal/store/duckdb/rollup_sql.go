package duckdb

import (
	_ "embed"
	"fmt"

	"github.com/footfall-analytics/footfall/internal/query"
)

//go:embed sql/rollup_events.sql
var rollupEventsSQL string

//go:embed sql/rollup_starts.sql
var rollupStartsSQL string

//go:embed sql/rollup_visits.sql
var rollupVisitsSQL string

// Expressions of the rollup statements. Days are found by the quarter hour, as every day edge is at one.
const (
	dayOfEvent     = "list_extract($4, 1 + (timestamp - $2) // 900000)"
	dayOfStart     = "list_extract($4, 1 + (session_start - $2) // 900000)"
	quarterOfEvent = "timestamp // 900000 * 900000"
	quarterOfStart = "session_start // 900000 * 900000"
	inOneDay       = "chain_start >= $2 and session_end < $3 and " +
		"list_extract($4, 1 + (chain_start - $2) // 900000) = list_extract($4, 1 + (session_end - $2) // 900000)"

	sessionTypes = "'pageview', 'event', 'engagement'"
	countedTypes = "'pageview', 'event'"
	eventName    = "if(event_type = 'pageview' and name = '', '" + query.Pageview + "', name)"
)

// rollupStatement makes the rows of one dimension; quarters says that the buckets are quarter hours, not days.
type rollupStatement struct {
	dimension string
	quarters  bool
	sql       string
}

// rollupStatements are all that a range of days needs. Rows of several statements with the same key are added up.
func rollupStatements() []rollupStatement {
	list := []rollupStatement{
		{"", false, fmt.Sprintf(rollupEventsSQL, dayOfEvent, "''", sessionTypes)},
		{"", false, fmt.Sprintf(rollupStartsSQL, dayOfStart)},
		{"", true, fmt.Sprintf(rollupEventsSQL, quarterOfEvent, "''", sessionTypes)},
		{"", true, fmt.Sprintf(rollupStartsSQL, quarterOfStart)},
	}
	for _, d := range query.RollupDimensions {
		list = append(list, rollupStatement{d.Name, false, dimensionSQL(d)})
	}
	return list
}

func dimensionSQL(d query.Dimension) string {
	switch {
	case d.Table == query.SessionsTable:
		return fmt.Sprintf(rollupVisitsSQL, dayOfStart, dayOfEvent, d.Column, inOneDay)
	case d.Name == query.EventName:
		return fmt.Sprintf(rollupEventsSQL, dayOfEvent, eventName, countedTypes)
	}
	return fmt.Sprintf(rollupEventsSQL, dayOfEvent, d.Column, sessionTypes)
}

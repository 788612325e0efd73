package sqlgen

import "fmt"

// Dialect is what an engine writes in its own way. The %s of its patterns are operands, in the order of the text.
type Dialect struct {
	Name        string
	Divide      string // whole-number division of two integers, the first at least 0
	Among       string // list, text: the text is in the list; rows that fail it must cost little
	Contains    string // text, part
	Matches     string // text, RE2 pattern: anywhere in the text
	MatchesFold string // the same without regard to case
	Lower       string // a text in lower case, character by character
	Property    string // the events' alias, key: the value, '' without one
	Unnest      string // a list as rows
	Distinct    string // the distinct values of an expression as a list; takes a filter
	Long        string // an expression as a 64-bit integer
	Double      string // an expression as a double
	Millis      string // a stored time as a number of ms
	Instant     string // a number of ms as a stored time
	Several     string // the events' visitors of a session row: that there are several
	Sessions    string // the sessions, as the one table of a from
	// Hash is a number of some columns; "" where a statement never needs to be cut: see Share.
	Hash string
	// Numbered says that visitors are counted by the numbers of groups, which holds less in memory than by their texts.
	Numbered bool
	// Near is the sessions of a site that begin between two instants, as a table to join: the site, the first, the last. ""
	// where the engine finds out by itself that sessions far from the events cannot match.
	Near string
	// Prefix stands before the names of the tables that hold rollups by the minute.
	Prefix string
	// Pattern rewrites an RE2 pattern in the engine's own language, fold without regard to case; nil where that is RE2.
	Pattern func(pattern string, fold bool) string
	// Mark is how the nth parameter, from 1 on, stands in the text.
	Mark func(n int, value any) string
}

// DuckDB is the embedded engine's dialect.
func DuckDB() Dialect {
	return Dialect{
		Name: "duckdb", Divide: "%s // %s", Among: "list_contains(%s, %s)", Contains: "contains(%s, %s)", Matches: "regexp_matches(%s, %s)",
		MatchesFold: "regexp_matches(%s, %s, 'i')", Lower: "lower(%s)", Property: "coalesce(%s.properties[%s], '')", Unnest: "unnest(%s)",
		Distinct: "list(distinct %s)", Long: "cast(%s as bigint)", Double: "cast(%s as double)", Millis: "%s", Instant: "%s",
		Several: "%s is not null", Sessions: "sessions s",
		Hash: "hash(%s)", Numbered: true, Mark: func(int, any) string { return "?" },
	}
}

// ClickHouse is the cluster's dialect. The parameters are the server's own, p1, p2 ... It has no rollups.
func ClickHouse() Dialect {
	return Dialect{
		Name: "clickhouse", Divide: "intDiv(%s, %s)", Among: "has(%s, %s)", Contains: "position(%s, %s) > 0", Matches: "match(%s, %s)",
		MatchesFold: "match(%s, concat('(?i)', %s))", Lower: "lowerUTF8(translateUTF8(%s, 'İΣ', 'iσ'))", Property: "%s.properties[%s]", Unnest: "arrayJoin(%s)",
		Distinct: "groupUniqArray(%s)", Long: "toInt64(%s)", Double: "toFloat64(%s)", Millis: "toUnixTimestamp64Milli(%s)",
		Instant: "fromUnixTimestamp64Milli(%s, 'UTC')", Several: "notEmpty(%s)", Sessions: "sessions as s final",
		Near: "(select * from sessions final where website_id = %s and session_start >= %s and session_start < %s) s",
		Mark: func(n int, value any) string {
			switch value.(type) {
			case string:
				return fmt.Sprintf("{p%d:String}", n)
			case []string:
				return fmt.Sprintf("{p%d:Array(String)}", n)
			}
			return fmt.Sprintf("{p%d:Int64}", n)
		},
	}
}

// Druid is the dialect of the rollups by the minute, the only views that it has. Lower case is by letter, as the other engines' is:
// Java's own would make two letters of İ, and look at what stands around Σ.
func Druid(prefix string) Dialect {
	return Dialect{
		Name: "druid", Divide: "%s / %s", Among: "scalar_in_array(%[2]s, %[1]s)", Contains: "strpos(%s, %s) > 0", Matches: "regexp_like(%s, %s)",
		MatchesFold: "regexp_like(%s, %s)", Lower: `lower(replace(replace(%s, U&'\0130', 'i'), U&'\03A3', U&'\03C3'))`,
		Long: "cast(%s as bigint)", Millis: "timestamp_to_millis(%s)", Instant: "millis_to_timestamp(%s)",
		Prefix: prefix, Pattern: javaPattern, Mark: func(int, any) string { return "?" },
	}
}

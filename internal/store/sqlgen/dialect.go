package sqlgen

// Dialect is what an engine writes in its own way. The %s of its patterns are operands, in the order of the text.
type Dialect struct {
	Name        string
	Divide      string // whole-number division of two integers, the first at least 0
	Among       string // list, text: the text is in the list; rows that fail it must cost little
	Contains    string // text, part
	Matches     string // text, RE2 pattern: anywhere in the text
	MatchesFold string // the same without regard to case
	Property    string // the events' alias, key: the value, '' without one
	Unnest      string // a list as rows
	Distinct    string // the distinct values of an expression as a list; takes a filter
	Long        string // an expression as a 64-bit integer
	Double      string // an expression as a double
}

// DuckDB is the embedded engine's dialect.
func DuckDB() Dialect {
	return Dialect{
		Name: "duckdb", Divide: "%s // %s", Among: "list_contains(%s, %s)", Contains: "contains(%s, %s)", Matches: "regexp_matches(%s, %s)",
		MatchesFold: "regexp_matches(%s, %s, 'i')", Property: "coalesce(%s.properties[%s], '')", Unnest: "unnest(%s)",
		Distinct: "list(distinct %s)", Long: "cast(%s as bigint)", Double: "cast(%s as double)",
	}
}

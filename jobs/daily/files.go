// Package daily holds the daily job, which is Spark SQL: daily.sql makes the rollups by the minute and the sessions of whole days
// from the archive. internal/batch runs it; docs/format/daily.md draws what goes in and comes out.
package daily

import _ "embed"

// SQL is the job. Its variables are named on top of it.
//
//go:embed daily.sql
var SQL string

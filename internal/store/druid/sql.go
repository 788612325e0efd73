package druid

import _ "embed"

//go:embed sql/segments.sql
var segmentsSQL string

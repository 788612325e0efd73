// Package druid is the aggregation store of a cluster: the two datasources page_views and sources, which hold finished days by
// the minute.
//
// It promises that a day is replaced as a whole or not at all, whatever fails, and that Replace returns when queries are answered
// from the new rows; that sums are exact and sketches are those of the rows, united; and that an answer misses no day that is
// stored: a Druid that is away, wholly or in part, is an error that wraps query.ErrUnavailable. It may import query, sqlgen and
// deploy/druid. Columns and rules are drawn in docs/format/druid.md.
package druid

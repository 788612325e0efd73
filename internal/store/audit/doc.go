// Package audit is what the audits of all event stores have in common: the report, and sessions made of events word by
// word as the semantics say, along another way than the operator's.
//
// It promises to share no code with what it checks: it may import event alone. What each store compares is said in
// docs/format/duckdb.md and docs/format/clickhouse.md.
package audit

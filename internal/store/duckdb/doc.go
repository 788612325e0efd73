// Package duckdb is the embedded event store: events, sessions, the ledger and the rollups of one installation in one
// DuckDB file.
//
// It promises that a batch and the log position behind it are stored together or not at all, that readers see whole
// batches only, and that the rollups of a clean day equal what events and sessions say. It may import event, sketch,
// store and query. The tables are drawn in docs/format/duckdb.md and defined in schema.sql.
//
// Lock order: Store.write (the one write connection, held by Commit, by maintenance and by the last step of a rollup)
// before versions.mu. Readers take a connection from the pool and no lock.
package duckdb

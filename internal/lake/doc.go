// Package lake is the archive of events in Parquet files on an object store: what the archiver of a cluster and the export of an
// embedded installation write, and what audits, erasure and a rebuild read.
//
// It promises that every column of an event comes back as it was, that a file's bytes are a function of its events, that the
// same range of the log makes the same files under the same keys, and that memory is bounded by one file, not by a day. Files may
// repeat ids: readers drop them (Repeats). It may import event, eventlog, object, migrate and load. Keys and columns are drawn in
// docs/format/parquet.md.
package lake

// Package local is the event log of the embedded product, on Pebble.
//
// Append returns when the records are synced: calls that wait at the same time share one write and one sync. Nothing
// that a registered consumer has not read is ever removed; a log that can take no more answers eventlog.ErrFull and
// takes again by itself when there is space. The package also keeps the index of duplicates, because that must live as long
// as the log and be synced beside it. It may import event and eventlog. The bytes are drawn in docs/format/eventlog.md.
package local

// Package collect is the door: it takes events by HTTP, judges and enriches them, and answers when they are durable.
//
// It promises that every event that arrives is counted in exactly one receipt, appended with the events themselves, and
// that a 200 is sent only after that append has succeeded. What clients may send and what they are answered is
// docs/format/ingest.md. The package may import event, enrich, eventlog, session and sketch.
package collect

// Package load takes what the door has put into the log to the event store.
//
// It promises that every record of the log takes effect exactly once: the log
// offset commits with the rows of its step, the index of duplicates gives a
// replayed step the same answers, and the operators' state is a cache of the
// store. So a kill at any point neither loses nor doubles anything. What cannot
// be decoded is counted and kept as failed; it stops nothing. Live views get
// events after their commit. It may import event, eventlog, store and stream.
package load

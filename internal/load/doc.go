// Package load takes what the door has put into the log to the event store.
//
// It promises that every record of the log takes effect exactly once: the log
// offset commits with the rows of its step, the index of duplicates gives a
// replayed step the same answers, and the operators' state is a cache of the
// store. So a kill at any point neither loses nor doubles anything. What cannot
// be decoded is counted and kept as failed; it stops nothing. The steps of a
// backlog share a transaction where the store can stage them. Live views get
// events with their step. It may import event, eventlog, store and stream.
package load

// Package kafka is the event log of a cluster, on Apache Kafka.
//
// An append is acknowledged when all in-sync replicas have it. What one call sends to one partition is one Kafka record, so
// it is there whole or not at all. While no broker answers, nothing is acknowledged: a call fails with
// eventlog.ErrUnavailable after a few seconds, and the log goes on by itself when a broker is back. What was handed over
// before a failure may still be written then; whoever sends it again makes duplicates that processing drops by their id.
//
// A reader gets committed records only, by a cursor for each partition that fetches ahead. Offsets of the contract are
// positions: Kafka offset and index of the frame. They ascend with gaps, and where transactions end there are offsets
// without a record: ReadNext tells where to go on. The package may import event and eventlog. Topics, keys and frames are
// drawn in docs/format/topics.md.
package kafka

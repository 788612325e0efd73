/**
 * The real-time processing of a cluster: topic raw_events in; clean events, sessions, live windows, the ledger and failed
 * payloads out, exactly once.
 *
 * <p>The outcome depends on the records alone, never on the order in which partitions are read: the meaning is in
 * docs/semantics.md, the bytes are drawn in docs/format/record.md and docs/format/topics.md. {@code record} reads and
 * writes those bytes, {@code session} is the algorithm of internal/stream without an engine, {@code operator} are the steps
 * of the job, {@code types} is how their elements and keys travel and are stored.
 */
package dev.footfall.realtime;

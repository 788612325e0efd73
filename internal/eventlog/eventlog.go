// Package eventlog is the contract of the log between the door and everything behind it.
//
// What Append has acknowledged is on disk (local) or on all in-sync replicas (Kafka), in the order of its offsets, and
// every later reader sees it. Implementations live in local/ and kafka/; the battery that each must pass is logtest/.
// The package imports nothing of this module. The bytes are drawn in docs/format/eventlog.md.
package eventlog

import (
	"context"
	"errors"
)

// Topic names a sequence of records.
type Topic string

// The topics: docs/format/topics.md. The embedded product has RawEvents alone.
const (
	RawEvents    Topic = "raw_events"    // what the doors have taken
	Imports      Topic = "imports"       // imported events that are too old for the stream
	Events       Topic = "events"        // clean
	Sessions     Topic = "sessions"      // upserts and withdrawals
	Metrics      Topic = "metrics"       // windows of the live view
	Ledger       Topic = "ledger"        // additive outcomes
	FailedEvents Topic = "failed_events" // payloads that are no events
)

// Record is one entry of a topic.
type Record struct {
	// Key chooses the partition; records of one key keep their order. The local log has one partition and drops it.
	Key []byte
	// Value belongs to the log from the moment it is handed over until Append returns; a reader owns what it gets.
	Value []byte
}

// Entry is a record as a reader gets it.
type Entry struct {
	Partition int32
	Offset    int64 // unique in its partition, ascending, never reused; the local log's are dense from 0
	Value     []byte
}

// The errors of the contract; others are wrapped driver errors.
var (
	// ErrFull: the log cannot take more for lack of space (disk or limit). Nothing of the call was written. Retry later.
	ErrFull = errors.New("event log is full")
	// ErrUnavailable: the log cannot answer now. The call's records may or may not be written.
	ErrUnavailable = errors.New("event log is unavailable")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("event log is closed")
	// ErrTrimmed: the wanted offset has been removed by retention; the error is an *TrimmedError with the first one left.
	ErrTrimmed = errors.New("offset is no longer in the event log")
)

// Appender writes records. It must be safe for concurrent use; concurrent calls share one sync.
type Appender interface {
	// Append writes all records that go to one partition, or none of them, and returns when all are durable: after an error
	// some partitions may have theirs. ctx ends the wait, not the write.
	Append(ctx context.Context, topic Topic, records []Record) error
	// Begin hands the records over as Append does, without waiting until they are durable. After an error nothing is written.
	// Keys and values are the caller's again when it returns.
	Begin(ctx context.Context, topic Topic, records []Record) (Pending, error)
}

// Pending is a write under way.
type Pending interface {
	// Wait returns when the records are durable, or the error for which they may not be. ctx ends the wait, not the write.
	Wait(ctx context.Context) error
}

// Reader reads a partition in order. It must be safe for concurrent use.
type Reader interface {
	// Read returns entries from offset on, at least one unless the end is reached, at most about maxBytes of values. The offset
	// behind an entry is its Offset + 1, whether or not an entry has it.
	// It returns none and no error at the end.
	Read(ctx context.Context, topic Topic, partition int32, offset int64, maxBytes int) ([]Entry, error)
	// End returns an offset behind the last record of the partition, which the next one will get or exceed.
	End(ctx context.Context, topic Topic, partition int32) (int64, error)
	// Wait returns when Read would return entries at offset, or ctx ends.
	Wait(ctx context.Context, topic Topic, partition int32, offset int64) error
}

// Offsets keeps what consumers that have no store of their own have done.
type Offsets interface {
	// Commit stores, durably, the next offset that the consumer wants.
	Commit(ctx context.Context, consumer string, topic Topic, partition int32, next int64) error
	// Committed returns that offset, 0 when there is none.
	Committed(ctx context.Context, consumer string, topic Topic, partition int32) (int64, error)
}

// Log is the whole contract.
type Log interface {
	Appender
	Reader
	Offsets
	Close() error
}

// TrimmedError says where the log begins now.
type TrimmedError struct{ First int64 }

func (e *TrimmedError) Error() string { return ErrTrimmed.Error() }

// Is makes errors.Is(err, ErrTrimmed) true.
func (e *TrimmedError) Is(target error) bool { return target == ErrTrimmed }

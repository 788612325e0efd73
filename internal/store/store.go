// Package store is the contract between processing and the event store: what one step of processing writes, and what
// the processor reads back. duckdb/ and clickhouse/ implement it, storetest/ is the battery. Reading for queries is not
// here: internal/query declares its own Source.
package store

import (
	"context"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Batch is one step of processing. It is stored as a whole, together with Next, or not at all.
type Batch struct {
	Events      []event.Event      // clean: no duplicates
	Offsets     []int64            // of Events in the log; nil: not known
	Withdrawals []event.SessionRef // applied before Sessions
	Sessions    []event.Session    // upserts by Ref
	Ledger      []event.LedgerRow  // additive
	Failed      []event.FailedEvent
	// Next is the log offset behind the last record of the step.
	Next int64
}

// Writer takes batches in order. One goroutine calls it.
type Writer interface {
	// Commit stores the batch and marks every (site, 15-minute and day bucket) its rows touch as dirty, in one transaction.
	Commit(ctx context.Context, batch *Batch) error
	// Position returns Next of the last committed batch, 0 for an empty store.
	Position(ctx context.Context) (int64, error)
}

// Stager is what a Writer may offer beside: a backlog is stored in few large transactions without holding all of their events in memory.
type Stager interface {
	// Stage writes the events, ledger rows and failed events of a batch into the transaction of the next Commit, and keeps nothing
	// of it. It has no sessions. Nobody sees the rows before that Commit, and other writers may have to wait for it. When it or
	// the Commit fails, all that was staged is gone.
	Stage(ctx context.Context, batch *Batch) error
	// Discard gives up what is staged. Without anything staged it does nothing.
	Discard()
}

// Span is a part of one session key's time line, in ms, both ends inclusive.
type Span struct {
	event.SessionKey
	From, To int64
}

// History gives the session operator the events it no longer holds.
type History interface {
	// SessionEvents calls yield for each stored event that forms sessions (event.Type.InSession) of each span, in no
	// particular order. Only the fields that sessions are made of need to be set: see stream.Sessions.
	SessionEvents(ctx context.Context, spans []Span, yield func(*event.Event)) error
}

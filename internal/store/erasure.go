package store

import (
	"context"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Rebuild makes the sessions of events, which are all that is stored of their session keys.
type Rebuild func(events []event.Event) []event.Session

// Eraser forgets. What an erasure covers is in docs/semantics.md.
type Eraser interface {
	// Erase removes what the erasure covers, in one transaction with the position next: events; the sessions of their keys, of which
	// those that have events left are made anew by rebuild; failed payloads. The ledger says filtered(erased) in place of stored. All
	// that is answered from what was removed changes its version, and days with rollups are dirty.
	// An erasure whose id has been applied changes nothing but the position.
	Erase(ctx context.Context, e *event.Erasure, next int64, rebuild Rebuild) (Erasing, error)
	// Erased calls yield for each erasure that has been applied.
	Erased(ctx context.Context, yield func(event.Erased)) error
}

// Erasing says what an erasure has touched.
type Erasing struct {
	// Keys are the session keys of the removed events; nil for a whole site.
	Keys []event.SessionKey
}

// ReasonErased is the ledger's reason for events that an erasure covers.
const ReasonErased = "erased"

// Proof says what became of an erasure in one part of the stores.
type Proof struct {
	Part           string
	Found, Removed int64 // rows
	Left           int64 // rows that a later look still found
	VerifiedAt     int64 // ms: when it found none; 0: not yet
}

// ErasureReport is an erasure and its proofs.
type ErasureReport struct {
	event.Erased
	AppliedAt int64 // ms; 0: not yet
	Proofs    []Proof
}

// Verified returns when the last part was verified, 0 while one is not.
func (r *ErasureReport) Verified() (at int64) {
	if r.AppliedAt == 0 || len(r.Proofs) == 0 {
		return 0
	}
	for _, p := range r.Proofs {
		if p.VerifiedAt == 0 {
			return 0
		}
		at = max(at, p.VerifiedAt)
	}
	return at
}

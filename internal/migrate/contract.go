package migrate

import (
	"context"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// Source is the store that is copied.
type Source interface {
	// Days returns what each UTC day of each site holds, all of one snapshot.
	Days(ctx context.Context) (map[Day]Tallies, error)
	// Slices cuts a day into ranges that cover it, in order, each of about rows events at most.
	Slices(ctx context.Context, day Day, rows int) ([]Slice, error)
	// Read returns the rows of a slice, of one snapshot.
	Read(ctx context.Context, slice Slice) (*Rows, error)
}

// Target is the store that is copied into.
type Target interface {
	// Days returns what each UTC day (by its start, ms) of a site holds of what was committed here; of the ledger, all. It must
	// first finish, or undo, a commit that was left unfinished.
	Days(ctx context.Context, websiteID string) (map[int64]Tallies, error)
	// Present returns what a slice holds, however it came there.
	Present(ctx context.Context, slice Slice) (*Present, error)
	// Commit stores rows of a site. After an error it is stored as a whole or not at all once Days is asked. A session replaces
	// the one of its Ref unless that Stays.
	Commit(ctx context.Context, websiteID string, batch *store.Batch) error
}

// Day is a UTC day of a site: of the timestamps of events, the starts of sessions, the receipt minutes of the ledger.
type Day struct {
	WebsiteID string
	Start     int64 // ms
}

// Slice is a part of a day, [From, To) in ms.
type Slice struct {
	WebsiteID string
	From, To  int64
}

// Tally says of rows how many they are, and with a Mark whether they are the same.
type Tally struct {
	Rows int64
	Mark uint64 // see Mark
}

// Tallies are those of a day. Ledger counts the outcomes that leave no row: all but received and stored.
type Tallies struct{ Events, Sessions, Ledger Tally }

// Rows are what the source holds of a slice. Ledger has outcomes that leave no row, one row per minute, outcome and reason.
type Rows struct {
	Events   []event.Event
	Sessions []event.Session
	Ledger   []event.LedgerRow
}

// Present is what the target holds of a slice.
type Present struct {
	Events   map[event.UUID][]int64 // times of receipt by id
	Sessions map[event.SessionRef]Held
	Ledger   map[LedgerKey]int64 // sums
}

// Held is a session of the target.
type Held struct {
	Session event.Session
	Copied  bool // it was committed here; else the target's own processing made it
	Stays   bool // a commit would not replace it: it was made, or withdrawn, by what knows all stored events
}

// LedgerKey names a count of a site's ledger.
type LedgerKey struct {
	Minute  int64 // ms
	Outcome event.Outcome
	Reason  string
}

// Mark makes one number of several sums over rows; both sides must sum the same. It does not depend on the order of rows.
func Mark(sums ...uint64) uint64 {
	var text []byte
	for _, sum := range sums {
		text = binary.LittleEndian.AppendUint64(text, sum)
	}
	return xxhash.Sum64(text)
}

// EventTally is the Tally of events: the sum of the last 8 bytes of the ids, modulo 2^64, and that of receipt minus timestamp.
func EventTally(rows int64, ids uint64, delays int64) Tally {
	return Tally{rows, Mark(ids, uint64(delays))}
}

// SessionSums are the sums over a day's sessions that tell whether any has changed: a change adds an event or moves an edge.
type SessionSums struct {
	Rows                                           int64
	Starts, Lengths, Leads                         int64 // start in its day; end - start; start - chain start
	Events, Pageviews, Interactive, Engaged, Sales int64
}

// Tally returns the Tally of the sessions.
func (s SessionSums) Tally() Tally {
	return Tally{s.Rows, Mark(uint64(s.Starts), uint64(s.Lengths), uint64(s.Leads), uint64(s.Events), uint64(s.Pageviews), uint64(s.Interactive),
		uint64(s.Engaged), uint64(s.Sales))}
}

// LedgerTally is the Tally of counts.
func LedgerTally(count int64) Tally { return Tally{Rows: count} }

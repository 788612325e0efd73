package query

import "context"

// Source runs the parts of plans. It must be safe for concurrent use.
type Source interface {
	// Run runs all parts, on one snapshot where the store has them, and calls yield for their rows, one call at a time. The rows are
	// borrowed: see Rows. An error of yield ends it.
	Run(ctx context.Context, parts []Part, yield func(part int, rows *Rows) error) error
	// Render returns the statement that Run runs for a part, and its parameters.
	Render(part *Part) (text string, args []any)
}

// Stepper is a Source whose runs can go on with what their first parts leave to be read.
type Stepper interface {
	// Steps runs the parts that next returns, as Run does, time and again until it returns none; all on one snapshot.
	Steps(ctx context.Context, next func() []Part, yield func(part int, rows *Rows) error) error
}

// Namer is a Source that tells the names of engines.
type Namer interface {
	// Engine returns the name of the engine that runs parts of the view, as replies show it.
	Engine(view View) string
}

// AwayError is the error of a Source whose rollups do not answer: the query can be planned without them.
type AwayError struct {
	Why   string // for those who ask
	Cause error
}

func (e *AwayError) Error() string { return e.Why + ": " + e.Cause.Error() }
func (e *AwayError) Unwrap() error { return e.Cause }

// Catalog knows what is stored without reading it. It must be safe for concurrent use; all but Ledger must be quick.
type Catalog interface {
	// FirstEvent returns the time of the site's first event; false without one.
	FirstEvent(websiteID string) (ms int64, ok bool)
	// Version returns a number that changes with every change to what is stored in the range.
	Version(websiteID string, from, to int64) uint64
	// Facts returns what a plan depends on. days are the starts of the site's days, and the end of the last.
	Facts(websiteID string, from, to int64, days []int64) Facts
	// Ledger returns the outcomes of what was received in the range.
	Ledger(ctx context.Context, websiteID string, from, to int64) (*Ledger, error)
}

// Ledger are the ledger's sums for a site and a range of receipt time.
type Ledger struct {
	Received  int64            `json:"received"`
	Stored    int64            `json:"stored"`
	Duplicate int64            `json:"duplicate"`
	Filtered  map[string]int64 `json:"filtered"`
	Failed    map[string]int64 `json:"failed"`
}

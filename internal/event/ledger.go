package event

// Outcome is what became of a received event. Each received event ends as exactly one of the last four.
type Outcome uint8

// The outcomes of the ledger. Received counts what arrived; the other four add up to it.
const (
	Received Outcome = 1 + iota
	Stored
	Duplicate
	Filtered // policy: reason says which
	Failed   // invalid: reason says why
)

var outcomeNames = [...]string{Received: "received", Stored: "stored", Duplicate: "duplicate", Filtered: "filtered", Failed: "failed"}

// String returns the name as it stands in the ledger.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return ""
}

// ParseOutcome returns the outcome of that name, and false for any other text.
func ParseOutcome(name string) (Outcome, bool) {
	for o := Received; o <= Failed; o++ {
		if outcomeNames[o] == name {
			return o, true
		}
	}
	return 0, false
}

// LedgerRow is one additive count. Minute is the receipt time in ms, a multiple of 60,000.
type LedgerRow struct {
	WebsiteID string // "" for a body that cannot be read and for an unknown site
	Minute    int64
	Outcome   Outcome
	Reason    string // of Filtered and Failed
	Count     int64
}

// Receipt says what arrived in one request. Received counts all events; what is in none of Refused goes on to processing.
type Receipt struct {
	WebsiteID  string
	ReceivedAt int64
	Received   int64
	Refused    []LedgerRow // Filtered and Failed at the door; Minute and WebsiteID are those of the receipt
}

// FailedEvent is a payload that could not be read as an event. It is kept 7 days and can be sent again.
type FailedEvent struct {
	WebsiteID  string
	ReceivedAt int64
	Reason     string
	Payload    []byte // the event's JSON, or the whole body when that could not be read; cut at MaxEventBytes
}

package load

import (
	"cmp"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// ledger adds up the counts of one step.
type ledger struct {
	rows []event.LedgerRow
	at   map[ledgerKey]int
	last int // the row counted last: neighbours in the log are mostly alike
}

type ledgerKey struct {
	websiteID string
	minute    int64
	outcome   event.Outcome
	reason    string
}

func newLedger() ledger { return ledger{at: make(map[ledgerKey]int)} }

func (l *ledger) reset() {
	l.rows = l.rows[:0]
	clear(l.at)
}

func (l *ledger) add(websiteID string, minute int64, outcome event.Outcome, reason string, count int64) {
	if l.last < len(l.rows) {
		if r := &l.rows[l.last]; r.Outcome == outcome && r.Minute == minute && r.WebsiteID == websiteID && r.Reason == reason {
			r.Count += count
			return
		}
	}
	key := ledgerKey{websiteID, minute, outcome, reason}
	i, ok := l.at[key]
	if !ok {
		i = len(l.rows)
		l.rows = append(l.rows, event.LedgerRow{WebsiteID: websiteID, Minute: minute, Outcome: outcome, Reason: reason})
		l.at[key] = i
	}
	l.rows[i].Count += count
	l.last = i
}

// sorted returns the rows in an order that does not depend on their arrival.
func (l *ledger) sorted() []event.LedgerRow {
	l.last = len(l.rows) // rows move; at is no longer right either, and reset follows
	slices.SortFunc(l.rows, func(a, b event.LedgerRow) int {
		return cmp.Or(strings.Compare(a.WebsiteID, b.WebsiteID), cmp.Compare(a.Minute, b.Minute), cmp.Compare(a.Outcome, b.Outcome), strings.Compare(a.Reason, b.Reason))
	})
	return l.rows
}

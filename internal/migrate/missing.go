package migrate

import (
	"reflect"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// lack is what the target misses of a slice.
type lack struct {
	events      []event.Event
	sessions    []event.Session
	withdrawals []event.SessionRef
	ledger      []event.LedgerRow // outcomes that leave no row
}

// rows is how many rows the commit of it has, the ledger's apart.
func (l *lack) rows() int { return len(l.events) + len(l.sessions) + len(l.withdrawals) }

func (l *lack) empty() bool { return l.rows()+len(l.ledger) == 0 }

// missing compares a slice of both sides.
func missing(here *Rows, there *Present) *lack {
	l := &lack{}
	for i := range here.Events {
		if e := &here.Events[i]; !received(there.Events[e.ID], e.ReceivedAt) {
			l.events = append(l.events, *e)
		}
	}
	known := make(map[event.SessionRef]bool, len(here.Sessions))
	for i := range here.Sessions {
		s := &here.Sessions[i]
		known[s.Ref()] = true
		if held, ok := there.Sessions[s.Ref()]; !ok || !held.Stays && !reflect.DeepEqual(held.Session, *s) {
			l.sessions = append(l.sessions, *s)
		}
	}
	for ref, held := range there.Sessions {
		if held.Copied && !known[ref] { // a late event has joined it to another since
			l.withdrawals = append(l.withdrawals, ref)
		}
	}
	for _, row := range here.Ledger {
		if row.Count -= there.Ledger[LedgerKey{row.Minute, row.Outcome, row.Reason}]; row.Count > 0 {
			l.ledger = append(l.ledger, row)
		}
	}
	return l
}

// received reports whether an event with the same id was received about that time: the same event, or one that makes it a
// duplicate.
func received(times []int64, at int64) bool {
	for _, time := range times {
		if time-at < event.LateLimitMillis && at-time < event.LateLimitMillis {
			return true
		}
	}
	return false
}

// block collects what a site's next commit stores.
type block struct {
	batch  store.Batch
	counts map[event.LedgerRow]int64 // by rows without count
}

func newBlock() *block { return &block{counts: map[event.LedgerRow]int64{}} }

func (b *block) rows() int {
	return len(b.batch.Events) + len(b.batch.Sessions) + len(b.batch.Withdrawals) + len(b.counts)
}

// add takes what a slice lacks. The ledger's received and stored are counted from the rows of the same commit, never copied: so
// they agree with what is stored at every moment, and what retention had deleted before is in neither.
func (b *block) add(l *lack) {
	b.batch.Events = append(b.batch.Events, l.events...)
	b.batch.Sessions = append(b.batch.Sessions, l.sessions...)
	b.batch.Withdrawals = append(b.batch.Withdrawals, l.withdrawals...)
	for i := range l.events {
		e := &l.events[i]
		b.count(e.WebsiteID, event.Minute(e.ReceivedAt), event.Stored, "", 1)
	}
	for _, row := range l.ledger {
		b.count(row.WebsiteID, row.Minute, row.Outcome, row.Reason, row.Count)
	}
}

// count adds an outcome, and that so many were received.
func (b *block) count(websiteID string, minute int64, outcome event.Outcome, reason string, n int64) {
	b.counts[event.LedgerRow{WebsiteID: websiteID, Minute: minute, Outcome: outcome, Reason: reason}] += n
	b.counts[event.LedgerRow{WebsiteID: websiteID, Minute: minute, Outcome: event.Received}] += n
}

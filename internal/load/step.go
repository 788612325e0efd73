package load

import (
	"errors"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/local"
	"github.com/footfall-analytics/footfall/internal/store"
)

// step is a run of records on its way to the store. It is owned by one stage at a time and used again.
type step struct {
	next   int64 // offset behind its last record
	bytes  int
	atEnd  bool // the log had no more
	events []event.Event
	keys   []local.DedupeKey // of the events
	kept   []int64           // offsets of the events that settle has left
	ledger ledger
	failed []event.FailedEvent
	tick   int64 // the latest tick met
	// erasure is the step's last record, if it is one: what follows is another step's.
	erasure *event.Erasure
	// receivedAt is the last receipt time met, for records that do not say.
	receivedAt int64
}

func newStep() *step { return &step{ledger: newLedger()} }

// reset empties the step. The texts of its events stay in memory until others take their places.
func (s *step) reset() {
	s.events, s.keys, s.kept, s.failed = s.events[:0], s.keys[:0], s.kept[:0], s.failed[:0]
	s.bytes, s.atEnd, s.erasure = 0, false, nil
	s.ledger.reset()
}

// keepEvents is how many events' room a step keeps when there is nothing to do.
const keepEvents = 2048

// shrink gives the memory of a backlog back, 24,576 events are some 30 MB with their texts, unless used events of it show that it
// is wanted again: room that grows anew for each step is as much garbage again, several times over.
func (s *step) shrink(used int) {
	if cap(s.events) > keepEvents && used < cap(s.events)/8 {
		s.events, s.keys, s.kept = nil, nil, nil
	}
}

// take decodes one entry of the log. It fails for nothing: what cannot be decoded is a failed event.
func (s *step) take(entry *eventlog.Entry) {
	s.next = entry.Offset + 1
	s.bytes += len(entry.Value)
	switch event.RecordKind(entry.Value) {
	case event.KindEvent:
		s.takeEvent(entry)
	case event.KindReceipt:
		var receipt event.Receipt
		if err := receipt.DecodeReceipt(entry.Value); err != nil {
			s.undecodable(entry, receipt.WebsiteID, receipt.ReceivedAt)
			return
		}
		s.takeReceipt(&receipt)
	case event.KindFailed:
		var failed event.FailedEvent
		if err := failed.DecodeFailed(entry.Value); err != nil {
			s.undecodable(entry, failed.WebsiteID, failed.ReceivedAt)
			return
		}
		s.failed = append(s.failed, failed) // its receipt counts it
	case event.KindErasure:
		s.takeErasure(entry)
	case event.KindTick:
		var tick event.Tick
		if tick.DecodeTick(entry.Value) == nil {
			s.tick = max(s.tick, tick.At)
		}
	}
}

func (s *step) takeErasure(entry *eventlog.Entry) {
	var erasure event.Erasure
	if err := erasure.DecodeErasure(entry.Value); err != nil || !erasure.Valid() {
		s.undecodable(entry, erasure.WebsiteID, erasure.AskedAt)
		return
	}
	s.erasure = &erasure
}

// empty reports whether nothing of the step goes to the store.
func (s *step) empty() bool { return len(s.events)+len(s.failed)+len(s.ledger.rows) == 0 }

func (s *step) takeEvent(entry *eventlog.Entry) {
	n := len(s.events)
	if n == cap(s.events) {
		s.events = append(s.events, event.Event{})
	}
	s.events = s.events[:n+1]
	e := &s.events[n]
	err := e.DecodeEvent(entry.Value)
	if err == nil {
		err = checkEvent(e)
	}
	if err != nil {
		s.events = s.events[:n]
		s.undecodable(entry, e.WebsiteID, e.ReceivedAt)
		return
	}
	s.receivedAt = e.ReceivedAt
	s.keys = append(s.keys, local.DedupeKey{WebsiteID: e.WebsiteID, EventID: e.ID, Offset: entry.Offset, ReceivedAt: e.ReceivedAt})
}

var errIncomplete = errors.New("the event has no site, id or type")

// checkEvent refuses what a store cannot hold; the door never writes it.
func checkEvent(e *event.Event) error {
	if e.WebsiteID == "" || e.ID.IsZero() || e.Type.String() == "" {
		return errIncomplete
	}
	return nil
}

func (s *step) takeReceipt(r *event.Receipt) {
	s.receivedAt = r.ReceivedAt
	s.ledger.add(r.WebsiteID, event.Minute(r.ReceivedAt), event.Received, "", r.Received)
	for _, row := range r.Refused {
		s.ledger.add(row.WebsiteID, row.Minute, row.Outcome, row.Reason, row.Count)
	}
}

// ReasonUndecodable is the ledger's reason for a record of the log that cannot be decoded.
const ReasonUndecodable = "undecodable_record"

// undecodable counts a record that its receipt has counted as received. Site and time are known as far as it could be read.
func (s *step) undecodable(entry *eventlog.Entry, websiteID string, receivedAt int64) {
	if receivedAt == 0 {
		receivedAt = s.receivedAt
	}
	payload := entry.Value[:min(len(entry.Value), event.MaxEventBytes)]
	s.failed = append(s.failed, event.FailedEvent{WebsiteID: websiteID, ReceivedAt: receivedAt, Reason: ReasonUndecodable, Payload: payload})
	if event.RecordKind(entry.Value) == event.KindEvent {
		s.ledger.add(websiteID, event.Minute(receivedAt), event.Failed, ReasonUndecodable, 1)
	}
}

// settle counts what becomes of the events and drops the duplicates, and what is to be forgotten.
func (s *step) settle(duplicate []bool, erasures *event.Erasures) {
	n := 0
	for i := range s.events {
		e := &s.events[i]
		if duplicate[i] {
			s.ledger.add(e.WebsiteID, event.Minute(e.ReceivedAt), event.Duplicate, "", 1)
			continue
		}
		if erasures.Covers(e) {
			s.ledger.add(e.WebsiteID, event.Minute(e.ReceivedAt), event.Filtered, store.ReasonErased, 1)
			continue
		}
		s.ledger.add(e.WebsiteID, event.Minute(e.ReceivedAt), event.Stored, "", 1)
		s.kept = append(s.kept, s.keys[i].Offset)
		if n != i {
			s.events[n] = *e
		}
		n++
	}
	s.events = s.events[:n]
}

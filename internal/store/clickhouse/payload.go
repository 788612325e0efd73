package clickhouse

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// commit is a batch as it is written down before anything of it is stored: docs/format/clickhouse.md, "Commits".
type commit struct {
	events  []event.Event
	offsets []int64
	changes []event.SessionChange // each session once
	ledger  []event.LedgerRow
	failed  []event.FailedEvent
	next    int64
}

// newCommit takes the batch apart. Of a session that is withdrawn and put in again only the latter is left.
func newCommit(b *store.Batch) *commit {
	c := &commit{events: b.Events, offsets: b.Offsets, ledger: b.Ledger, failed: b.Failed, next: b.Next}
	at := make(map[event.SessionRef]int, len(b.Sessions))
	for i := range b.Sessions {
		ref := b.Sessions[i].Ref()
		if n, twice := at[ref]; twice {
			c.changes[n].Session = b.Sessions[i]
			continue
		}
		at[ref] = len(c.changes)
		c.changes = append(c.changes, event.SessionChange{Session: b.Sessions[i]})
	}
	for _, ref := range b.Withdrawals {
		if _, again := at[ref]; !again {
			at[ref] = len(c.changes)
			c.changes = append(c.changes, event.SessionChange{Session: event.Session{SessionKey: ref.SessionKey, Start: ref.Start}, Withdrawn: true})
		}
	}
	return c
}

// appendTo appends the payload to dst.
func (c *commit) appendTo(dst []byte) []byte {
	dst = binary.AppendVarint(dst, c.next)
	dst = binary.AppendUvarint(dst, uint64(len(c.offsets)))
	for _, offset := range c.offsets {
		dst = binary.AppendVarint(dst, offset)
	}
	var record []byte
	frame := func() {
		dst = binary.AppendUvarint(dst, uint64(len(record)))
		dst = append(dst, record...)
	}
	for i := range c.events {
		record = c.events[i].AppendRecord(record[:0])
		frame()
	}
	for i := range c.changes {
		record = c.changes[i].AppendRecord(record[:0])
		frame()
	}
	for i := range c.ledger {
		record = c.ledger[i].AppendRecord(record[:0])
		frame()
	}
	for i := range c.failed {
		record = c.failed[i].AppendRecord(record[:0])
		frame()
	}
	return dst
}

var errPayload = errors.New("invalid payload of a commit")

// readCommit undoes appendTo.
func readCommit(payload []byte) (*commit, error) {
	c := &commit{}
	next, n := binary.Varint(payload)
	if n <= 0 {
		return nil, errPayload
	}
	c.next, payload = next, payload[n:]
	count, n := binary.Uvarint(payload)
	if n <= 0 {
		return nil, errPayload
	}
	payload = payload[n:]
	for range count {
		offset, n := binary.Varint(payload)
		if n <= 0 {
			return nil, errPayload
		}
		c.offsets, payload = append(c.offsets, offset), payload[n:]
	}
	for len(payload) > 0 {
		length, n := binary.Uvarint(payload)
		if n <= 0 || uint64(len(payload)-n) < length {
			return nil, errPayload
		}
		if err := c.take(payload[n : n+int(length)]); err != nil {
			return nil, fmt.Errorf("%w: %w", errPayload, err)
		}
		payload = payload[n+int(length):]
	}
	return c, nil
}

// take adds a record.
func (c *commit) take(record []byte) error {
	switch kind := event.RecordKind(record); kind {
	case event.KindEvent:
		var e event.Event
		err := e.DecodeEvent(record)
		c.events = append(c.events, e)
		return err
	case event.KindSession:
		var s event.SessionChange
		err := s.DecodeSession(record)
		c.changes = append(c.changes, s)
		return err
	case event.KindLedger:
		var r event.LedgerRow
		err := r.DecodeLedger(record)
		c.ledger = append(c.ledger, r)
		return err
	case event.KindFailed:
		var f event.FailedEvent
		err := f.DecodeFailed(record)
		c.failed = append(c.failed, f)
		return err
	default:
		return fmt.Errorf("a record of kind %d", kind)
	}
}

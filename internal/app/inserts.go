package app

import (
	"context"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
)

// inserts say what becomes of the records of each topic in the event store. Flink writes what it has decoded itself, so a record
// that cannot be decoded here is a fault of this program: it is said and counted, and stops nothing.
func (c *cluster) inserts() map[eventlog.Topic]load.Insert {
	return map[eventlog.Topic]load.Insert{
		eventlog.Events: c.insertEvents, eventlog.Sessions: c.insertSessions, eventlog.Ledger: c.insertLedger, eventlog.FailedEvents: c.insertFailed,
	}
}

// decodeAll decodes the entries of one kind and leaves the others out.
func decodeAll[T any](c *cluster, entries []eventlog.Entry, kind event.Kind, decode func(*T, []byte) error) (all []T, positions []int64) {
	for i := range entries {
		if event.RecordKind(entries[i].Value) != kind {
			continue
		}
		var one T
		if err := decode(&one, entries[i].Value); err != nil {
			c.undecodable.Add(1)
			c.logger.Error("a record of a topic cannot be decoded", "partition", entries[i].Partition, "position", entries[i].Offset, "error", err)
			continue
		}
		all, positions = append(all, one), append(positions, entries[i].Offset)
	}
	return all, positions
}

func (c *cluster) insertEvents(ctx context.Context, token string, entries []eventlog.Entry) error {
	events, positions := decodeAll(c, entries, event.KindEvent, (*event.Event).DecodeEvent)
	if len(events) == 0 {
		return nil
	}
	from := clickhouse.Provenance{Topic: string(eventlog.Events), Partition: entries[0].Partition, Positions: positions}
	return c.store.InsertEvents(ctx, token, events, from)
}

func (c *cluster) insertSessions(ctx context.Context, token string, entries []eventlog.Entry) error {
	changes, positions := decodeAll(c, entries, event.KindSession, (*event.SessionChange).DecodeSession)
	versions := make([]uint64, len(positions))
	for i, position := range positions {
		versions[i] = clickhouse.Version(clickhouse.Stream, 0, position)
	}
	return c.store.InsertSessions(ctx, token, changes, versions)
}

func (c *cluster) insertLedger(ctx context.Context, token string, entries []eventlog.Entry) error {
	rows, _ := decodeAll(c, entries, event.KindLedger, (*event.LedgerRow).DecodeLedger)
	return c.store.InsertLedger(ctx, token, rows)
}

func (c *cluster) insertFailed(ctx context.Context, token string, entries []eventlog.Entry) error {
	failed, _ := decodeAll(c, entries, event.KindFailed, (*event.FailedEvent).DecodeFailed)
	return c.store.InsertFailed(ctx, token, failed)
}

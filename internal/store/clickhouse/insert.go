package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/footfall-analytics/footfall/internal/event"
)

// maxPartitions bounds the partitions of one insert; the engine refuses more than that.
const maxPartitions = 90

// Provenance says where in the log events stood.
type Provenance struct {
	Topic     string
	Partition int32
	Positions []int64 // of each event; nil: not known, 0 is stored
}

// InsertEvents stores events once per token: it may be called again with the same token and the same events until it
// succeeds, and after it did. It sends one block, and where the events are of more than maxPartitions days one per that
// many days, each with a token of its own. Views that hang on events are written with it.
func (s *Store) InsertEvents(ctx context.Context, token string, events []event.Event, from Provenance) error {
	rows := make([]eventRow, len(events))
	for i := range events {
		rows[i] = eventRow{&events[i], from.Topic, from.Partition, 0}
		if from.Positions != nil {
			rows[i].position = from.Positions[i]
		}
	}
	return insert(ctx, s, eventTable(), token, rows, func(e *eventRow) int64 { return floor(e.Timestamp, event.DayMillis) })
}

// InsertSessions stores changes of sessions once per token; versions are those of each change: see Version.
func (s *Store) InsertSessions(ctx context.Context, token string, changes []event.SessionChange, versions []uint64) error {
	rows := make([]sessionRow, len(changes))
	for i := range changes {
		rows[i] = sessionRow{&changes[i], versions[i]}
	}
	return insert(ctx, s, sessionTable(), token, rows, func(r *sessionRow) int64 { return month(r.Start) })
}

// InsertLedger adds counts once per token.
func (s *Store) InsertLedger(ctx context.Context, token string, rows []event.LedgerRow) error {
	return insert(ctx, s, ledgerTable(), token, rows, func(r *event.LedgerRow) int64 { return month(r.Minute) })
}

// InsertFailed stores payloads that are no events, once per token.
func (s *Store) InsertFailed(ctx context.Context, token string, failed []event.FailedEvent) error {
	return insert(ctx, s, failedTable(), token, failed, func(f *event.FailedEvent) int64 { return floor(f.ReceivedAt, event.DayMillis) })
}

// month numbers the months, UTC.
func month(ms int64) int64 {
	t := time.UnixMilli(ms).UTC()
	return int64(t.Year())*12 + int64(t.Month())
}

// floor returns the greatest multiple of unit that is not above ms.
func floor(ms, unit int64) int64 { return ms - ((ms%unit)+unit)%unit }

// insert sends the rows in as few blocks as their partitions allow. The blocks depend on the rows alone.
func insert[T any](ctx context.Context, s *Store, t *table[T], token string, rows []T, partition func(*T) int64) error {
	if len(rows) == 0 {
		return nil
	}
	blocks := cut(rows, partition)
	for i, block := range blocks {
		blockToken := token
		if len(blocks) > 1 {
			blockToken = fmt.Sprintf("%s/%d", token, i)
		}
		if err := send(ctx, s, t, blockToken, block); err != nil {
			return fmt.Errorf("cannot insert %d rows into %s with token %q: %w", len(block), t.name, blockToken, err)
		}
	}
	return nil
}

// cut returns the rows as they are when they have at most maxPartitions partitions, else in runs of that many, in the
// order of the partitions.
func cut[T any](rows []T, partition func(*T) int64) [][]T {
	seen := map[int64]bool{}
	for i := range rows {
		seen[partition(&rows[i])] = true
	}
	if len(seen) <= maxPartitions {
		return [][]T{rows}
	}
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b T) int { return cmp.Compare(partition(&a), partition(&b)) })
	var blocks [][]T
	from, partitions := 0, 0
	for i := range sorted {
		if i > 0 && partition(&sorted[i]) == partition(&sorted[i-1]) {
			continue
		}
		if partitions == maxPartitions {
			blocks = append(blocks, sorted[from:i])
			from, partitions = i, 0
		}
		partitions++
	}
	return append(blocks, sorted[from:])
}

// send inserts one block.
func send[T any](ctx context.Context, s *Store, t *table[T], token string, rows []T) (err error) {
	defer func() { err = because(ctx, err) }()
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": t.name + "/" + token}))
	batch, err := s.writer.PrepareBatch(ctx, t.insertSQL())
	if err != nil {
		return err
	}
	if err := t.fill(batch, rows); err != nil {
		_ = batch.Abort() // Close would end the insert as if it had no rows, and its token would be taken
		return err
	}
	return batch.Send()
}

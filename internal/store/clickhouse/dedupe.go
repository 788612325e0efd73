package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Dedupe says which events of a log partition are duplicates of stored ones, and of those that its Writer has yet to store.
// Nothing of it needs to outlive the process: a replay begins behind what is stored. It is safe for concurrent use.
type Dedupe struct {
	writer *Writer

	mu     sync.Mutex
	recent map[eventKey][]occurrence // of this partition, at or behind the writer's position
}

type eventKey struct {
	websiteID string
	id        event.UUID
}

// occurrence is one event with an id. offset is -1 for one that did not come from this partition.
type occurrence struct{ offset, receivedAt int64 }

// elsewhere is the offset of occurrences that came another way: they are earlier than whatever is asked for.
const elsewhere = -1

// Dedupe returns the duplicates' judge for what the writer is going to store.
func (w *Writer) Dedupe() *Dedupe {
	return &Dedupe{writer: w, recent: map[eventKey][]occurrence{}}
}

// Resolve reports for each event whether it is a duplicate: of an event with the same site and id, received within
// event.LateLimitMillis of it, that stands before it in the log or came another way.
func (d *Dedupe) Resolve(ctx context.Context, keys []event.DedupeKey) ([]bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	duplicate := make([]bool, len(keys))
	if len(keys) == 0 {
		return duplicate, nil
	}
	stored := d.writer.reached.Load() // before the look-up: what is before it is found there
	found, err := d.writer.occurrences(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("cannot look up the ids of %d events: %w", len(keys), err)
	}
	d.forget(stored)
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(min(max(keys[a].Offset-keys[b].Offset, -1), 1)) })
	for _, i := range order {
		key := eventKey{keys[i].WebsiteID, keys[i].EventID}
		known, dup := judge(&keys[i], found[key])
		knownRecent, dupRecent := judge(&keys[i], d.recent[key])
		known, dup = known || knownRecent, dup || dupRecent
		duplicate[i] = dup && !known
		if !known && !dup {
			d.recent[key] = append(d.recent[key], occurrence{keys[i].Offset, keys[i].ReceivedAt})
		}
	}
	return duplicate, nil
}

// judge compares an event with occurrences of its id.
func judge(e *event.DedupeKey, all []occurrence) (known, duplicate bool) {
	for _, o := range all {
		known = known || o.offset == e.Offset
		apart := o.receivedAt - e.ReceivedAt
		duplicate = duplicate || o.offset < e.Offset && apart <= event.LateLimitMillis && -apart <= event.LateLimitMillis
	}
	return known, duplicate
}

// forget drops what the store has.
func (d *Dedupe) forget(stored int64) {
	for key, list := range d.recent {
		list = slices.DeleteFunc(list, func(o occurrence) bool { return o.offset < stored })
		if d.recent[key] = list; len(list) == 0 {
			delete(d.recent, key)
		}
	}
}

//go:embed sql/duplicates.sql
var duplicatesSQL string

// occurrences looks the ids up in the store.
func (w *Writer) occurrences(ctx context.Context, keys []event.DedupeKey) (map[eventKey][]occurrence, error) {
	t, err := ext.NewTable("ids", ext.Column("website_id", "String"), ext.Column("event_id", "UUID"))
	if err != nil {
		return nil, err
	}
	asked := make(map[eventKey]bool, len(keys))
	first, last := keys[0].ReceivedAt, keys[0].ReceivedAt
	for i := range keys {
		first, last = min(first, keys[i].ReceivedAt), max(last, keys[i].ReceivedAt)
		key := eventKey{keys[i].WebsiteID, keys[i].EventID}
		if asked[key] {
			continue
		}
		asked[key] = true
		if err := t.Append(key.websiteID, uuid.UUID(key.id)); err != nil {
			return nil, err
		}
	}
	found := map[eventKey][]occurrence{}
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(t))
	args := []any{clampTime(first - event.LateLimitMillis), clampTime(last + event.LateLimitMillis)}
	err = w.store.each(ctx, duplicatesSQL, args, func(scan scanner) error {
		var key eventKey
		var id uuid.UUID
		var o occurrence
		var topic string
		var partition int32
		if err := scan(&key.websiteID, &id, &o.receivedAt, &topic, &partition, &o.offset); err != nil {
			return err
		}
		if topic != w.options.Topic || partition != w.options.Partition {
			o.offset = elsewhere
		}
		if key.id = event.UUID(id); asked[key] {
			found[key] = append(found[key], o)
		}
		return nil
	})
	return found, err
}

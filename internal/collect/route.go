package collect

import (
	"context"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Route says where the records of a request go in a cluster: docs/format/topics.md. An append is atomic for one partition
// only, so each partition gets a receipt for what stands there, and the ledger adds up when others failed.
type Route struct {
	// Partition returns the partition of raw_events that a key chooses. Topic imports has one.
	Partition func(key []byte) int32
	// StreamMillis is how old an imported event may be to go through the stream; older ones go to topic imports.
	StreamMillis int64
}

// shipment is what goes to one partition.
type shipment struct {
	topic     eventlog.Topic
	partition int32
	key       span    // whose key all records here have that are no events
	spans     []span  // in the order of the request
	received  []int64 // by receipt: events that stand here
}

// beginRouted hands the shipments of a request over.
func (h *Handler) beginRouted(ctx context.Context, q *request) (eventlog.Pending, error) {
	ships := q.ship(h.opts.Route)
	var under pendings
	for _, topic := range [...]eventlog.Topic{eventlog.RawEvents, eventlog.Imports} {
		q.records = q.records[:0]
		for i := range ships {
			if ships[i].topic != topic {
				continue
			}
			for _, s := range ships[i].spans {
				q.records = append(q.records, q.record(s))
			}
		}
		if len(q.records) == 0 {
			continue
		}
		pending, err := h.opts.Sink.Begin(ctx, topic, q.records)
		if err != nil {
			return nil, err
		}
		under = append(under, pending)
	}
	return under, nil
}

// pendings are several writes under way.
type pendings []eventlog.Pending

// Wait returns when all are durable, or the first error.
func (p pendings) Wait(ctx context.Context) (err error) {
	for _, one := range p {
		if failed := one.Wait(ctx); err == nil {
			err = failed
		}
	}
	return err
}

// ship sorts the records of the request by where they go, and adds their receipts.
func (q *request) ship(route *Route) []shipment {
	var ships []shipment
	for _, s := range q.spans {
		if s.event {
			ship := q.shipmentOf(&ships, route, s)
			ship.spans = append(ship.spans, s)
			ship.received[s.receipt]++
		}
	}
	homes := make([]int, len(q.receipts))
	for i := range q.receipts {
		homes[i] = q.home(&ships, route, i)
	}
	for _, s := range q.spans {
		if !s.event { // a failed payload stands with the receipt that counts it
			ship := &ships[homes[s.receipt]]
			ship.spans = append(ship.spans, q.copyUnder(ship.key, q.out[s.value:s.to]))
		}
	}
	for i := range q.receipts {
		q.addReceipts(ships, homes[i], i)
	}
	return ships
}

// shipmentOf returns the shipment that takes the event.
func (q *request) shipmentOf(ships *[]shipment, route *Route, s span) *shipment {
	topic, partition := eventlog.Imports, int32(0)
	if !s.old {
		topic, partition = eventlog.RawEvents, route.Partition(q.out[s.from:s.value])
	}
	for i := range *ships {
		if one := &(*ships)[i]; one.topic == topic && one.partition == partition {
			return one
		}
	}
	*ships = append(*ships, shipment{topic: topic, partition: partition, key: s, received: make([]int64, len(q.receipts))})
	return &(*ships)[len(*ships)-1]
}

// home returns the shipment that tells what was refused of a receipt: the first with events of it, else one to the
// partition of the site.
func (q *request) home(ships *[]shipment, route *Route, receipt int) int {
	for i := range *ships {
		if (*ships)[i].received[receipt] > 0 {
			return i
		}
	}
	key := span{from: len(q.out)}
	q.out = append(q.out, q.receipts[receipt].WebsiteID...)
	key.value, key.to = len(q.out), len(q.out)
	q.shipmentOf(ships, route, key)
	for i := range *ships { // it may have been there
		if one := &(*ships)[i]; one.topic == eventlog.RawEvents && one.partition == route.Partition(q.out[key.from:key.value]) {
			return i
		}
	}
	panic("BUG: a shipment was made and is not there")
}

// addReceipts adds the receipt of the request's site and minute to every shipment that has events of it, and to its home.
func (q *request) addReceipts(ships []shipment, home, receipt int) {
	for i := range ships {
		r := q.receipts[receipt]
		r.Received = ships[i].received[receipt]
		if i == home {
			r.Received += refused(&r)
		} else {
			r.Refused = nil
		}
		if i == home || r.Received > 0 {
			ships[i].spans = append(ships[i].spans, q.copyUnder(ships[i].key, r.AppendRecord(nil)))
		}
	}
}

func refused(r *event.Receipt) (n int64) {
	for _, row := range r.Refused {
		n += row.Count
	}
	return n
}

// copyUnder adds a record under the key of another.
func (q *request) copyUnder(key span, record []byte) span {
	s := span{from: len(q.out)}
	q.out = append(q.out, q.out[key.from:key.value]...)
	s.value = len(q.out)
	q.out = append(q.out, record...)
	s.to = len(q.out)
	return s
}

package collect

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

const testPartitions = 3

func testPartition(key []byte) int32 {
	h := fnv.New32a()
	_, _ = h.Write(key)
	return int32(h.Sum32() % testPartitions)
}

// routedSink keeps what was appended by topic and partition.
type routedSink struct {
	records map[string][][]byte // "topic/partition"
}

func (s *routedSink) Begin(_ context.Context, topic eventlog.Topic, records []eventlog.Record) (eventlog.Pending, error) {
	for _, r := range records {
		partition := int32(0)
		if topic == eventlog.RawEvents {
			partition = testPartition(r.Key)
		}
		place := fmt.Sprint(topic, "/", partition)
		s.records[place] = append(s.records[place], append([]byte(nil), r.Value...))
	}
	return written{}, nil
}

// balance is what one partition says of a site: what its receipts count, and what stands there.
type balance struct{ received, refused, events, failed int64 }

func (s *routedSink) balances(t *testing.T) map[string]balance {
	out := map[string]balance{}
	for place, records := range s.records {
		for _, record := range records {
			var e event.Event
			var r event.Receipt
			var f event.FailedEvent
			site, add := "", balance{}
			switch event.RecordKind(record) {
			case event.KindEvent:
				if err := e.DecodeEvent(record); err != nil {
					t.Fatal(err)
				}
				site, add = e.WebsiteID, balance{events: 1}
			case event.KindReceipt:
				if err := r.DecodeReceipt(record); err != nil {
					t.Fatal(err)
				}
				site, add = r.WebsiteID, balance{received: r.Received, refused: refused(&r)}
			case event.KindFailed:
				if err := f.DecodeFailed(record); err != nil {
					t.Fatal(err)
				}
				site, add = f.WebsiteID, balance{failed: 1}
			}
			b := out[place+" "+site]
			out[place+" "+site] = balance{b.received + add.received, b.refused + add.refused, b.events + add.events, b.failed + add.failed}
		}
	}
	return out
}

func newRoutedDoor(t *testing.T) (*door, *routedSink) {
	sink := &routedSink{records: map[string][][]byte{}}
	return newDoor(t, func(o *Options) {
		o.Sink, o.Route = sink, &Route{Partition: testPartition, StreamMillis: event.LateLimitMillis}
	}), sink
}

func TestReceiptsStandWithTheirEvents(t *testing.T) {
	d, sink := newRoutedDoor(t)
	var body []string
	for i := range 40 {
		body = append(body, fmt.Sprintf(`{"type":"pageview","tracking_id":"%s","session_id":"s%d","data":{"page":"/%d"}}`, []string{"t_main", "t_open"}[i%2], i%11, i))
	}
	body = append(body, `{"type":"nonsense","tracking_id":"t_main"}`, `{"type":"event","tracking_id":"t_open"}`, `{"type":"pageview","tracking_id":"nobody"}`, `{}`)
	if code, text := d.post("["+strings.Join(body, ",")+"]", "Sec-GPC: 0"); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	var all balance
	places := 0
	for place, b := range sink.balances(t) {
		if b.received != b.events+b.refused {
			t.Errorf("%s: %+v does not add up", place, b)
		}
		if b.failed != b.refused { // nothing is filtered here
			t.Errorf("%s: %d payloads of %d failed events", place, b.failed, b.refused)
		}
		all = balance{all.received + b.received, all.refused + b.refused, all.events + b.events, all.failed + b.failed}
		places++
	}
	if want := (balance{44, 4, 40, 4}); all != want || places < 6 {
		t.Errorf("%+v in %d places, want %+v in at least 6", all, places, want)
	}
}

func TestImportsAreSortedByAge(t *testing.T) {
	d, sink := newRoutedDoor(t)
	old, late := testNow-event.LateLimitMillis-1, testNow-event.LateLimitMillis
	body := fmt.Sprintf(`[{"type":"pageview","tracking_id":"t_main","session_id":"s","received_at":%d,"data":{"page":"/a","timestamp":%d}},
		{"type":"pageview","tracking_id":"t_main","session_id":"s","received_at":%d,"data":{"page":"/b","timestamp":%d}}]`, old, old, late, late)
	if code, text := status(t, d.do("POST", "/v1/import", body, "Authorization: Bearer k_import")); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	raw := fmt.Sprint(eventlog.RawEvents, "/", testPartition([]byte("w_mains")))
	want := map[string]balance{raw + " w_main": {received: 1, events: 1}, "imports/0 w_main": {received: 1, events: 1}}
	if got := sink.balances(t); !maps.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestUnreadableBodiesAreRouted(t *testing.T) {
	d, sink := newRoutedDoor(t)
	if code, _ := d.post("no json"); code != 400 {
		t.Fatal(code)
	}
	want := map[string]balance{fmt.Sprint(eventlog.RawEvents, "/", testPartition(nil), " "): {received: 1, refused: 1, failed: 1}}
	if got := sink.balances(t); !maps.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

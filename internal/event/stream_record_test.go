package event

import (
	"errors"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// fullSession returns a session in which every field has a value of its own.
func fullSession() *SessionChange {
	c := &SessionChange{Session: Session{
		SessionKey: SessionKey{Band: 2}, ChainStart: 1_700_000_000_000, Start: 1_700_000_000_001, End: 1_700_000_009_000,
		SampleKey: 1<<63 + 9, VisitorCoupon: 1<<31 + 3, Visitors: []Visitor{{5, 6}, {1 << 63, 1}},
		Pageviews: 3, Events: 5, Interactive: 2, EngagedMs: 12_345, RevenueEvents: 1, Revenue: -500,
	}}
	for num := protowire.Number(1); num < sGone; num++ {
		if text := c.textField(num); text != nil {
			*text = "text " + string(rune('A'+num))
		}
	}
	return c
}

func TestSessionRoundTrip(t *testing.T) {
	gone := &SessionChange{Session: Session{SessionKey: SessionKey{"w", "s", 3}, Start: -7}, Withdrawn: true}
	for name, in := range map[string]*SessionChange{"full": fullSession(), "least": {}, "withdrawn": gone} {
		var out SessionChange
		if err := out.DecodeSession(in.AppendRecord(nil)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(in, &out) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, out, *in)
		}
	}
	v := reflect.ValueOf(fullSession().Session)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("field %s has no value in the round trip test", v.Type().Field(i).Name)
		}
	}
}

func TestClusterRecordsRoundTrip(t *testing.T) {
	metric := Metric{"w", 1_700_000_010_000, [4]uint64{1, 2, 3, 400}, [4]uint64{5, 6, 7, 8}, [4]uint64{9, 1 << 40, 11, 0}, 1_700_000_011_000}
	var gotMetric Metric
	if err := gotMetric.DecodeMetric(metric.AppendRecord(nil)); err != nil || gotMetric != metric {
		t.Errorf("metric: got %+v, %v", gotMetric, err)
	}
	row := LedgerRow{"w", 1_700_000_040_000, Filtered, "gpc", -3}
	var gotRow LedgerRow
	if err := gotRow.DecodeLedger(row.AppendRecord(nil)); err != nil || gotRow != row {
		t.Errorf("ledger row: got %+v, %v", gotRow, err)
	}
	var tick Tick
	if err := tick.DecodeTick(Tick{1_700_000_000_123}.AppendRecord(nil)); err != nil || tick.At != 1_700_000_000_123 {
		t.Errorf("tick: got %+v, %v", tick, err)
	}
}

func TestClusterRecordsOfOtherKinds(t *testing.T) {
	record := Tick{5}.AppendRecord(nil)
	record[0] = byte(KindEvent)
	for name, err := range map[string]error{
		"tick": new(Tick).DecodeTick(record), "session": new(SessionChange).DecodeSession(record),
		"metric": new(Metric).DecodeMetric(record), "ledger": new(LedgerRow).DecodeLedger(nil),
		"packed": new(Metric).DecodeMetric([]byte{byte(KindMetric), 3<<3 | 2, 5, 1, 2, 3, 4, 5}),
	} {
		if !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzClusterRecords(f *testing.F) {
	f.Add(fullSession().AppendRecord(nil))
	f.Add((&Metric{WebsiteID: "w", Start: 10_000}).AppendRecord(nil))
	f.Add((&LedgerRow{WebsiteID: "w", Count: 1}).AppendRecord(nil))
	f.Fuzz(func(t *testing.T, record []byte) {
		var c SessionChange
		if c.DecodeSession(record) == nil && !c.Withdrawn {
			var again SessionChange
			if err := again.DecodeSession(c.AppendRecord(nil)); err != nil || !reflect.DeepEqual(c, again) {
				t.Errorf("%+v became %+v, %v", c, again, err)
			}
		}
		var m Metric
		_ = m.DecodeMetric(record) // no panic
		var r LedgerRow
		_ = r.DecodeLedger(record)
	})
}

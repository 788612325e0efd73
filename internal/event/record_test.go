package event

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// textFields are the numbers of the string fields.
var textFields = [...]protowire.Number{
	fWebsiteID, fName, fUserID, fSessionID, fPage, fHostname, fTitle, fReferrer,
	fSource, fMedium, fCampaign, fTerm, fContent, fChannel, fIPAddress, fCountry, fRegion, fCity,
	fDeviceType, fBrowser, fBrowserVersion, fOS, fOSVersion, fScreen, fLanguage,
	fCategory, fAction, fLabel, fCurrency,
}

// full returns an event in which every field has a value of its own.
func full() *Event {
	e := &Event{ID: UUID{1, 2, 3, 15: 9}, Type: Custom, Interactive: true, Timestamp: 1_700_000_000_001, ReceivedAt: 1_700_000_000_777,
		SampleKey: 1<<63 + 5, VisitorCoupon: 1<<31 + 7, BotScore: 60, BotBand: 2, BotReasons: []string{"headless", "rate"}, Value: -1.5,
		Revenue: -123456, TimeOnPage: 4000, ScrollDepth: 0, Properties: []Property{{"a", ""}, {"plan", "größe"}}, Flags: Truncated | Imported,
		Session: &SessionInfo{StartedAt: 5, Events: 3, EntryPage: "/", Source: "Google"}}
	for _, num := range textFields {
		*e.textField(num) = "text " + string(rune('A'+num))
	}
	return e
}

func TestRecordRoundTrip(t *testing.T) {
	for name, in := range map[string]*Event{"full": full(), "least": {ScrollDepth: NoScroll, Type: Pageview}, "scroll 0": {ScrollDepth: 0}} {
		var out Event
		if err := out.DecodeEvent(in.AppendRecord(nil)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(in, &out) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, out, *in)
		}
	}
}

// TestFullSetsEveryField keeps full honest: a new field must be carried by the record.
func TestFullSetsEveryField(t *testing.T) {
	v := reflect.ValueOf(*full())
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "ScrollDepth" {
			t.Errorf("field %s has no value in the round trip test", name)
		}
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	record := full().AppendRecord(nil)
	record = protowire.AppendTag(record, 999, protowire.BytesType)
	record = protowire.AppendString(record, "from a later release")
	var out Event
	if err := out.DecodeEvent(record); err != nil || out.ID != full().ID {
		t.Fatalf("got %v, %v", out.ID, err)
	}
}

func TestCutRecordsAreErrors(t *testing.T) {
	record := full().AppendRecord(nil)
	bad := 0
	for n := range record {
		var out Event
		if err := out.DecodeEvent(record[:n]); err != nil {
			if !errors.Is(err, ErrRecord) {
				t.Fatalf("cut at %d: %v is no ErrRecord", n, err)
			}
			bad++
		}
	}
	if bad < len(record)/2 { // a cut between two fields is a shorter valid message
		t.Errorf("only %d of %d cuts were noticed", bad, len(record))
	}
}

func TestReceiptAndFailed(t *testing.T) {
	in := Receipt{WebsiteID: "s", ReceivedAt: 61_500, Received: 4, Refused: []LedgerRow{{"s", 60_000, Failed, "no type", 1}, {"s", 60_000, Filtered, "dnt", 2}}}
	var out Receipt
	if err := out.DecodeReceipt(in.AppendRecord(nil)); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("got %+v, %v", out, err)
	}
	failed := FailedEvent{WebsiteID: "s", ReceivedAt: 9, Reason: "x", Payload: []byte{0, 255}}
	var back FailedEvent
	if err := back.DecodeFailed(failed.AppendRecord(nil)); err != nil || !reflect.DeepEqual(failed, back) {
		t.Errorf("got %+v, %v", back, err)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add(full().AppendRecord(nil))
	f.Fuzz(func(t *testing.T, record []byte) {
		var e, again Event
		if e.DecodeEvent(record) != nil {
			return
		}
		if err := again.DecodeEvent(e.AppendRecord(nil)); err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if !bytes.Equal(e.AppendRecord(nil), again.AppendRecord(nil)) {
			t.Fatal("not stable")
		}
	})
}

func TestUUID(t *testing.T) {
	const text = "0190b5a0-7c3e-7abc-8def-0123456789ab"
	u, err := ParseUUID("0190B5A0-7C3E-7ABC-8DEF-0123456789AB")
	if err != nil || u.String() != text {
		t.Errorf("got %s, %v", u, err)
	}
	for _, bad := range []string{"", "x", "{0190b5a0-7c3e-7abc-8def-0123456789ab}", "urn:uuid:0190b5a0-7c3e-7abc-8def-0123456789ab", text + "0", "0190b5a07c3e7abc8def0123456789ab"} {
		if _, err := ParseUUID(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if v := NamedUUID([]byte("order-17")); v.String()[14] != '5' || v != NamedUUID([]byte("order-17")) {
		t.Errorf("no stable v5: %s", v)
	}
}

func TestBandsAndTypes(t *testing.T) {
	for score, band := range map[uint8]uint8{0: 0, 24: 0, 25: 1, 49: 1, 50: 2, 74: 2, 75: 3, 100: 3} {
		if Band(score) != band {
			t.Errorf("Band(%d) = %d", score, Band(score))
		}
	}
	for typ := Pageview; typ <= Error; typ++ {
		if back, ok := ParseType(typ.String()); !ok || back != typ {
			t.Errorf("%q does not come back", typ)
		}
	}
	if _, ok := ParseType(""); ok {
		t.Error("the empty type was taken")
	}
}

func BenchmarkRecord(b *testing.B) {
	record := full().AppendRecord(nil)
	b.Run("encode", func(b *testing.B) {
		e := full()
		for b.Loop() {
			record = e.AppendRecord(record[:0])
		}
	})
	b.Run("decode", func(b *testing.B) {
		var e Event
		for b.Loop() {
			if err := e.DecodeEvent(record); err != nil {
				b.Fatal(err)
			}
		}
	})
}

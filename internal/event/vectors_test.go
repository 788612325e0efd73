package event

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
)

var rewrite = flag.Bool("rewrite", false, "write the vectors of records for other languages")

const vectorsFile = "../../jobs/realtime/src/test/resources/records.txt"

// TestRecordVectors keeps the bytes that jobs/realtime reads and must write: each line is a kind, a name and the record in
// hex; for an event then what its reader must find. The job's tests write the same records from the same values.
func TestRecordVectors(t *testing.T) {
	var out bytes.Buffer
	fmt.Fprintln(&out, "# Written by: go test ./internal/event -run Vectors -rewrite")
	for _, v := range eventVectors() {
		fmt.Fprintf(&out, "event %s %x %s\n", v.name, v.event.AppendRecord(nil), foundIn(v.event))
	}
	for _, r := range recordVectors() {
		fmt.Fprintf(&out, "%s %x\n", r.name, r.bytes)
	}
	for _, e := range sessionInput() {
		fmt.Fprintf(&out, "input %x\n", e.AppendRecord(nil))
	}
	for _, text := range []string{"", "a", "site", "footfall", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef", "größe größe größe größe größe größe größe"} {
		fmt.Fprintf(&out, "xxh64 %x %016x\n", text, xxhash.Sum64String(text))
	}
	if *rewrite {
		if err := os.WriteFile(vectorsFile, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(vectorsFile)
	if err != nil || !bytes.Equal(file, out.Bytes()) {
		t.Errorf("the vectors are not what is written now (%v): run with -rewrite and see what it means for jobs/realtime", err)
	}
}

type eventVector struct {
	name  string
	event *Event
}

func eventVectors() []eventVector {
	negative := &Event{ID: UUID{255, 15: 1}, WebsiteID: "s", Type: Engagement, Timestamp: -1, ReceivedAt: -1 << 62, TimeOnPage: 1, BotScore: 100, BotBand: 3, ScrollDepth: 100}
	long := &Event{ID: UUID{1}, WebsiteID: strings.Repeat("w", 200), Type: Pageview, SessionID: strings.Repeat("ß", 300), Page: strings.Repeat("/p", 1000), BotScore: 25, BotBand: 1}
	return []eventVector{{"full", full()}, {"least", &Event{ID: UUID{1}, WebsiteID: "s", Type: Error, ScrollDepth: NoScroll}}, {"negative", negative}, {"long", long},
		{"no_site", &Event{ID: UUID{1}, Type: Pageview}}, {"no_id", &Event{WebsiteID: "s", Type: Pageview}}, {"no_type", &Event{ID: UUID{1}, WebsiteID: "s"}}}
}

// foundIn is what the job asks of an event.
func foundIn(e *Event) string {
	text := func(s string) string { return hex.EncodeToString([]byte(s)) }
	return fmt.Sprintf("id=%s site=%s type=%d interactive=%t timestamp=%d received_at=%d user=%s sample_key=%d coupon=%d session=%s page=%s hostname=%s referrer=%s band=%d revenue=%d currency=%s time_on_page=%d",
		strings.ReplaceAll(e.ID.String(), "-", ""), text(e.WebsiteID), e.Type, e.Interactive, e.Timestamp, e.ReceivedAt, text(e.UserID), e.SampleKey, e.VisitorCoupon, text(e.SessionID),
		text(e.Page), text(e.Hostname), text(e.Referrer), e.BotBand, e.Revenue, text(e.Currency), e.TimeOnPage)
}

type recordVector struct {
	name  string
	bytes []byte
}

// recordVectors are records that the job reads or writes; its tests hold the same values.
func recordVectors() []recordVector {
	receipt := Receipt{WebsiteID: "s", ReceivedAt: 61_500, Received: 4, Refused: []LedgerRow{{Outcome: Failed, Reason: "no type", Count: 1}, {Outcome: Filtered, Reason: "dnt", Count: 2}}}
	failed := FailedEvent{WebsiteID: "s", ReceivedAt: 9, Reason: "undecodable_record", Payload: []byte{0, 255}}
	empty := FailedEvent{Reason: "undecodable_record"}
	metric := Metric{WebsiteID: "s", Start: 1_700_000_000_000, Pageviews: [Bands]uint64{1, 0, 300, 1 << 40}, Events: [Bands]uint64{2, 3, 4, 5}, Visitors: [Bands]uint64{0, 1, 2, 3}, EmittedAt: 1_700_000_001_234}
	ledger := LedgerRow{WebsiteID: "s", Minute: 1_700_000_000_000 - 1_700_000_000_000%60_000, Outcome: Duplicate, Count: 1 << 33}
	refused := LedgerRow{Minute: -60_000, Outcome: Failed, Reason: "undecodable_record", Count: 1}
	gone := SessionChange{Session: Session{SessionKey: SessionKey{"site", "k", 2}, Start: 1_700_000_000_000}, Withdrawn: true}
	return []recordVector{
		{"receipt some", receipt.AppendRecord(nil)}, {"failed some", failed.AppendRecord(nil)}, {"failed empty", empty.AppendRecord(nil)},
		{"tick some", Tick{At: 1_700_000_000_000}.AppendRecord(nil)}, {"metric some", metric.AppendRecord(nil)},
		{"ledger some", ledger.AppendRecord(nil)}, {"ledger refused", refused.AppendRecord(nil)},
		{"session withdrawn", gone.AppendRecord(nil)}, {"session full", vectorSession().AppendRecord(nil)},
	}
}

// sessionInput is what the job makes vectorSession of: the event "full" as a page view, one of another visitor a second
// later, and an engagement of 4,000 ms another second later.
func sessionInput() []*Event {
	first, second, third := full(), full(), full()
	first.Type, first.BotReasons = Pageview, nil
	second.ID[0], second.Type, second.Timestamp, second.Page, second.Source = 2, Pageview, first.Timestamp+1000, "/exit", "other"
	second.UserID, second.SampleKey, second.VisitorCoupon = "other", 5, 6
	third.ID[0], third.Type, third.Timestamp = 3, Engagement, first.Timestamp+2000
	return []*Event{first, second, third}
}

func vectorSession() *SessionChange {
	e := full()
	return &SessionChange{Session: Session{
		SessionKey: SessionKey{e.WebsiteID, e.SessionID, e.BotBand}, ChainStart: e.Timestamp, Start: e.Timestamp, End: e.Timestamp + 2000,
		UserID: e.UserID, SampleKey: e.SampleKey, VisitorCoupon: e.VisitorCoupon, Visitors: []Visitor{{5, 6}, {e.SampleKey, e.VisitorCoupon}},
		Pageviews: 2, Events: 2, EngagedMs: 4000, RevenueEvents: 2, Revenue: 2 * e.Revenue, Currency: e.Currency,
		EntryPage: e.Page, EntryHostname: e.Hostname, ExitPage: "/exit", ExitHostname: e.Hostname,
		Source: e.Source, Medium: e.Medium, Campaign: e.Campaign, Term: e.Term, Content: e.Content, Channel: e.Channel, Referrer: e.Referrer,
		Country: e.Country, Region: e.Region, City: e.City, DeviceType: e.DeviceType, Browser: e.Browser, BrowserVersion: e.BrowserVersion,
		OS: e.OS, OSVersion: e.OSVersion, Screen: e.Screen, Language: e.Language,
	}}
}

// TestRecordsOfTheJob reads what jobs/realtime wrote in its own tests: kind, hex. It must be what is written here for what
// is read.
func TestRecordsOfTheJob(t *testing.T) {
	file, err := os.Open("../../jobs/realtime/src/test/resources/written.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		kind, text, _ := strings.Cut(lines.Text(), " ")
		record, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readAndWrite(record)
		if err != nil || !bytes.Equal(again, record) {
			t.Errorf("%s %x: read and written again it is %x (%v)", kind, record, again, err)
		}
		seen[kind]++
	}
	if want := map[string]int{"session": 6, "metric": 1, "ledger": 2, "failed": 2, "tick": 1}; !reflect.DeepEqual(seen, want) {
		t.Errorf("there are %v, want %v", seen, want)
	}
}

func readAndWrite(record []byte) ([]byte, error) {
	switch RecordKind(record) {
	case KindSession:
		var c SessionChange
		err := c.DecodeSession(record)
		return c.AppendRecord(nil), err
	case KindMetric:
		var m Metric
		err := m.DecodeMetric(record)
		return m.AppendRecord(nil), err
	case KindLedger:
		var r LedgerRow
		err := r.DecodeLedger(record)
		return r.AppendRecord(nil), err
	case KindFailed:
		var f FailedEvent
		err := f.DecodeFailed(record)
		return f.AppendRecord(nil), err
	case KindTick:
		var tick Tick
		err := tick.DecodeTick(record)
		return tick.AppendRecord(nil), err
	}
	return nil, ErrRecord
}

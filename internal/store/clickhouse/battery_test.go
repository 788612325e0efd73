package clickhouse

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store/storetest"
)

// writerStore is a Writer and the store that goes with it.
type writerStore struct {
	*Writer
	s *Store
}

func (w writerStore) Close() error { return w.s.Close() }

func TestBattery(t *testing.T) {
	serverAddress(t) // skips the whole battery, where a subtest's open could not
	dirs := map[string]Options{}
	open := func(dir string) (storetest.Store, error) {
		if _, known := dirs[dir]; !known {
			dirs[dir] = testOptions(t)
		}
		s, err := Open(context.Background(), dirs[dir])
		if err != nil {
			return nil, err
		}
		return writerStore{s.Writer(WriterOptions{}), s}, nil
	}
	storetest.Run(t, open, storetest.Probe{Sessions: probeSessions, Ledger: probeLedger}, storetest.Cannot{})
}

func probeSessions(s storetest.Store, websiteID string) ([]event.Session, error) {
	return sessionsOf(s.(writerStore).s, websiteID)
}

func probeLedger(s storetest.Store, websiteID string, outcome event.Outcome) (n int64, err error) {
	ledger, err := s.(writerStore).s.Source().Ledger(context.Background(), websiteID, 0, latest)
	if err != nil {
		return 0, err
	}
	for _, count := range ledger.Failed {
		n += count
	}
	return map[event.Outcome]int64{event.Stored: ledger.Stored, event.Failed: n, event.Duplicate: ledger.Duplicate}[outcome], nil
}

// Every column of an event comes back as it was.
func TestEveryColumn(t *testing.T) {
	s := openTest(t)
	ctx := context.Background()
	want := event.Event{ID: event.UUID{255, 254, 0, 1, 15: 1}, WebsiteID: "s", Type: event.Custom, Name: "n", Interactive: true, Timestamp: 1_750_000_000_123, ReceivedAt: 1_750_000_000_999,
		UserID: "u", SampleKey: 1<<63 + 9, VisitorCoupon: 1<<31 + 7, SessionID: "s1", Title: "größe ☃", IPAddress: "1.2.3.0", BotScore: 77, BotBand: 3, BotReasons: []string{"a", "b"},
		Category: "c", Action: "a", Label: "l", Value: -1.5, Revenue: -123456, Currency: "EUR", TimeOnPage: 99, ScrollDepth: 100,
		Properties: []event.Property{{Key: "k", Value: "v"}, {Key: "z", Value: ""}}, Flags: event.Truncated | event.Imported}
	if err := s.InsertEvents(ctx, "t", []event.Event{want}, Provenance{"imports", 7, []int64{1 << 50}}); err != nil {
		t.Fatal(err)
	}
	const sql = `select event_id, website_id, event_type, name, interactive, toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(received_at), user_id, sample_key, visitor_coupon,
    session_id, title, ip_address, bot_score, bot_band, bot_reasons, category, action, label, value, revenue, currency, time_on_page, scroll_depth, properties, flags, log_topic, log_partition, log_position from events`
	var e event.Event
	var id uuid.UUID
	var typ, topic string
	var scroll int8
	var properties map[string]string
	var flags uint32
	var partition int32
	var position int64
	if err := s.reader.QueryRow(ctx, sql).Scan(&id, &e.WebsiteID, &typ, &e.Name, &e.Interactive, &e.Timestamp, &e.ReceivedAt, &e.UserID, &e.SampleKey, &e.VisitorCoupon, &e.SessionID, &e.Title,
		&e.IPAddress, &e.BotScore, &e.BotBand, &e.BotReasons, &e.Category, &e.Action, &e.Label, &e.Value, &e.Revenue, &e.Currency, &e.TimeOnPage, &scroll, &properties, &flags, &topic, &partition, &position); err != nil {
		t.Fatal(err)
	}
	e.ID, e.ScrollDepth, e.Flags = event.UUID(id), int16(scroll), event.Flags(flags)
	e.Type, _ = event.ParseType(typ)
	for _, p := range want.Properties {
		e.Properties = append(e.Properties, event.Property{Key: p.Key, Value: properties[p.Key]})
	}
	equalText(t, e, want)
	if topic != "imports" || partition != 7 || position != 1<<50 || len(properties) != 2 {
		t.Errorf("%s %d %d, %v", topic, partition, position, properties)
	}
}

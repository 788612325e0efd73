package collect

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// recordSink keeps the records of erasures beside those that a memorySink knows.
type recordSink struct {
	memorySink
	erasures [][]byte
}

func (s *recordSink) Begin(ctx context.Context, topic eventlog.Topic, records []eventlog.Record) (eventlog.Pending, error) {
	if len(records) == 1 && event.RecordKind(records[0].Value) == event.KindErasure && s.err == nil {
		s.erasures = append(s.erasures, bytes.Clone(records[0].Value))
		return written{}, nil
	}
	return s.memorySink.Begin(ctx, topic, records)
}

const (
	personIP    = "203.0.113.77"
	personAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// TestAddressBecomesIDs: whoever is asked for by address has the ids that the door gave, and the address is in no record.
func TestAddressBecomesIDs(t *testing.T) {
	sink := &recordSink{}
	d := newDoor(t, func(o *Options) { o.Sink = sink })
	site := testSites()["t_main"]
	midnight := time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC)
	seen := func(at time.Time) string {
		d.now = at
		d.post("["+good+"]", "Remote: "+personIP+":1", "User-Agent: "+personAgent)
		return sink.events[len(sink.events)-1].UserID
	}
	before, over, after := seen(midnight.Add(-10*time.Minute)), seen(midnight.Add(10*time.Minute)), seen(midnight.Add(5*time.Hour))
	if before != over || over == after {
		t.Fatalf("ids %q %q %q", before, over, after)
	}
	for day, want := range map[string][]string{"2025-11-24": {after, before}, "2025-11-23": {before}} {
		e, err := d.h.Erase(context.Background(), site, Forget{IP: personIP, UserAgent: personAgent, Day: day, By: "test"})
		if err != nil || !slices.Equal(e.Visitors, want) || e.Scope != event.ErasePerson || !e.Valid() || e.Before != d.now.UnixMilli()+1 {
			t.Errorf("%s: %+v, %v; want %v", day, e, err, want)
		}
		record := sink.erasures[len(sink.erasures)-1]
		var kept event.Erasure
		if err := kept.DecodeErasure(record); err != nil || kept.ID != e.ID || bytes.Contains(record, []byte(personIP)) || bytes.Contains(record, []byte("Firefox")) {
			t.Errorf("the record is %q, %v", record, err)
		}
	}
}

func TestWhatCannotBeErased(t *testing.T) {
	sink := &recordSink{}
	d := newDoor(t, func(o *Options) { o.Sink = sink })
	d.now = time.Date(2025, 11, 24, 12, 0, 0, 0, time.UTC)
	for field, list := range map[string][]Forget{
		"":        {{}, {Visitor: "a", All: true}, {Visitor: "a", IP: "1.2.3.4"}, {UserAgent: "x", All: true}},
		"visitor": {{Visitor: "\x00"}, {Visitor: string(bytes.Repeat([]byte("a"), 200))}},
		"ip":      {{IP: "example.com", Day: "2025-11-24"}, {UserAgent: "x"}},
		"day":     {{IP: "1.2.3.4"}, {IP: "1.2.3.4", Day: "2025-11-22"}, {IP: "1.2.3.4", Day: "2025-11-25"}, {IP: "1.2.3.4", Day: "yesterday"}},
	} {
		for _, f := range list {
			var invalid *InvalidForgetError
			if _, err := d.h.Erase(context.Background(), testSites()["t_main"], f); !errors.As(err, &invalid) || invalid.Field != field {
				t.Errorf("%+v: %v, want a fault of %q", f, err, field)
			}
		}
	}
	sink.err = eventlog.ErrUnavailable
	if _, err := d.h.Erase(context.Background(), testSites()["t_main"], Forget{Visitor: "a"}); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("a log that cannot take it: %v", err)
	}
	if len(sink.erasures) != 0 {
		t.Errorf("%d erasures in the log", len(sink.erasures))
	}
}

func TestErasedSiteIsForGood(t *testing.T) {
	sink := &recordSink{}
	d := newDoor(t, func(o *Options) { o.Sink = sink })
	for forever, want := range map[bool]int64{false: d.now.UnixMilli() + 1, true: event.Forever} {
		e, err := d.h.Erase(context.Background(), testSites()["t_main"], Forget{All: true, Forever: forever})
		if err != nil || e.Before != want || e.Scope != event.EraseSite || !e.Valid() {
			t.Errorf("%+v, %v; want before %d", e, err, want)
		}
	}
}

package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
)

// testNow is a Monday, 10:30 in Berlin.
const testNow = int64(1763976600000)

func options(t *testing.T, events int) Options {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Seed: 7, Events: events, Now: testNow, Location: berlin, TrackingID: "ft_demo"}
}

func generate(t *testing.T, opt Options) []Event {
	t.Helper()
	var events []Event
	err := Generate(opt, func(e *Event) error {
		events = append(events, *e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestGenerateCounts(t *testing.T) {
	for _, want := range []int{1000, 60_000, 300_000} {
		got := len(generate(t, options(t, want)))
		if got < want*98/100 || got > want*102/100 {
			t.Errorf("asked for %d events, got %d", want, got)
		}
	}
}

func TestGenerateIsAFunctionOfItsOptions(t *testing.T) {
	text := func(opt Options) []byte {
		var all []byte
		for _, e := range generate(t, opt) {
			all = append(e.AppendJSON(all), '\n')
		}
		return all
	}
	first := text(options(t, 5000))
	if !bytes.Equal(first, text(options(t, 5000))) {
		t.Error("the same options gave other events")
	}
	other := options(t, 5000)
	other.Seed = 8
	if bytes.Equal(first, text(other)) {
		t.Error("another seed gave the same events")
	}
}

func TestGenerateOrderAndBounds(t *testing.T) {
	opt := options(t, 60_000)
	first := time.Date(2025, 8, 26, 0, 0, 0, 0, opt.Location).UnixMilli()
	ids := map[string]bool{}
	last := first
	for i, e := range generate(t, opt) {
		if e.Timestamp < last || e.Timestamp >= testNow {
			t.Fatalf("event %d is of %d, after %d, now %d", i, e.Timestamp, last, testNow)
		}
		last = e.Timestamp
		if e.ReceivedAt < e.Timestamp || e.ReceivedAt > e.Timestamp+500 {
			t.Fatalf("event %d of %d was received at %d", i, e.Timestamp, e.ReceivedAt)
		}
		if ids[e.ID] {
			t.Fatalf("event %d has the id %s again", i, e.ID)
		}
		ids[e.ID] = true
	}
	if testNow-last > 10*60_000 {
		t.Errorf("the last event is %d s old", (testNow-last)/1000)
	}
}

// TestGenerateIsPlausible holds the shares that the demo's reports live on.
func TestGenerateIsPlausible(t *testing.T) {
	opt := options(t, 300_000)
	events := generate(t, opt)
	n := map[string]float64{}
	pages, agents, users := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, e := range events {
		n[e.Type]++
		n[e.Action]++
		n[time.UnixMilli(e.Timestamp).In(opt.Location).Format("15h")]++
		if e.Screen == "" {
			n["bot"]++
		}
		if e.UserID != "" {
			n["user"]++
			users[e.UserID]++
		}
		if e.Timestamp > testNow-30*event.DayMillis {
			n["late"]++
		}
		if e.Timestamp < testNow-60*event.DayMillis {
			n["early"]++
		}
		pages[e.Page], agents[e.UserAgent] = true, true
	}
	total := float64(len(events))
	between := func(what string, got, low, high float64) {
		if got < low || got > high {
			t.Errorf("%s: %.4f is not in %.4f..%.4f", what, got, low, high)
		}
	}
	between("page views", n["pageview"]/total, 0.45, 0.58)
	between("engagements", n["engagement"]/n["pageview"], 0.85, 1)
	between("bots", n["bot"]/total, 0.02, 0.04)
	between("with a user id", n["user"]/total, 0.15, 0.45)
	between("carts by page views", n["add_to_cart"]/n["pageview"], 0.02, 0.08)
	between("purchases by carts", n["purchase"]/n["add_to_cart"], 0.05, 0.6)
	between("sign-ups", n["signup"], 200, 10_000)
	between("searches", n["search"], 200, 20_000)
	between("afternoon by night", n["15h"]/n["03h"], 5, 30)
	between("growth", n["late"]/n["early"], 1.1, 2)
	between("pages", float64(len(pages)), 40, 60)
	between("user agents", float64(len(agents)), 35, 60)
	between("users", float64(len(users)), 500, maxRegulars)
}

// TestEventForm reads events back as the door does and checks them against docs/format/ingest.md.
func TestEventForm(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	revenue := regexp.MustCompile(`^[0-9]+\.[0-9]{2}$`)
	for _, e := range generate(t, options(t, 20_000)) {
		text := e.AppendJSON(nil)
		var got struct {
			ID, Type   string
			TrackingID string `json:"tracking_id"`
			SessionID  string `json:"session_id"`
			UserID     string `json:"user_id"`
			Data       struct {
				Page, Action, Currency string
				Timestamp              int64
				Revenue                string
				TimeOnPage             *int64 `json:"time_on_page"`
				ScrollDepth            *int   `json:"scroll_depth"`
				Properties             map[string]string
			}
			Context struct {
				URL, Hostname, IP string
				UserAgent         string `json:"user_agent"`
			}
			ReceivedAt int64 `json:"received_at"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if !uuid.MatchString(got.ID) || got.TrackingID != "ft_demo" || got.Data.Timestamp != e.Timestamp || got.ReceivedAt != e.ReceivedAt || got.Data.Page == "" {
			t.Fatalf("read back %+v from %s", got, text)
		}
		if millis, _ := strconv.ParseInt(got.ID[:8]+got.ID[9:13], 16, 64); millis != e.Timestamp {
			t.Fatalf("the id %s is of %d, the event of %d", got.ID, millis, e.Timestamp)
		}
		if _, err := netip.ParseAddr(got.Context.IP); err != nil || got.Context.UserAgent == "" {
			t.Fatalf("no address or user agent in %s", text)
		}
		if !strings.HasPrefix(got.Context.URL, "https://lumen-and-loom.example"+got.Data.Page) {
			t.Fatalf("page %q, url %q", got.Data.Page, got.Context.URL)
		}
		if got.Type == "event" && got.Data.Action == "" || (got.SessionID == "") != (got.UserID == "") {
			t.Fatalf("an incomplete event %s", text)
		}
		if got.Type == "engagement" && (got.Data.TimeOnPage == nil || got.Data.ScrollDepth == nil || *got.Data.ScrollDepth > 100) {
			t.Fatalf("an empty engagement %s", text)
		}
		if got.Data.Action == "purchase" && (!revenue.MatchString(got.Data.Revenue) || got.Data.Currency != "EUR" || got.Data.Properties["payment"] == "") {
			t.Fatalf("a purchase without its price %s", text)
		}
	}
}

func TestEventTextIsEscaped(t *testing.T) {
	e := Event{ID: "x", Page: "/\"\\\n\x1fé", ReceivedAt: 1, IP: "1.2.3.4"}
	var got struct{ Data struct{ Page string } }
	text, err := json.Marshal(&e)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil || got.Data.Page != e.Page {
		t.Errorf("%v: %q became %q", err, e.Page, got.Data.Page)
	}
}

func TestGenerateRefuses(t *testing.T) {
	for _, opt := range []Options{{}, {TrackingID: "x"}, {TrackingID: "x", Now: 1, Days: -1}, {TrackingID: "x", Now: 1, Events: -1}, {TrackingID: "x", Now: 1, Days: 1e6}} {
		err := Generate(opt, func(*Event) error { return nil })
		if !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
	full := errors.New("disk full")
	if err := Generate(options(t, 100), func(*Event) error { return full }); err != full {
		t.Errorf("the error of yield became %v", err)
	}
}

func BenchmarkGenerate(b *testing.B) {
	var buf []byte
	n := 0
	for b.Loop() {
		err := Generate(Options{Now: testNow, TrackingID: "ft_demo"}, func(e *Event) error {
			buf = e.AppendJSON(buf[:0])
			n++
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

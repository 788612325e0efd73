package batch_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/sketch"
)

// record is an event as the archive holds it.
type record struct {
	event.Event
	topic    string
	position int64
}

// kept returns the events that are no duplicates, in the order of the log, as the semantics say it.
func kept(records []record) (events []event.Event) {
	type key struct {
		site string
		id   event.UUID
	}
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.ReceivedAt, b.ReceivedAt), strings.Compare(a.topic, b.topic), cmp.Compare(a.position, b.position))
	})
	last := map[key]int64{}
	for _, r := range records {
		k := key{r.WebsiteID, r.ID}
		if at, known := last[k]; !known || r.ReceivedAt-at > event.LateLimitMillis {
			events = append(events, r.Event)
		}
		last[k] = r.ReceivedAt
	}
	return events
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func identify(e *event.Event, user string) {
	e.UserID, e.SampleKey, e.VisitorCoupon = user, xxhash.Sum64String(user), sketch.Coupon(user)
}

// caseRecords reads the session cases of internal/stream, each as a site of its own; their month is January 2026.
func caseRecords(t *testing.T) (records []record) {
	t.Helper()
	files, err := filepath.Glob("../stream/testdata/sessions/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no session cases: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		site := ""
		for n, line := range strings.Split(string(text), "\n") {
			switch {
			case strings.HasPrefix(line, "#"):
				site = fmt.Sprintf("%s:%d", strings.TrimSuffix(filepath.Base(file), ".txt"), n+1)
			case line != "" && !strings.ContainsAny(line[:1], "-+="):
				records = append(records, record{caseEvent(t, site, line), "events", int64(n)})
			}
		}
	}
	return records
}

func caseEvent(t *testing.T, site, line string) event.Event {
	t.Helper()
	words := strings.Fields(line)
	at, err := time.Parse("2006-01.02.15:04:05.000", "2026-01."+words[0])
	kind, ok := event.ParseType(words[1])
	if err != nil || !ok {
		t.Fatalf("case line %q: %v", line, err)
	}
	e := event.Event{Timestamp: at.UnixMilli(), ReceivedAt: at.UnixMilli(), Type: kind, WebsiteID: site, SessionID: "k", Interactive: true, ScrollDepth: event.NoScroll}
	identify(&e, "u")
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		n, _ := strconv.ParseInt(value, 10, 64)
		switch name {
		case "id":
			e.ID[0] = byte(n)
		case "page":
			e.Page = value
		case "user":
			identify(&e, value)
		case "source":
			e.Source = value
		case "band":
			e.BotBand = uint8(n)
		case "key":
			e.SessionID = value
		case "engaged":
			e.TimeOnPage = n
		case "revenue":
			e.Revenue = n
		case "currency":
			e.Currency = value
		case "auto":
			e.Interactive = false
		default:
			t.Fatalf("case line %q: unknown %q", line, name)
		}
	}
	return e
}

// randomRecords are n events of a few keys around from, whose gaps lie about 30 minutes and whose chains about a day, with copies
// that are duplicates and some that are not.
func randomRecords(seed uint64, site string, from time.Time, n int) (records []record) {
	r := rand.New(rand.NewPCG(seed, 11))
	start := from.UnixMilli() + r.Int64N(event.DayMillis)
	step := pick(r, int64(1000), 60_000, 20*60_000, 29*60_000)
	var clocks [5]int64
	for i := range clocks {
		clocks[i] = start
	}
	for i := range n {
		key := r.IntN(len(clocks))
		switch r.IntN(20) {
		case 0:
			clocks[key] += event.SessionGapMillis + r.Int64N(3) - 1
		case 1:
			clocks[key] += r.Int64N(8 * 3_600_000)
		case 2:
			clocks[key] = start + r.Int64N(5*event.DayMillis)
		case 3:
			clocks[key] += event.DayMillis - clocks[key]%event.DayMillis + r.Int64N(3) - 1
		case 4:
		default:
			clocks[key] += r.Int64N(step)
		}
		e := randomEvent(r, site, key, clocks[key])
		records = append(records, record{e, "events", int64(i)})
		if r.IntN(15) == 0 {
			again := e
			again.ReceivedAt += pick[int64](r, 0, 1000, event.LateLimitMillis, event.LateLimitMillis+1)
			again.Page += "/again"
			records = append(records, record{again, pick(r, "events", "imports"), int64(n + i)})
		}
	}
	return records
}

// longChains are keys that never pause for half an hour, over days, of which one may have no counted event for long.
func longChains(seed uint64, site string, from time.Time, n int) (records []record) {
	r := rand.New(rand.NewPCG(seed, 12))
	at := [2]int64{from.UnixMilli(), from.UnixMilli() + r.Int64N(event.DayMillis)}
	kind := [2]event.Type{event.Pageview, event.Engagement}
	for i := range n {
		key := r.IntN(2)
		at[key] += event.SessionGapMillis - r.Int64N(60_000)*int64(r.IntN(2))
		if r.IntN(40) == 0 {
			at[key] += event.SessionGapMillis
		}
		if r.IntN(12) == 0 {
			kind[key] = event.Pageview + event.Engagement - kind[key]
		}
		e := randomEvent(r, site, key, at[key])
		e.Type = kind[key]
		records = append(records, record{e, "events", int64(i)})
	}
	return records
}

// crowd is many visitors within few minutes, so that sketches leave the list of coupons, and the set.
func crowd(seed uint64, site string, from time.Time, n int) (records []record) {
	r := rand.New(rand.NewPCG(seed, 13))
	for i := range n {
		e := randomEvent(r, site, 0, from.UnixMilli()+r.Int64N(5*60_000))
		e.Type, e.Page, e.Source, e.Country, e.BotBand, e.Currency, e.Revenue = event.Pageview, "/", "", "DE", 0, "", 0
		e.Medium, e.Campaign, e.Channel, e.DeviceType, e.Browser = "", "", "Direct", "mobile", "Firefox"
		identify(&e, fmt.Sprint("visitor ", i, " dé"))
		e.SessionID = e.UserID
		records = append(records, record{e, "events", int64(i)})
	}
	return records
}

func randomEvent(r *rand.Rand, site string, key int, at int64) event.Event {
	e := event.Event{
		WebsiteID: site, Timestamp: at, ReceivedAt: at + r.Int64N(5000), SessionID: fmt.Sprint("s", key/2), BotBand: uint8(key % 3), ScrollDepth: event.NoScroll,
		Type:        pick(r, event.Pageview, event.Pageview, event.Custom, event.Engagement, event.Engagement, event.Identify, event.Vitals, event.Error),
		Interactive: r.IntN(3) > 0, Page: pick(r, "/", "/a", "/a \"quoted\" \\ ü", ""), Hostname: pick(r, "x.io", "y.io"), Name: pick(r, "", "signup"),
		Source: pick(r, "", "Google", "Bing"), Channel: pick(r, "Direct", "Organic Search"), Medium: pick(r, "", "cpc"), Campaign: pick(r, "", "spring"),
		Term: pick(r, "", "shoes"), Content: pick(r, "", "b"), Referrer: pick(r, "", "https://g.co/"),
		Country: pick(r, "DE", "US", ""), Region: pick(r, "", "DE-BE"), City: pick(r, "", "München"), DeviceType: pick(r, "desktop", "mobile"),
		Browser: pick(r, "Chrome", "Firefox"), BrowserVersion: pick(r, "1", "2"), OS: pick(r, "Linux", "iOS"), OSVersion: pick(r, "", "17"),
		Screen: pick(r, "", "1x1"), Language: pick(r, "de", "en"), BotReasons: []string{"a", "b"}[:r.IntN(3)],
		Properties: []event.Property{{Key: "plan", Value: "pro"}}[:r.IntN(2)],
	}
	for i := range e.ID {
		e.ID[i] = byte(r.UintN(256))
	}
	if r.IntN(4) == 0 {
		e.ID = event.UUID(bytes.Repeat([]byte{byte(r.UintN(256))}, 16)) // some ids repeat, with another time too
	}
	identify(&e, pick(r, "ann", "bob", "cy", "dé"))
	if e.Type == event.Engagement {
		e.TimeOnPage = r.Int64N(60_000)
	}
	if e.Type.Counted() && r.IntN(4) == 0 {
		e.Revenue, e.Currency = r.Int64N(2_000_000)-500_000, pick(r, "EUR", "EUR", "USD")
	}
	return e
}

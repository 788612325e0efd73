package collect

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/footfall-analytics/footfall/internal/event"
)

// FuzzEvents puts any body to the door: it never panics, answers 200, 400 or 413 only, takes nothing that encoding/json would
// not, counts everything it was sent, and lets no text through that may not be stored.
func FuzzEvents(f *testing.F) {
	for _, c := range malformedRequests {
		if len(c.body) < 4096 && len(c.headers) == 0 {
			f.Add([]byte(c.body))
		}
	}
	f.Add([]byte(pageview(`,"user_id":"u"`)))
	f.Add([]byte(`{"sent_at":1763892000000,"events":[` + good + `]}`))
	f.Add([]byte(withData("event", `"name":"n\u0000\ud800","revenue":"1.5","currency":"eur","value":-0.0,"properties":{"\u0001":"x","a":1e3}`)))
	f.Add([]byte(withContext(`"url":"https://example.com/%ff%00%2f?utm_source=%01x&gclid=1","referrer":"http://[::1/","language":"\u2028de"`)))
	f.Add([]byte(withData("engagement", `"time_on_page":9223372036854775807,"scroll_depth":100`)))
	d := newDoor(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		d.t = t
		*d.sink = memorySink{}
		code, text := d.post(string(body), "Remote: 127.0.0.1:1")
		switch code {
		case 200:
			checkTaken(t, d.sink, body, text)
		case 400:
			if len(d.sink.failed) != 1 || d.sink.failed[0].Reason != unreadableReason {
				t.Fatalf("an unreadable body is kept as %+v", d.sink.failed)
			}
		case 413:
		default:
			t.Fatalf("status %d %s", code, text)
		}
		for i := range d.sink.events {
			checkTexts(t, reflect.ValueOf(d.sink.events[i]))
		}
	})
}

func checkTaken(t *testing.T, sink *memorySink, body []byte, text string) {
	t.Helper()
	if !json.Valid(body) {
		t.Fatalf("no JSON, but taken: %q", body)
	}
	var reply struct {
		Received int
		Rejected []struct{ Reason string }
	}
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		t.Fatalf("the reply is no JSON: %s", text)
	}
	var received, filtered int64
	for _, r := range sink.receipts {
		received += r.Received
		for _, row := range r.Refused {
			if row.Outcome == event.Filtered {
				filtered += row.Count
			}
		}
	}
	if int(received) != reply.Received+len(reply.Rejected) || int(received-filtered) != len(sink.events)+len(sink.failed) {
		t.Fatalf("%s: %d in receipts, %d filtered, %d events, %d failed", text, received, filtered, len(sink.events), len(sink.failed))
	}
}

// checkTexts checks all strings of an event.
func checkTexts(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		if !utf8.ValidString(s) || len(s) > event.MaxURLBytes || strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) >= 0 {
			t.Fatalf("stored text %q", s)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			checkTexts(t, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkTexts(t, v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			checkTexts(t, v.Elem())
		}
	}
}

package collect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

func TestReplies(t *testing.T) {
	d := newDoor(t, nil)
	f := func(name, body, want string, headers ...string) {
		t.Helper()
		if code, got := d.post(body, headers...); code != 200 || got != want {
			t.Errorf("%s: got %d %s, want %s", name, code, got, want)
		}
	}
	f("none", "[]", `{"status":"ok","received":0}`)
	f("none, as an object", `{"events":[],"sent_at":1}`, `{"status":"ok","received":0}`)
	if d.sink.appends != 0 {
		t.Errorf("nothing was sent, but appended %d times", d.sink.appends)
	}
	f("one", "["+good+"]", `{"status":"ok","received":1}`)
	f("500", many(500), `{"status":"ok","received":500}`)
	f("an object", `{"sent_at":1763892000000,"events":[`+good+`]}`, `{"status":"ok","received":1}`)
	f("without ids", `[{"type":"pageview","tracking_id":"t_main"},{"type":"pageview","tracking_id":"example.com"}]`, `{"status":"ok","received":2,"derived_ids":2}`)
	f("a long title", withData("pageview", `"title":"`+strings.Repeat("x", 513)+`"`), `{"status":"ok","received":1,"truncated":1}`)
	f("no content type", "["+good+"]", `{"status":"ok","received":1}`, "Content-Type: ")
	f("JSON with a charset", "["+good+"]", `{"status":"ok","received":1}`, "Content-Type: Application/JSON; charset=utf-8")
	f("gzip", gzipped("["+good+"]"), `{"status":"ok","received":1}`, "Content-Encoding: gzip")
	f("zstd", zstandard("["+good+"]"), `{"status":"ok","received":1}`, "Content-Encoding: zstd")
	var br bytes.Buffer
	w := brotli.NewWriter(&br)
	_, _ = w.Write([]byte("[" + good + "]"))
	_ = w.Close()
	f("brotli", br.String(), `{"status":"ok","received":1}`, "Content-Encoding: br")
	f("brotli again", br.String(), `{"status":"ok","received":1}`, "Content-Encoding: BR")
	f("8 levels, unknown keys, sdk as an object", `[{"x":[[[[[[]]]]]],"type":"pageview","tracking_id":"t_main","id":"a","context":{"sdk":{"name":"js"},"timezone":7},"zzz":null}]`, `{"status":"ok","received":1}`)
	f("a key twice: the last counts", `[{"type":"x","type":"pageview","tracking_id":"t_main","id":"a"}]`, `{"status":"ok","received":1}`)
	f("an escaped key", `[{"\u0074ype":"pageview","tracking_id":"t_main","id":"a"}]`, `{"status":"ok","received":1}`)
	if n := d.sink.events[len(d.sink.events)-1].Type; n != event.Pageview {
		t.Errorf("type %v", n)
	}
}

func TestFiltered(t *testing.T) {
	d := newDoor(t, nil)
	f := func(name, body, reason string, headers ...string) {
		t.Helper()
		events, receipts := len(d.sink.events), len(d.sink.receipts)
		if code, text := d.post(body, headers...); code != 200 || text != `{"status":"ok","received":1}` {
			t.Errorf("%s: got %d %s", name, code, text)
			return
		}
		r := d.sink.receipts[receipts]
		if reason == "" {
			if len(r.Refused) != 0 || len(d.sink.events) != events+1 {
				t.Errorf("%s: filtered: %+v", name, r.Refused)
			}
			return
		}
		if len(r.Refused) != 1 || r.Refused[0].Outcome != event.Filtered || r.Refused[0].Reason != reason || len(d.sink.events) != events {
			t.Errorf("%s: receipt %+v", name, r)
		}
	}
	at := func(ms int64) string { return withData("pageview", fmt.Sprintf(`"timestamp":%d`, ms)) }
	f("exactly 7 days", at(testNow-event.LateLimitMillis), "")
	f("a millisecond more", at(testNow-event.LateLimitMillis-1), "too_old")
	f("gpc", "["+good+"]", "gpc", "Sec-GPC: 1")
	f("gpc 0", "["+good+"]", "", "Sec-GPC: 0")
	f("dnt", "["+good+"]", "dnt", "DNT: 1")
	f("both", "["+good+"]", "gpc", "DNT: 1", "Sec-GPC: 1")
	open := `[{"type":"pageview","tracking_id":"t_open","id":"a"}]`
	f("site that ignores signals", open, "", "DNT: 1", "Sec-GPC: 1")
	host := func(name string) string {
		return `[{"type":"pageview","tracking_id":"t_strict","id":"a","context":{"url":"https://` + name + `/"}}]`
	}
	f("host on the list", host("strict.example"), "")
	f("below a host on the list", host("shop.Strict.example"), "")
	f("host not on the list", host("strict.example.evil.test"), "hostname")
	f("suffix without a dot", host("notstrict.example"), "hostname")
}

func TestFields(t *testing.T) {
	d := newDoor(t, nil)
	f := func(name, body string, check func(e *event.Event) bool, headers ...string) {
		t.Helper()
		if e := d.one(body, headers...); !check(&e) {
			t.Errorf("%s: got %+v", name, e)
		}
	}
	f("id that is no UUID", "["+good+"]", func(e *event.Event) bool { return e.ID == event.NamedUUID([]byte("a")) && e.Flags == 0 })
	f("nil UUID", `[{"type":"pageview","tracking_id":"t_main","id":"00000000-0000-0000-0000-000000000000"}]`, func(e *event.Event) bool { return !e.ID.IsZero() && e.Flags == 0 })
	f("track event", withData("event", `"category":"video","action":"play","label":"intro","value":2.5`), func(e *event.Event) bool {
		return e.Type == event.Custom && e.Name == "play" && e.Category == "video" && e.Action == "play" && e.Label == "intro" && e.Value == 2.5 && e.Interactive
	})
	f("name beside action", withData("event", `"name":"n","action":"a","interactive":false`), func(e *event.Event) bool { return e.Name == "n" && e.Action == "a" && !e.Interactive })
	f("engagement", withData("engagement", `"page":"/p","time_on_page":4000,"scroll_depth":0`), func(e *event.Event) bool { return e.TimeOnPage == 4000 && e.ScrollDepth == 0 && e.Page == "/p" })
	f("engagement without scroll", withData("engagement", `"time_on_page":1`), func(e *event.Event) bool { return e.ScrollDepth == event.NoScroll && e.Page == "" })
	f("revenue as text", withData("event", `"name":"n","revenue":"-12.34567","currency":"eur"`), func(e *event.Event) bool { return e.Revenue == -123456 && e.Currency == "EUR" })
	f("revenue as number", withData("pageview", `"revenue":0.1,"currency":"USD"`), func(e *event.Event) bool { return e.Revenue == 1000 && e.HasRevenue() })
	f("revenue of nothing", withData("event", `"name":"n","revenue":0,"currency":"USD"`), func(e *event.Event) bool { return e.Revenue == 0 && e.HasRevenue() })
	f("currency alone", withData("event", `"name":"n","currency":"USD"`), func(e *event.Event) bool { return !e.HasRevenue() })
	f("properties", withData("pageview", `"properties":{"z":true,"a":1.50,"n":null,"b":"x\u0007y","a":2}`), func(e *event.Event) bool {
		return fmt.Sprint(e.Properties) == "[{a 2} {b xy} {z true}]"
	})
	f("64 properties", withData("pageview", properties(64)), func(e *event.Event) bool { return len(e.Properties) == 64 })
	f("controls and bad UTF-8", withData("pageview", `"title":"a\u0000b`+"\xff"+`c\ud83d\ude00\ud800"`), func(e *event.Event) bool { return e.Title == "abc😀�" })
	f("a long user id", `[{"type":"pageview","tracking_id":"t_main","id":"a","user_id":"`+strings.Repeat("u", 129)+`"}]`, func(e *event.Event) bool {
		return len(e.UserID) == 128 && e.SessionID == e.UserID && e.Flags&event.Truncated != 0
	})
	f("context.page and hostname", withContext(`"page":"/c","hostname":"Example.COM","title":"T"`), func(e *event.Event) bool { return e.Page == "/c" && e.Hostname == "example.com" && e.Title == "T" })
	f("page in data, campaign in the URL", `[{"type":"pageview","tracking_id":"t_main","id":"a","data":{"page":"/own"},"context":{"url":"https://example.com/x?utm_source=news&utm_medium=email"}}]`,
		func(e *event.Event) bool {
			return e.Page == "/own" && e.Hostname == "example.com" && e.Medium == "email"
		})
	f("no page", "["+good+"]", func(e *event.Event) bool { return e.Page == "/" })
	f("language of the browser", "["+good+"]", func(e *event.Event) bool { return e.Language == "de-DE" })
	f("clock ahead", withData("pageview", fmt.Sprintf(`"timestamp":%d`, testNow+300_001)), func(e *event.Event) bool {
		return e.Timestamp == testNow && e.Flags == event.ClockAhead
	})
	f("clock corrected", fmt.Sprintf(`{"sent_at":%d,"events":[{"type":"pageview","tracking_id":"t_main","id":"a","data":{"timestamp":%d}}]}`, testNow-60_000, testNow-61_000), func(e *event.Event) bool {
		return e.Timestamp == testNow-1000
	})
	f("address by policy", `[{"type":"pageview","tracking_id":"t_strict","id":"a","context":{"hostname":"strict.example"}}]`, func(e *event.Event) bool { return e.IPAddress == "203.0.113.0" })
	f("whole address", `[{"type":"pageview","tracking_id":"t_open","id":"a"}]`, func(e *event.Event) bool { return e.IPAddress == "203.0.113.7" })
	f("listed query keys", `[{"type":"pageview","tracking_id":"t_strict","id":"a","context":{"url":"https://strict.example/x?id=7&secret=1"}}]`, func(e *event.Event) bool {
		return strings.HasPrefix(e.Page, "/x") && !strings.Contains(e.Page, "secret")
	})
	f("crawler", "["+good+"]", func(e *event.Event) bool { return e.BotBand == 3 && len(e.BotReasons) > 0 }, "User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
}

func TestVisitorIDs(t *testing.T) {
	d := newDoor(t, nil)
	a := d.one("[" + good + "]").UserID
	if b := d.one("[" + good + "]").UserID; a == "" || a != b {
		t.Errorf("the same visitor is %q and %q", a, b)
	}
	if b := d.one("["+good+"]", "Remote: 203.0.113.8:1").UserID; a == b {
		t.Error("another address is the same visitor")
	}
	if b := d.one("["+good+"]", "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0").UserID; a == b {
		t.Error("another browser is the same visitor")
	}
	if b := d.one(`[{"type":"pageview","tracking_id":"t_open","id":"a"}]`).UserID; a == b {
		t.Error("the visitor is known on another site")
	}
}

// TestHashOverMidnight: who is active over midnight keeps yesterday's hash until 30 minutes have passed without an event.
func TestHashOverMidnight(t *testing.T) {
	d := newDoor(t, nil)
	midnight := time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC)
	at := func(after time.Duration, headers ...string) string {
		d.now = midnight.Add(after)
		return d.one("["+good+"]", headers...).UserID
	}
	first := at(-10 * time.Minute)
	other := at(-31*time.Minute, "Remote: 203.0.113.9:1")
	if id := at(19 * time.Minute); id != first {
		t.Error("29 minutes later, over midnight, the visitor is another one")
	}
	if id := at(48 * time.Minute); id != first {
		t.Error("29 minutes after that, the visitor is another one")
	}
	if id := at(50*time.Minute, "Remote: 203.0.113.9:1"); id == other {
		t.Error("81 minutes later yesterday's hash is still used")
	}
	if id := at(78 * time.Minute); id != first {
		t.Error("30 minutes to the millisecond is too long")
	}
	if id := at(109 * time.Minute); id == first {
		t.Error("31 minutes later yesterday's hash is still used")
	}
}

func TestDerivedIDs(t *testing.T) {
	d := newDoor(t, nil)
	const body = `[{"type":"pageview","tracking_id":"t_main","user_id":"u"},{"type":"pageview","tracking_id":"t_main","user_id":"u"}]`
	d.post(body)
	d.post(body)
	d.now = d.now.Add(time.Second)
	d.post(body)
	e := d.sink.events
	if len(e) != 6 || e[0].ID != e[2].ID || e[1].ID != e[3].ID {
		t.Error("the same request within a second has other ids")
	}
	if e[0].ID == e[1].ID || e[0].ID == e[4].ID || e[0].Flags != event.DerivedID {
		t.Error("another place or second has the same id")
	}
}

func TestImport(t *testing.T) {
	d := newDoor(t, nil)
	const day = event.DayMillis
	old := int64(testNow - 90*day)
	body := fmt.Sprintf(`[{"type":"pageview","tracking_id":"t_main","id":"a","received_at":%d,"data":{"timestamp":%d},"context":{"ip":"8.8.8.8","user_agent":%q}},
		{"type":"pageview","tracking_id":"t_main","id":"b","received_at":%d,"context":{"ip":"8.8.8.8","user_agent":%q}},
		{"type":"pageview","tracking_id":"t_main","id":"c","received_at":%d},
		{"type":"pageview","tracking_id":"t_main","id":"d","received_at":%d,"data":{"timestamp":%d}},
		{"type":"x","tracking_id":"t_main","received_at":%d}]`,
		old, old-30*day, chrome, old+60_000, chrome, testNow+day, old, old+5, old)
	for range 2 {
		code, text := status(t, d.do("POST", "/v1/import", body, "Authorization: Bearer k_import", "DNT: 1", "User-Agent: Go-http-client/1.1"))
		if want := `{"status":"ok","received":4,"rejected":[{"index":4,"reason":"unknown_type"}]}`; code != 200 || text != want {
			t.Fatalf("got %d %s", code, text)
		}
	}
	e := d.sink.events
	if e[0].Timestamp != old-30*day || e[0].ReceivedAt != old || e[0].Flags != event.Imported || e[0].Browser != "Chrome" {
		t.Errorf("first: %+v", e[0])
	}
	if e[0].UserID != e[1].UserID || e[0].UserID != e[4].UserID {
		t.Error("one visitor of one day has several ids")
	}
	if e[2].ReceivedAt != testNow || e[2].BotScore != 0 {
		t.Errorf("received in the future, of nobody: %+v", e[2])
	}
	if e[3].Timestamp != old {
		t.Errorf("an event later than its receipt: %d", e[3].Timestamp)
	}
	minutes := map[int64]int64{}
	for _, r := range d.sink.receipts[:3] {
		minutes[event.Minute(r.ReceivedAt)] += r.Received
	}
	if minutes[event.Minute(old)] != 3 || minutes[event.Minute(old+60_000)] != 1 || minutes[event.Minute(testNow)] != 1 {
		t.Errorf("receipts by minute: %v", minutes)
	}
	site, _ := testSites().ByTracking("t_main")
	reply, err := d.h.ImportBatch(context.Background(), site, []byte(body))
	if err != nil || reply.Received != 4 || len(reply.Rejected) != 1 {
		t.Errorf("in process: %+v, %v", reply, err)
	}
	if _, err := d.h.ImportBatch(context.Background(), site, []byte("{")); err == nil {
		t.Error("a broken batch was taken")
	}
}

// TestNamedClient: context.ip and context.user_agent count only with a key.
func TestNamedClient(t *testing.T) {
	d := newDoor(t, nil)
	body := `[{"type":"pageview","tracking_id":"%s","id":"a","context":{"ip":"198.51.100.9","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}]`
	main, open := fmt.Sprintf(body, "t_main"), fmt.Sprintf(body, "t_open")
	if e := d.one(main); e.Browser != "Chrome" {
		t.Errorf("without a key: %s", e.Browser)
	}
	if e := d.one(main, "Authorization: Bearer k_ingest"); e.Browser != "Firefox" {
		t.Errorf("with a key: %s", e.Browser)
	}
	if e := d.one(open, "Authorization: Bearer k_ingest"); e.Browser != "Chrome" || e.IPAddress != "203.0.113.7" {
		t.Errorf("with another site's key: %s %s", e.Browser, e.IPAddress)
	}
	if e := d.one(open, "Authorization: Bearer k_all"); e.Browser != "Firefox" || e.IPAddress != "198.51.100.9" {
		t.Errorf("with a key for all: %s %s", e.Browser, e.IPAddress)
	}
	if e := d.one(main, "Authorization: Bearer wrong"); e.Browser != "Chrome" {
		t.Errorf("with a wrong key: %s", e.Browser)
	}
}

func TestClientAddress(t *testing.T) {
	d := newDoor(t, func(o *Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	f := func(name, want string, headers ...string) {
		t.Helper()
		if e := d.one(`[{"type":"pageview","tracking_id":"t_open","id":"a"}]`, headers...); e.IPAddress != want {
			t.Errorf("%s: got %q, want %q", name, e.IPAddress, want)
		}
	}
	const proxy = "Remote: 10.1.1.1:5"
	f("a stranger may not forward", "203.0.113.7", "X-Forwarded-For: 198.51.100.1")
	f("a proxy may", "198.51.100.1", proxy, "X-Forwarded-For: 198.51.100.1")
	f("what stands left of it is not believed", "198.51.100.2", proxy, "X-Forwarded-For: 8.8.8.8, 198.51.100.2, 10.2.2.2")
	f("proxies alone", "10.3.3.3", proxy, "X-Forwarded-For: 10.3.3.3, 10.2.2.2")
	f("garbage ends the walk", "10.2.2.2", proxy, "X-Forwarded-For: 198.51.100.1, nonsense, 10.2.2.2")
	f("with a port", "198.51.100.1", proxy, "X-Forwarded-For: 198.51.100.1:443")
	f("IPv6 in brackets", "2001:db8::1", proxy, "X-Forwarded-For: [2001:db8::1]:443")
	f("Forwarded", "2001:db8::2", proxy, `Forwarded: for=8.8.8.8, proto=https;For="[2001:db8::2]:4711"`)
	f("mapped IPv4", "198.51.100.3", "Remote: [::ffff:10.1.1.1]:5", "X-Forwarded-For: ::ffff:198.51.100.3")
	f("no header", "10.1.1.1", proxy)
}

func TestRateLimit(t *testing.T) {
	d := newDoor(t, func(o *Options) { o.EventsPerSecond = 1000 })
	for i := range 2 {
		if code, _ := d.post(many(500)); code != 200 {
			t.Fatalf("request %d: %d", i, code)
		}
	}
	r := d.do("POST", "/v1/events", "["+good+"]")
	if code, text := status(t, r); code != 429 || r.Header.Get("Retry-After") != "1" || !strings.Contains(text, `"too many events from this address"`) {
		t.Errorf("got %d %s", code, text)
	}
	if code, _ := d.post("["+good+"]", "Remote: 203.0.113.99:1"); code != 200 {
		t.Errorf("another address: %d", code)
	}
	if code, _ := d.post(many(500), "Remote: [::1]:1"); code != 200 {
		t.Errorf("loopback: %d", code)
	}
	if v := d.do("GET", "/v1/pixel.gif?t=t_main", "").Header.Get("X-Ingest-Verdict"); v != "unavailable" {
		t.Errorf("pixel: %s", v)
	}
	d.now = d.now.Add(time.Second)
	if code, _ := d.post("[" + good + "]"); code != 200 {
		t.Errorf("a second later: %d", code)
	}
	if n := d.h.Counters().Limited.Load(); n != 2 {
		t.Errorf("%d limited", n)
	}
}

func TestLogTrouble(t *testing.T) {
	d := newDoor(t, nil)
	f := func(err error, code, retry string) {
		t.Helper()
		d.sink.err = err
		for _, body := range []string{"[" + good + "]", "nonsense"} {
			r := d.do("POST", "/v1/events", body)
			if got, text := status(t, r); got != 503 || r.Header.Get("Retry-After") != retry || !strings.Contains(text, `"code":"`+code+`"`) {
				t.Errorf("%v: got %d %s", err, got, text)
			}
		}
		if v := d.do("GET", "/v1/pixel.gif?t=t_main", "").Header.Get("X-Ingest-Verdict"); v != "unavailable" {
			t.Errorf("pixel: %s", v)
		}
	}
	f(fmt.Errorf("x: %w", eventlog.ErrFull), "log_full", "10")
	f(eventlog.ErrUnavailable, "unavailable", "2")
	f(eventlog.ErrClosed, "unavailable", "2")
	f(io.ErrUnexpectedEOF, "unavailable", "2")
	d.sink.err = nil
	if code, _ := d.post("[" + good + "]"); code != 200 {
		t.Errorf("after the trouble: %d", code)
	}
}

func TestPixel(t *testing.T) {
	d := newDoor(t, nil)
	f := func(query, verdict string, headers ...string) *http.Response {
		t.Helper()
		r := d.do("GET", "/v1/pixel.gif"+query, "", headers...)
		code, text := status(t, r)
		if code != 200 || text != strings.TrimSpace(gif) || r.Header.Get("Content-Type") != "image/gif" || r.Header.Get("X-Ingest-Verdict") != verdict {
			t.Errorf("%s: got %d %q %v", query, code, text, r.Header)
		}
		return r
	}
	f("?t=t_main&p=/p&r=https://www.google.com/&title=T", "stored")
	f("?t=t_main", "stored", "Referer: https://example.com/from?utm_medium=email")
	f("?t=t_main&n=signup", "stored")
	f("", "failed:missing_tracking_id")
	f("?t=nobody", "failed:unknown_tracking_id")
	f("?t=t_main", "filtered:gpc", "Sec-GPC: 1")
	f("?t=t_main&p=%zz;%", "stored")
	f("?t=t_main&p="+strings.Repeat("x", 40_000), "failed:too_large")
	e := d.sink.events
	if e[0].Page != "/p" || e[0].Title != "T" || e[1].Page != "/from" || e[1].Hostname != "example.com" || e[2].Type != event.Custom || e[2].Name != "signup" {
		t.Errorf("got %+v", e[:3])
	}
	if code := d.do("HEAD", "/v1/pixel.gif?t=t_main", "").StatusCode; code != 405 {
		t.Errorf("HEAD: %d", code)
	}
}

func TestPreflight(t *testing.T) {
	d := newDoor(t, nil)
	for _, path := range []string{"/v1/events", "/v1/import", "/v1/pixel.gif"} {
		r := d.do("OPTIONS", path, "")
		if r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Access-Control-Allow-Methods") == "" || r.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
	}
	if r := d.do("GET", "/v1/events", ""); r.StatusCode != 405 || r.Header.Get("Allow") != "POST, OPTIONS" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
}

// TestNothingVanishes: what arrived is accepted, filtered or failed, and every failed payload is kept.
func TestNothingVanishes(t *testing.T) {
	d := newDoor(t, nil)
	d.post(`[` + good + `,{"type":"pageview","tracking_id":"t_open","id":"b"},{"type":"x","tracking_id":"t_open"},3,{"type":"pageview","tracking_id":"?"},
		{"type":"pageview","tracking_id":"t_main","id":"c","data":{"timestamp":1}}]`)
	var received, refused int64
	bySite := map[string]int64{}
	for _, r := range d.sink.receipts {
		received += r.Received
		bySite[r.WebsiteID] += r.Received
		for _, row := range r.Refused {
			refused += row.Count
		}
	}
	if received != 6 || refused != 4 || len(d.sink.events) != 2 || len(d.sink.failed) != 3 || d.sink.appends != 1 {
		t.Errorf("received %d, refused %d, %d events, %d failed, %d appends", received, refused, len(d.sink.events), len(d.sink.failed), d.sink.appends)
	}
	if bySite["w_main"] != 2 || bySite["w_open"] != 2 || bySite[""] != 2 {
		t.Errorf("by site: %v", bySite)
	}
	if f := d.sink.failed[1]; string(f.Payload) != "3" || f.Reason != "not_an_object" || f.WebsiteID != "" {
		t.Errorf("failed: %+v", f)
	}
	c := d.h.Counters()
	if c.Received.Load() != 6 || c.Accepted.Load() != 2 || c.Refused()["filtered:too_old"] != 1 || c.Refused()["failed:unknown_type"] != 1 {
		t.Errorf("counters: %v %v %v", c.Received.Load(), c.Accepted.Load(), c.Refused())
	}
}

func TestSessionInfo(t *testing.T) {
	d := newDoor(t, nil)
	first := d.one(pageview(`,"session_id":"s1"`))
	d.now = d.now.Add(time.Minute)
	second := d.one(pageview(`,"session_id":"s1"`))
	if first.Session != nil || second.Session == nil || second.Session.StartedAt != testNow || second.Session.EntryPage != "/pricing" || second.Session.Events != 1 {
		t.Errorf("got %+v, %+v", first.Session, second.Session)
	}
}

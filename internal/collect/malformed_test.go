package collect

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
	"github.com/footfall-analytics/footfall/internal/event"
)

// malformed is one bad request and the exact answer to it.
type malformed struct {
	name    string
	body    string
	headers []string // "Name: value"; method and path may be given as "Method: ..." and "Path: ..."
	status  int
	want    string // the whole body, or the message of the error where status is not 200
}

const good = `{"type":"pageview","tracking_id":"t_main","id":"a"}`

// rejected is the answer to a batch of one event that is none.
func rejected(reason string) string {
	return `{"status":"ok","received":0,"rejected":[{"index":0,"reason":"` + reason + `"}]}`
}

func deep(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

func many(n int) string { return "[" + strings.Repeat(good+",", n-1) + good + "]" }

func withData(kind, data string) string {
	return `[{"type":"` + kind + `","tracking_id":"t_main","id":"a","data":{` + data + `}}]`
}

func withContext(context string) string {
	return `[{"type":"pageview","tracking_id":"t_main","id":"a","context":{` + context + `}}]`
}

func properties(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"p%d":"v"`, i)
	}
	return `"properties":{` + b.String()[1:] + `}`
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func zstandard(text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

const (
	notEvents = `cannot read events: neither an array of events nor an object with "events"`
	tooDeep   = "cannot read events: nested deeper than 8 levels"
	tooBig    = "more than 1048576 bytes"
	needsKey  = "a key of scope import is needed, as a bearer token"
)

// malformedRequests is every way to get it wrong that we know of.
var malformedRequests = []malformed{
	// Bodies that are no JSON.
	{"empty body", "", nil, 400, "cannot read events: the end instead of a value at byte 0"},
	{"only spaces", " \n\t", nil, 400, "cannot read events: the end instead of a value at byte 3"},
	{"plain words", "hello", nil, 400, "cannot read events: 'h' instead of a value at byte 0"},
	{"HTML", "<html>", nil, 400, "cannot read events: '<' instead of a value at byte 0"},
	{"form", "type=pageview", nil, 400, "cannot read events: 't' instead of a value at byte 0"},
	{"byte order mark", "\ufeff[]", nil, 400, "cannot read events: 'ï' instead of a value at byte 0"},
	{"NUL bytes", "\x00\x00", nil, 400, `cannot read events: '\x00' instead of a value at byte 0`},
	{"cut array", "[", nil, 400, "cannot read events: the end instead of ']' at byte 1"},
	{"cut object", `[{"type"`, nil, 400, "cannot read events: the end instead of ':' at byte 8"},
	{"cut string", `[{"type":"pagev`, nil, 400, "cannot read events: string without end at byte 15"},
	{"cut escape", `[{"type":"a\`, nil, 400, "cannot read events: string without end at byte 11"},
	{"cut after a good event", "[" + good, nil, 400, "cannot read events: the end instead of ']' at byte 52"},
	{"comma at the end", "[" + good + ",]", nil, 400, "cannot read events: ']' instead of a value at byte 53"},
	{"no comma", "[" + good + good + "]", nil, 400, "cannot read events: '{' instead of ',' or ']' at byte 52"},
	{"two documents", "[][]", nil, 400, "cannot read events: '[' instead of the end at byte 2"},
	{"name without quotes", `[{type:"pageview"}]`, nil, 400, "cannot read events: 't' instead of a name in quotes at byte 2"},
	{"single quotes", `[{'type':'pageview'}]`, nil, 400, `cannot read events: '\'' instead of a name in quotes at byte 2`},
	{"missing colon", `[{"type" "pageview"}]`, nil, 400, `cannot read events: '"' instead of ':' at byte 9`},
	{"comment", "[/*x*/]", nil, 400, "cannot read events: '/' instead of a value at byte 1"},
	{"bare NaN", `[{"v":NaN}]`, nil, 400, "cannot read events: 'N' instead of a value at byte 6"},
	{"bad literal", `[{"v":nul}]`, nil, 400, "cannot read events: 'n' instead of a value at byte 6"},
	{"leading zero", `[{"v":01}]`, nil, 400, "cannot read events: '1' instead of ',' or '}' at byte 7"},
	{"plus sign", `[{"v":+1}]`, nil, 400, "cannot read events: '+' instead of a value at byte 6"},
	{"dot without digits", `[{"v":1.}]`, nil, 400, "cannot read events: '}' instead of a digit at byte 8"},
	{"exponent without digits", `[{"v":1e}]`, nil, 400, "cannot read events: '}' instead of a digit at byte 8"},
	{"lone minus", `[{"v":-}]`, nil, 400, "cannot read events: '}' instead of a digit at byte 7"},
	{"line end in a string", "[{\"v\":\"a\nb\"}]", nil, 400, "cannot read events: control character in a string at byte 8"},
	{"unknown escape", `[{"v":"\x41"}]`, nil, 400, "cannot read events: unknown escape in a string at byte 7"},
	{"bad hex digits", `[{"v":"\u12G4"}]`, nil, 400, "cannot read events: unknown escape in a string at byte 7"},

	// JSON of another shape.
	{"a number", "42", nil, 400, notEvents},
	{"a string", `"pageview"`, nil, 400, notEvents},
	{"null", "null", nil, 400, notEvents},
	{"true", "true", nil, 400, notEvents},
	{"empty object", "{}", nil, 400, notEvents},
	{"a bare event", good, nil, 400, notEvents},
	{"events is no array", `{"events":{}}`, nil, 400, notEvents},
	{"9 levels", deep(9), nil, 400, tooDeep},
	{"100,000 levels", deep(100_000), nil, 400, tooDeep},
	{"deep in an unknown key", `[{"x":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}]`, nil, 400, tooDeep},

	// Sizes.
	{"501 events", many(501), nil, 413, "more than 500 events"},
	{"over 1 MiB", "[" + strings.Repeat(" ", 1<<20) + "]", nil, 413, tooBig},
	{"gzip bomb", gzipped("[" + strings.Repeat(" ", 20<<20) + "]"), []string{"Content-Encoding: gzip"}, 413, tooBig},
	{"zstd bomb", zstandard("[" + strings.Repeat(" ", 20<<20) + "]"), []string{"Content-Encoding: zstd"}, 413, tooBig},
	{"event over 32 KiB", `[{"type":"pageview","tracking_id":"t_main","x":"` + strings.Repeat("x", 32<<10) + `"}]`, nil, 200, rejected("too_large")},

	// Headers.
	{"wrong content type", "[]", []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "unsupported content type"},
	{"multipart", "[]", []string{"Content-Type: multipart/form-data; boundary=x"}, 415, "unsupported content type"},
	{"unknown encoding", "[]", []string{"Content-Encoding: compress"}, 415, "unsupported content encoding"},
	{"two encodings", "[]", []string{"Content-Encoding: gzip, br"}, 415, "unsupported content encoding"},
	{"no gzip", "[]", []string{"Content-Encoding: gzip"}, 400, "cannot read events: the body is not valid gzip"},
	{"cut gzip", gzipped("[" + good + "]")[:30], []string{"Content-Encoding: gzip"}, 400, "cannot read events: the body is not valid gzip"},
	{"no zstd", "[]", []string{"Content-Encoding: zstd"}, 400, "cannot read events: the body is not valid zstd"},
	{"no brotli", "\xff\xff\xff\xff", []string{"Content-Encoding: br"}, 400, "cannot read events: the body is not valid br"},
	{"GET", "", []string{"Method: GET"}, 405, "the method is not allowed here"},
	{"PUT", "[]", []string{"Method: PUT"}, 405, "the method is not allowed here"},
	{"DELETE", "", []string{"Method: DELETE"}, 405, "the method is not allowed here"},
	{"import without a key", "[]", []string{"Path: /v1/import"}, 401, needsKey},
	{"import with a wrong key", "[]", []string{"Path: /v1/import", "Authorization: Bearer nonsense"}, 401, needsKey},
	{"import with another scheme", "[]", []string{"Path: /v1/import", "Authorization: Basic azpr"}, 401, needsKey},
	{"import with a key of another scope", "[]", []string{"Path: /v1/import", "Authorization: Bearer k_stats"}, 403, "the key has not the scope import"},
	{"GET of import", "", []string{"Method: GET", "Path: /v1/import"}, 405, "the method is not allowed here"},
	{"POST to the pixel", "", []string{"Method: POST", "Path: /v1/pixel.gif"}, 405, "the method is not allowed here"},

	// Events that are none.
	{"number instead of an event", "[1]", nil, 200, rejected("not_an_object")},
	{"null instead of an event", "[null]", nil, 200, rejected("not_an_object")},
	{"array instead of an event", "[[]]", nil, 200, rejected("not_an_object")},
	{"empty event", "[{}]", nil, 200, rejected("missing_type")},
	{"type is null", `[{"type":null,"tracking_id":"t_main"}]`, nil, 200, rejected("missing_type")},
	{"empty type", `[{"type":"","tracking_id":"t_main"}]`, nil, 200, rejected("missing_type")},
	{"unknown type", `[{"type":"click","tracking_id":"t_main"}]`, nil, 200, rejected("unknown_type")},
	{"type in capitals", `[{"type":"PageView","tracking_id":"t_main"}]`, nil, 200, rejected("unknown_type")},
	{"no tracking id", `[{"type":"pageview"}]`, nil, 200, rejected("missing_tracking_id")},
	{"unknown tracking id", `[{"type":"pageview","tracking_id":"nobody"}]`, nil, 200, rejected("unknown_tracking_id")},
	{"type is a number", `[{"type":1,"tracking_id":"t_main"}]`, nil, 200, rejected("wrong_type:type")},
	{"tracking id is a number", `[{"type":"pageview","tracking_id":1}]`, nil, 200, rejected("wrong_type:tracking_id")},
	{"id is a number", `[{"type":"pageview","tracking_id":"t_main","id":7}]`, nil, 200, rejected("wrong_type:id")},
	{"user id is an object", `[{"type":"pageview","tracking_id":"t_main","user_id":{}}]`, nil, 200, rejected("wrong_type:user_id")},
	{"session id is an array", `[{"type":"pageview","tracking_id":"t_main","session_id":[]}]`, nil, 200, rejected("wrong_type:session_id")},
	{"data is a string", `[{"type":"pageview","tracking_id":"t_main","data":"x"}]`, nil, 200, rejected("wrong_type:data")},
	{"context is an array", `[{"type":"pageview","tracking_id":"t_main","context":[]}]`, nil, 200, rejected("wrong_type:context")},
	{"page is a number", withData("pageview", `"page":1`), nil, 200, rejected("wrong_type:data.page")},
	{"title is true", withData("pageview", `"title":true`), nil, 200, rejected("wrong_type:data.title")},
	{"referrer is an object", withData("pageview", `"referrer":{}`), nil, 200, rejected("wrong_type:data.referrer")},
	{"timestamp is text", withData("pageview", `"timestamp":"1763856000000"`), nil, 200, rejected("wrong_type:data.timestamp")},
	{"timestamp is negative", withData("pageview", `"timestamp":-1`), nil, 200, rejected("invalid_timestamp")},
	{"timestamp is a fraction", withData("pageview", `"timestamp":1763856000000.5`), nil, 200, rejected("invalid_timestamp")},
	{"timestamp is beyond int64", withData("pageview", `"timestamp":99999999999999999999`), nil, 200, rejected("invalid_timestamp")},
	{"value is text", withData("event", `"name":"n","value":"1"`), nil, 200, rejected("wrong_type:data.value")},
	{"value is beyond float64", withData("event", `"name":"n","value":1e999`), nil, 200, rejected("wrong_type:data.value")},
	{"interactive is a number", withData("event", `"name":"n","interactive":0`), nil, 200, rejected("wrong_type:data.interactive")},
	{"name is a number", withData("event", `"name":1`), nil, 200, rejected("wrong_type:data.name")},
	{"event without a name", withData("event", `"category":"c"`), nil, 200, rejected("missing_name")},
	{"event with a blank name", withData("event", `"name":" \u0000 "`), nil, 200, rejected("missing_name")},
	{"revenue is no number", withData("event", `"name":"n","revenue":"12,50","currency":"EUR"`), nil, 200, rejected("invalid_revenue")},
	{"revenue is empty digits", withData("event", `"name":"n","revenue":".5","currency":"EUR"`), nil, 200, rejected("invalid_revenue")},
	{"revenue is too large", withData("event", `"name":"n","revenue":1e13,"currency":"EUR"`), nil, 200, rejected("invalid_revenue")},
	{"revenue is true", withData("event", `"name":"n","revenue":true,"currency":"EUR"`), nil, 200, rejected("wrong_type:data.revenue")},
	{"revenue without currency", withData("event", `"name":"n","revenue":1`), nil, 200, rejected("invalid_currency")},
	{"unknown currency", withData("event", `"name":"n","revenue":1,"currency":"ABC"`), nil, 200, rejected("invalid_currency")},
	{"currency across two codes", withData("event", `"name":"n","revenue":1,"currency":"D A"`), nil, 200, rejected("invalid_currency")},
	{"engagement of nothing", withData("engagement", `"page":"/"`), nil, 200, rejected("empty_engagement")},
	{"engagement of no time", withData("engagement", `"time_on_page":0`), nil, 200, rejected("empty_engagement")},
	{"negative time on page", withData("engagement", `"time_on_page":-5`), nil, 200, rejected("wrong_type:data.time_on_page")},
	{"scroll depth of 101", withData("engagement", `"scroll_depth":101`), nil, 200, rejected("invalid_scroll_depth")},
	{"scroll depth below 0", withData("engagement", `"scroll_depth":-1`), nil, 200, rejected("invalid_scroll_depth")},
	{"scroll depth is text", withData("engagement", `"scroll_depth":"50"`), nil, 200, rejected("wrong_type:data.scroll_depth")},
	{"identify nobody", `[{"type":"identify","tracking_id":"t_main"}]`, nil, 200, rejected("missing_user_id")},
	{"properties are an array", withData("pageview", `"properties":[]`), nil, 200, rejected("wrong_type:data.properties")},
	{"property is an object", withData("pageview", `"properties":{"a":{"b":1}}`), nil, 200, rejected("wrong_type:data.properties")},
	{"65 properties", withData("pageview", properties(65)), nil, 200, rejected("too_many_properties")},
	{"context.url is a number", withContext(`"url":1`), nil, 200, rejected("wrong_type:context.url")},
	{"context.ip is a number", withContext(`"ip":1`), nil, 200, rejected("wrong_type:context.ip")},
	{"context.user_agent is null-ish", withContext(`"user_agent":false`), nil, 200, rejected("wrong_type:context.user_agent")},
	{"context.language is an array", withContext(`"language":["de"]`), nil, 200, rejected("wrong_type:context.language")},
	{"import for another site", `[{"type":"pageview","tracking_id":"t_open","id":"a"}]`, []string{"Path: /v1/import", "Authorization: Bearer k_import"}, 200, rejected("other_site")},
	{"import received at no time", `[{"type":"pageview","tracking_id":"t_main","id":"a","received_at":-1}]`, []string{"Path: /v1/import", "Authorization: Bearer k_import"}, 200, rejected("invalid_timestamp")},
	{"good and bad together", "[" + good + `,{"type":"x","tracking_id":"t_main"},` + good + ",7]", nil, 200,
		`{"status":"ok","received":2,"rejected":[{"index":1,"reason":"unknown_type"},{"index":3,"reason":"not_an_object"}]}`},
}

// servers are the two ways to the door.
func servers(t *testing.T, f func(*testing.T, *door, *httptest.Server)) {
	for _, fronted := range []bool{false, true} {
		t.Run(fmt.Sprintf("front=%v", fronted), func(t *testing.T) {
			d := newDoor(t, nil)
			server := httptest.NewUnstartedServer(d.mux)
			server.Config.ReadTimeout = 2 * time.Second
			if fronted {
				server.Listener = wire.NewFront(server.Config, d.h, event.MaxBatchBytes).Listen(server.Listener)
			}
			server.Start()
			defer server.Close()
			f(t, d, server)
		})
	}
}

func TestMalformedRequests(t *testing.T) {
	if len(malformedRequests) < 60 {
		t.Fatalf("only %d cases", len(malformedRequests))
	}
	servers(t, testMalformedRequests)
}

func testMalformedRequests(t *testing.T, d *door, server *httptest.Server) {
	defer http.DefaultClient.CloseIdleConnections()
	for _, c := range malformedRequests {
		t.Run(c.name, func(t *testing.T) {
			before := d.counted()
			code, text, header := c.send(t, server.URL)
			want := c.want
			if c.status != 200 {
				want = fmt.Sprintf(`{"error":{"code":%q,"message":%s}}`, errorCodes[c.status], mustJSON(c.want))
			}
			if code != c.status || text != want {
				t.Errorf("\n got %d %s\nwant %d %s", code, text, c.status, want)
			}
			if header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("a browser may not read the answer")
			}
			if got := d.counted() - before; c.status == 400 && got != 1 || c.status > 400 && got != 0 {
				t.Errorf("%d events are in the ledger", got)
			}
		})
	}
}

var errorCodes = map[int]string{400: "unreadable", 401: "unauthorized", 403: "forbidden", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}

// counted returns how many events the receipts hold.
func (d *door) counted() (n int64) {
	d.sink.mu.Lock()
	defer d.sink.mu.Unlock()
	for _, r := range d.sink.receipts {
		n += r.Received
	}
	return n
}

func (c *malformed) send(t *testing.T, base string) (int, string, http.Header) {
	t.Helper()
	method, path, set := "POST", "/v1/events", http.Header{"Content-Type": {"application/json"}}
	for _, h := range c.headers {
		name, value, _ := strings.Cut(h, ": ")
		switch name {
		case "Method":
			method = value
		case "Path":
			path = value
		default:
			set.Set(name, value)
		}
	}
	r, err := http.NewRequest(method, base+path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = set
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	code, text := status(t, answer)
	return code, text, answer.Header
}

// TestMalformedTransfers sends bytes that no HTTP client would.
func TestMalformedTransfers(t *testing.T) { servers(t, testMalformedTransfers) }

func testMalformedTransfers(t *testing.T, d *door, server *httptest.Server) {
	head := "POST /v1/events HTTP/1.1\r\nHost: x\r\n"
	f := func(name, bytes, want string) {
		t.Helper()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, bytes); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		code, text := status(t, answer)
		if got := fmt.Sprint(code, " ", text); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	early := `400 {"error":{"code":"unreadable","message":"cannot read events: the body ended early or was not sent as announced"}}`
	f("length is no number", head+"Content-Length: x\r\n\r\n[]", "400 400 Bad Request")
	f("length is negative", head+"Content-Length: -2\r\n\r\n[]", "400 400 Bad Request")
	f("two lengths", head+"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", "400 400 Bad Request")
	f("length of 20 GB", head+"Content-Length: 20000000000\r\n\r\n[]", `413 {"error":{"code":"too_large","message":"more than 1048576 bytes"}}`)
	f("body shorter than its length", head+"Content-Length: 20\r\n\r\n[]", early)
	f("garbage instead of a chunk", head+"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", early)
	f("chunk with a bad end", head+"Transfer-Encoding: chunked\r\n\r\n2\r\n[]xx0\r\n\r\n", early)
	f("chunks without end", head+"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n", early)
	f("unknown transfer coding", head+"Transfer-Encoding: snail\r\n\r\n[]", "501 Unsupported transfer encoding")
	f("length and chunks", head+"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", `400 {"error":{"code":"unreadable","message":"cannot read events: the end instead of a value at byte 0"}}`)
	f("size of a chunk below 0", head+"Transfer-Encoding: chunked\r\n\r\n-2\r\n[]\r\n0\r\n\r\n", early)
	f("folded length", head+"Content-Length:\r\n 2\r\n\r\n[]", `200 {"status":"ok","received":0}`)
	f("header in a value", head+"Dnt: 1\rTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n[]", "400 400 Bad Request")
	f("absolute form", "POST http://x/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]", `200 {"status":"ok","received":0}`)
	f("no length at all", head+"\r\n", `400 {"error":{"code":"unreadable","message":"cannot read events: the end instead of a value at byte 0"}}`)
	f("no host", "POST /v1/events HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]", "400 400 Bad Request: missing required Host header")
	f("no HTTP", "hello\r\n\r\n", "400 400 Bad Request")
	f("bad header name", head+"Bad Header: x\r\nContent-Length: 2\r\n\r\n[]", "400 400 Bad Request: invalid header name")
	if n := d.counted(); n != 2 {
		t.Errorf("%d events are in the ledger, want the two empty bodies", n)
	}
}

package wire

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// heads are beginnings of requests; parse must have no opinion about those that are not plain.
var heads = []struct {
	name, text string
	plain      bool
}{
	{"event", "POST /v1/events HTTP/1.1\r\nHost: example.com\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\n", true},
	{"pixel", "GET /v1/pixel.gif?t=x&p=%2F HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", true},
	{"another route", "GET /api/v1/sites HTTP/1.1\r\nHost: x\r\nCookie: a=b; c=d\r\n\r\n", true},
	{"spaces around a value", "POST /v1/events HTTP/1.1\r\nHost:x\r\nDnt: \t 1 \t\r\nContent-Length:2\r\n\r\n", true},
	{"empty value", "POST /v1/events HTTP/1.1\r\nHost: x\r\nAccept:\r\n\r\n", true},
	{"bytes beyond ASCII in a value", "POST /v1/events HTTP/1.1\r\nHost: x\r\nUser-Agent: \xffé\r\n\r\n", true},
	{"several forwarded", "POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: a\r\nx-forwarded-for: b\r\n\r\n", true},
	{"closing", "POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n", true},
	{"keeping", "POST /v1/events HTTP/1.1\r\nHost: x\r\nconnection: keep-alive\r\n\r\n", true},

	{"cut in the line", "POST /v1/ev", false},
	{"cut before the end", "POST /v1/events HTTP/1.1\r\nHost: x\r\n", false},
	{"HTTP/1.0", "POST /v1/events HTTP/1.0\r\nHost: x\r\n\r\n", false},
	{"HTTP/1.10", "POST /v1/events HTTP/1.10\r\nHost: x\r\n\r\n", false},
	{"no host", "POST /v1/events HTTP/1.1\r\n\r\n", false},
	{"two hosts", "POST /v1/events HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", false},
	{"empty host", "POST /v1/events HTTP/1.1\r\nHost:\r\n\r\n", false},
	{"host with a path", "POST /v1/events HTTP/1.1\r\nHost: x/y\r\n\r\n", false},
	{"absolute form", "POST http://x/v1/events HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"authority form", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"space in the target", "POST /v1/events x HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"fragment", "POST /v1/events#x HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"line end in the target", "POST /v1/events\n HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"bare line ends", "POST /v1/events HTTP/1.1\nHost: x\n\n", false},
	{"one bare line end", "POST /v1/events HTTP/1.1\r\nHost: x\nDnt: 1\r\n\r\n", false},
	{"bare CR in a value", "POST /v1/events HTTP/1.1\r\nHost: x\r\nDnt: 1\rContent-Length: 9\r\n\r\n", false},
	{"NUL in a value", "POST /v1/events HTTP/1.1\r\nHost: x\r\nDnt: \x00\r\n\r\n", false},
	{"folded", "POST /v1/events HTTP/1.1\r\nHost: x\r\nDnt: 1\r\n 2\r\n\r\n", false},
	{"folded length", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 2\r\n\r\n", false},
	{"folded at once", "POST /v1/events HTTP/1.1\r\n Host: x\r\n\r\n", false},
	{"space before the colon", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n", false},
	{"no colon", "POST /v1/events HTTP/1.1\r\nHost: x\r\nDnt\r\n\r\n", false},
	{"no name", "POST /v1/events HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n", false},
	{"space in a name", "POST /v1/events HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n", false},
	{"two lengths that agree", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", false},
	{"two lengths", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", false},
	{"list of lengths", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\n", false},
	{"signed length", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n", false},
	{"hex length", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\n", false},
	{"empty length", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", false},
	{"length beyond int64", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", false},
	{"chunked", "POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", false},
	{"length and chunked", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\ntransfer-encoding: chunked\r\n\r\n", false},
	{"upgrade", "GET /api/v1/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", false},
	{"connection upgrade", "GET /api/v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\r\n", false},
	{"connection list", "POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close, x\r\n\r\n", false},
	{"connection twice", "POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false},
	{"expect", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", false},
	{"trailer", "POST /v1/events HTTP/1.1\r\nHost: x\r\nTrailer: X\r\n\r\n", false},
	{"HEAD", "HEAD /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"method in small letters", "post /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"empty line first", "\r\nPOST /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", false},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", false},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false},
}

func TestHead(t *testing.T) {
	for _, c := range heads {
		var h head
		size := h.parse([]byte(c.text + "[]POST"))
		if want := len(c.text); c.plain && size != want || !c.plain && size != 0 {
			t.Errorf("%s: size %d, plain is %v", c.name, size, c.plain)
		}
		comparesWithNetHTTP(t, []byte(c.text+"[]"))
	}
}

// FuzzHead: what parse takes for plain is read by net/http in the same way, to the same byte.
func FuzzHead(f *testing.F) {
	for _, c := range heads {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { comparesWithNetHTTP(t, text) })
}

func comparesWithNetHTTP(t *testing.T, text []byte) {
	t.Helper()
	var h head
	size := h.parse(text)
	if size == 0 {
		return
	}
	source := strings.NewReader(string(text))
	buffered := bufio.NewReaderSize(source, max(16, len(text)))
	r, err := http.ReadRequest(buffered)
	if err != nil {
		if strings.Contains(err.Error(), "invalid URL escape") && strings.Contains(h.request.Path, "%") { // no path of a door is like that
			return
		}
		t.Fatalf("net/http refuses %q: %v", text, err)
	}
	if left := len(text) - size; buffered.Buffered() != left {
		t.Fatalf("%q: %d bytes are left, net/http leaves %d", text, left, buffered.Buffered())
	}
	var want Request
	want.Read(r)
	got := &h.request
	if r.Method != got.Method || r.ContentLength != got.Length || len(r.TransferEncoding) > 0 || r.Close != h.close || r.ProtoMinor != 1 || r.URL.RawQuery != got.Query {
		t.Fatalf("%q:\n got %+v\nwant %+v", text, h, r)
	}
	if path, _, _ := strings.Cut(r.RequestURI, "?"); path != got.Path {
		t.Fatalf("%q: path %q, net/http %q", text, got.Path, path)
	}
	for name := range nameCount {
		if a, b := slices.Collect(got.Backward(name)), slices.Collect(want.Backward(name)); !slices.Equal(a, b) {
			t.Fatalf("%q: %s is %q, net/http %q", text, canonical[name], a, b)
		}
	}
}

// TestNames: each name is found in whatever case, and nothing else is.
func TestNames(t *testing.T) {
	for name, text := range canonical {
		for _, written := range []string{text, strings.ToLower(text), strings.ToUpper(text)} {
			if got, ok := nameOf(written); !ok || got != Name(name) {
				t.Errorf("%q is not found", written)
			}
		}
		if _, ok := nameOf(text[:len(text)-1] + "\x00"); ok {
			t.Errorf("something like %q is found", text)
		}
	}
	if _, ok := nameOf("Sec_Gpc"); ok {
		t.Error("Sec_Gpc is found")
	}
}

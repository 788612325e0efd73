package wire

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mostBody = 64 << 10

// echo is a door that answers with what it was asked. It counts.
type echo struct {
	asked atomic.Int64
	hold  chan struct{} // unless nil, /v1/events answers when it yields
	began chan struct{} // gets a value when a request is held
}

func (*echo) Takes(path string) bool { return path == "/v1/events" || path == "/v1/pixel.gif" }

func (d *echo) Serve(q *Request, a *Answer) {
	d.asked.Add(1)
	if d.hold != nil {
		d.began <- struct{}{}
		<-d.hold
	}
	if q.Header(UserAgent) == "panic" {
		panic("as the request says")
	}
	if q.Header(Authorization) != "" { // refused unread
		a.Status = http.StatusUnauthorized
		return
	}
	if q.Method == "OPTIONS" {
		a.Status = http.StatusNoContent
		a.Set("Access-Control-Allow-Origin", "*")
		return
	}
	body, err := io.ReadAll(q.Body)
	a.Set("Content-Type", "text/plain")
	if err != nil {
		a.Status = http.StatusBadRequest
		a.Body = append(a.Body, "the body ended early"...)
		return
	}
	slices.SortStableFunc(q.fields, func(a, b field) int { return cmp.Compare(a.name, b.name) }) // only values of one name have an order
	a.Body = fmt.Appendf(a.Body, "door %s %s %s %s %d %q %v", q.Method, q.Path, q.Query, q.Peer, q.Length, shorten(body), q.fields)
	if err := q.Body.Close(); err != nil {
		panic(err)
	}
}

// shorten keeps a long text readable, and different from others.
func shorten(text []byte) []byte {
	if len(text) <= 200 {
		return text
	}
	return fmt.Appendf(nil, "%d bytes, CRC %x", len(text), crc32.ChecksumIEEE(text))
}

// testServer serves the door, and everything else by net/http, with the front or without.
type testServer struct {
	echo
	server *http.Server
	front  *Front // nil: net/http alone
	addr   string
}

func newTestServer(t *testing.T, front bool, change func(*testServer)) *testServer {
	t.Helper()
	s := &testServer{}
	mux := http.NewServeMux()
	for _, path := range [...]string{"/v1/events", "/v1/pixel.gif"} {
		mux.Handle(path, Handler(&s.echo))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "other %s %s %d %q %v", r.Method, r.URL, r.ContentLength, shorten(body), err)
	})
	mux.HandleFunc("/unread", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "unread") })
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second, MaxHeaderBytes: 8 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	if front {
		s.front = NewFront(s.server, &s.echo, mostBody)
		l = s.front.Listen(l)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.server.Serve(l) }()
	t.Cleanup(func() { _ = s.server.Close(); <-ended })
	return s
}

func dial(t *testing.T, s *testServer) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

// talk sends the parts, the stream's end after them, and returns the answers until the server closes.
func talk(t *testing.T, s *testServer, parts ...[]byte) []string {
	t.Helper()
	c := dial(t, s)
	go func() {
		for i, part := range parts {
			if i > 0 {
				time.Sleep(2 * time.Millisecond) // likely to be two reads; the answers do not depend on it
			}
			if _, err := c.Write(part); err != nil {
				break
			}
		}
		_ = c.CloseWrite()
	}()
	method := "GET"
	if bytes.HasPrefix(parts[0], []byte("H")) {
		method = "HEAD"
	}
	var answers []string
	for r := bufio.NewReader(c); ; {
		answer, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				answers = append(answers, err.Error())
			}
			return answers
		}
		answers = append(answers, describe(t, answer))
	}
}

func describe(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // which follows an answer to what was not read to its end
		t.Error(err)
	}
	if r.StatusCode/100 == 2 && r.Header.Get("Date") == "" {
		t.Error("no date")
	}
	r.Header.Del("Date")
	if r.StatusCode == 400 { // net/http closes the connection and does not always say so before
		r.Close = true
	}
	return fmt.Sprintf("%s %s close=%v length=%d %v %s", r.Proto, r.Status, r.Close, r.ContentLength, r.Header, body)
}

func post(path, body string, headers ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", path, strings.Join(append(headers, ""), "\r\n"), len(body), body)
}

func get(path string, headers ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
}

const chunked = "POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

// streams are all that a client may send down one connection.
var streams = []struct{ name, text string }{
	{"nothing", ""},
	{"one event", post("/v1/events", "[]")},
	{"headers of a browser", post("/v1/events", "[1]", "User-Agent: Mozilla/5.0 (X11)", "Accept: */*", "accept-language: de", "X-Forwarded-For: 1.2.3.4, 5.6.7.8", "DNT: 1", "x-forwarded-for: 9.9.9.9", "Sec-GPC: 1", "Referer: https://example.com/", "Origin: https://example.com", "Content-Type: text/plain;charset=UTF-8")},
	{"pixel", get("/v1/pixel.gif?t=x&p=%2Fa+b&n=")},
	{"preflight", "OPTIONS /v1/events HTTP/1.1\r\nHost: x\r\nOrigin: https://x\r\n\r\n"},
	{"events after events", post("/v1/events", "[1]") + post("/v1/events", "[2]") + post("/v1/events", "[3]")},
	{"events and others in turn", post("/v1/events", "[1]") + get("/api/x?y") + post("/v1/events", "[2]") + post("/api/y", "body") + post("/v1/events", "[3]")},
	{"another first", get("/api/x") + post("/v1/events", "[1]") + get("/v1/pixel.gif")},
	{"a body that nobody reads", post("/unread", strings.Repeat("z", 5000)) + post("/v1/events", "[1]") + get("/api/x")},
	{"refused unread", post("/v1/events", strings.Repeat("z", 9000), "Authorization: x") + post("/v1/events", "[1]")},
	{"large body", post("/v1/events", strings.Repeat("z", 50_000)) + post("/v1/events", "[2]")},
	{"larger than the front takes", post("/v1/events", strings.Repeat("z", mostBody+1)) + post("/v1/events", "[2]")},
	{"large head", post("/v1/events", "[]", "Cookie: "+strings.Repeat("c", 6000)) + post("/v1/events", "[2]")},
	{"head too large", post("/v1/events", "[]", "Cookie: "+strings.Repeat("c", 20_000))},
	{"no length", "POST /v1/events HTTP/1.1\r\nHost: x\r\n\r\n" + post("/v1/events", "[2]")},
	{"body of a GET", "GET /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + post("/v1/events", "[2]")},
	{"HEAD", "HEAD /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"},
	{"the client closes", post("/v1/events", "[1]", "Connection: close") + post("/v1/events", "[2]")},
	{"keep-alive", post("/v1/events", "[1]", "Connection: keep-alive") + post("/v1/events", "[2]")},
	{"HTTP/1.0", "POST /v1/events HTTP/1.0\r\nContent-Length: 2\r\n\r\n[]" + post("/v1/events", "[2]")},
	{"HTTP/1.0 kept", "POST /v1/events HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n[]" + post("/v1/events", "[2]")},
	{"HTTP/1.1 after HTTP/1.0", post("/v1/events", "[1]") + "GET /api/x HTTP/1.0\r\n\r\n" + post("/v1/events", "[2]")},
	{"HTTP/2.0", "POST /v1/events HTTP/2.0\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]"},
	{"empty lines between", post("/v1/events", "[1]") + "\r\n" + post("/v1/events", "[2]")},
	{"empty lines after another", post("/api/x", "1") + "\r\n" + post("/v1/events", "[2]")},
	{"expect", post("/v1/events", "[1]", "Expect: 100-continue") + post("/v1/events", "[2]")},
	{"expect more", post("/v1/events", "[1]", "Expect: 101-miracle")},

	{"chunks", chunked + "2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"chunks with a trailer", chunked + "2\r\n[]\r\n0\r\nX: y\r\n\r\n" + post("/v1/events", "[2]")},
	{"chunk size that is none", chunked + "zz\r\n[]\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"negative chunk size", chunked + "-2\r\n[]\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"chunk size of 17 digits", chunked + "10000000000000002\r\n[]\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"chunk with a bad end", chunked + "2\r\n[]xx0\r\n\r\n" + post("/v1/events", "[2]")},
	{"chunk without CR", chunked + "2\n[]\n0\n\n" + post("/v1/events", "[2]")},
	{"length and chunks", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"chunks and length", "POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2\r\n[]\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"chunked twice", "POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"unknown coding", "POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: snail\r\n\r\n[]"},
	{"coding behind a tab", "POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"coding with a space before the colon", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + post("/v1/events", "[2]")},
	{"two lengths", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]" + post("/v1/events", "[2]")},
	{"two lengths that agree", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n[]" + post("/v1/events", "[2]")},
	{"signed length", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n[]"},
	{"folded length", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 2\r\n\r\n[]" + post("/v1/events", "[2]")},
	{"folded header", post("/v1/events", "[]", "User-Agent: a\r\n\tb") + post("/v1/events", "[2]")},
	{"header in a value", post("/v1/events", "[]", "User-Agent: a\rTransfer-Encoding: chunked") + post("/v1/events", "[2]")},
	{"header behind a bare line end", post("/v1/events", "[]", "User-Agent: a\nDnt: 1") + post("/v1/events", "[2]")},
	{"request in a header", get("/api/x", "X-A: POST /v1/events HTTP/1.1") + post("/v1/events", "[2]")},
	{"request in a body", post("/api/x", post("/v1/events", "[666]")) + post("/v1/events", "[2]")},
	{"request in a body of the door", post("/v1/events", post("/v1/events", "[666]")) + post("/v1/events", "[2]")},
	{"request behind bare line ends", "GET /api/x HTTP/1.1\nHost: x\nContent-Length: 2\n\nab" + post("/v1/events", "[2]")},
	{"absolute form", post("http://x/v1/events", "[]") + post("/v1/events", "[2]")},
	{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + post("/v1/events", "[2]")},
	{"escaped path", post("/v1/%65vents", "[]") + post("/v1/events", "[2]")},
	{"bad escape", post("/v1/%zz", "[]") + post("/v1/events", "[2]")},
	{"bad escape in the query", get("/v1/pixel.gif?%zz") + post("/v1/events", "[2]")},
	{"double slash", post("//v1/events", "[]") + post("/v1/events", "[2]")},
	{"dots", post("/v1/x/../events", "[]") + post("/v1/events", "[2]")},
	{"slash behind", post("/v1/events/", "[]") + post("/v1/events", "[2]")},
	{"no host", "POST /v1/events HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]"},
	{"two hosts", post("/v1/events", "[]", "Host: y")},
	{"bad host", "POST /v1/events HTTP/1.1\r\nHost: a b\r\nContent-Length: 2\r\n\r\n[]"},
	{"bad header name", post("/v1/events", "[]", "Bad Header: x")},
	{"no HTTP", "hello\r\n\r\n"},
	{"bytes", "\x00\x01\x02\xff\r\n\r\n"},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
	{"garbage behind an event", post("/v1/events", "[1]") + "garbage"},
	{"garbage behind another", get("/api/x") + "garbage\r\n\r\n"},
	{"head that ends", "POST /v1/events HTTP/1.1\r\nHo"},
	{"head that ends behind an event", post("/v1/events", "[1]") + "POST /v1/events HT"},
	{"body that ends", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n[]"},
	{"body of another that ends", "POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n[]"},
	{"upgrade to HTTP/2", get("/api/x", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: x") + post("/v1/events", "[2]")},
}

// TestSameAnswers: a client cannot tell whether the front is there, however the bytes come in.
func TestSameAnswers(t *testing.T) {
	plain, fronted := newTestServer(t, false, nil), newTestServer(t, true, nil)
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			text := []byte(s.text)
			want := talk(t, plain, text)
			cuts := [][][]byte{{text}, bytes.SplitAfter(text, []byte("\r\n")), cut(text, 1000)}
			for i := 1; i < len(text); i += 1 + len(text)/12 {
				cuts = append(cuts, [][]byte{text[:i], text[i:]})
			}
			for _, parts := range cuts {
				if got := talk(t, fronted, parts...); !slices.Equal(got, want) {
					t.Fatalf("in %d parts, the first of %d bytes:\n got %s\nwant %s", len(parts), len(parts[0]), strings.Join(got, "\n     "), strings.Join(want, "\n     "))
				}
			}
		})
	}
}

func cut(text []byte, size int) (parts [][]byte) {
	for ; len(text) > size; text = text[size:] {
		parts = append(parts, text[:size])
	}
	return append(parts, text)
}

// TestWhoAnswers: net/http does not see plain requests of the door, before and after ones that it answers.
func TestWhoAnswers(t *testing.T) {
	var seen atomic.Int64
	s := newTestServer(t, true, func(s *testServer) {
		inner := s.server.Handler
		s.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen.Add(1); inner.ServeHTTP(w, r) })
	})
	c := dial(t, s)
	r := bufio.NewReader(c)
	f := func(request string, want int64) {
		t.Helper()
		before := seen.Load()
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := describe(t, answer); answer.StatusCode != 200 || seen.Load()-before != want {
			t.Fatalf("net/http saw %d requests, want %d: %s", seen.Load()-before, want, text)
		}
	}
	for range 3 {
		f(post("/v1/events", "[1]"), 0)
		f(get("/v1/pixel.gif?t=1"), 0)
		f(get("/api/x"), 1)
		f(post("/api/x", "body"), 1)
		f(post("/v1/events", "[2]"), 0)
	}
	f(post("/v1/events", "[1]", "X: "+strings.Repeat("x", 5000)), 1) // larger than the server's buffer: nobody here knows its end
	f(post("/v1/events", "[2]"), 1)
}

// TestManyConnections: each gets its own answers.
func TestManyConnections(t *testing.T) {
	s := newTestServer(t, true, nil)
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	client := &http.Client{Transport: transport}
	defer transport.CloseIdleConnections()
	errs := make(chan error, 8)
	for w := range 8 {
		go func() {
			for i := range 200 {
				path, body := "/v1/events", strings.Repeat(fmt.Sprint(w, "-", i, " "), 1+i*i%3000)
				if i%7 == w%7 {
					path = "/api/x"
				}
				r, err := client.Post("http://"+s.addr+path, "text/plain", strings.NewReader(body))
				if err != nil {
					errs <- err
					return
				}
				text, err := io.ReadAll(r.Body)
				r.Body.Close()
				if err != nil || !strings.Contains(string(text), fmt.Sprintf("%q", shorten([]byte(body)))) {
					errs <- fmt.Errorf("%d of %d: %v, got %.200s", i, w, err, text)
					return
				}
			}
			errs <- nil
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestShutdown: connections that wait are closed at once, the new ones too, and a request that is being answered is answered.
func TestShutdown(t *testing.T) {
	s := newTestServer(t, true, func(s *testServer) { s.hold, s.began = make(chan struct{}), make(chan struct{}, 8) })
	ask := func(c net.Conn, requests ...string) *bufio.Reader {
		for _, request := range requests {
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
		}
		return bufio.NewReader(c)
	}
	answered := func(r *bufio.Reader, closes bool) {
		t.Helper()
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := describe(t, answer); answer.StatusCode != 200 || answer.Close != closes {
			t.Errorf("got %s", text)
		}
	}
	ended := func(r *bufio.Reader) {
		t.Helper()
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("the connection is not closed: %v", err)
		}
	}
	// One that had an answer of the front, one that had one of net/http, and three with a request under way.
	idleFront := ask(dial(t, s), post("/v1/events", "[1]"))
	<-s.began
	s.hold <- struct{}{}
	answered(idleFront, false)
	idleServer := ask(dial(t, s), get("/api/x"))
	answered(idleServer, false)
	first := ask(dial(t, s), post("/v1/events", "[1]"))
	<-s.began
	afterServer := ask(dial(t, s), get("/api/x"))
	_, err := http.ReadResponse(afterServer, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		err := s.server.Shutdown(context.Background())
		done <- errors.Join(err, s.front.Wait(context.Background()))
	}()
	ended(idleFront)
	ended(idleServer)
	select {
	case err := <-done:
		t.Fatalf("the end did not wait for a request: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(s.hold)
	answered(first, true)
	ended(first)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestWait: a request on a connection that net/http takes for idle holds the end up, though Shutdown does not know of it.
func TestWait(t *testing.T) {
	s := newTestServer(t, true, func(s *testServer) { s.hold, s.began = make(chan struct{}), make(chan struct{}, 1) })
	c := dial(t, s)
	r := bufio.NewReader(c)
	if _, err := io.WriteString(c, get("/api/x")); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	describe(t, answer)
	if _, err := io.WriteString(c, post("/v1/events", "[1]")); err != nil {
		t.Fatal(err)
	}
	<-s.began
	if err := s.server.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := s.front.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	close(s.hold)
	if answer, err = http.ReadResponse(r, nil); err != nil {
		t.Fatal(err)
	}
	if text := describe(t, answer); answer.StatusCode != 200 || !answer.Close {
		t.Errorf("got %s", text)
	}
	if err := s.front.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestPanic: it ends one connection, as under net/http.
func TestPanic(t *testing.T) {
	for _, front := range []bool{false, true} {
		s := newTestServer(t, front, nil)
		if got := talk(t, s, []byte(post("/v1/events", "[]", "User-Agent: panic")+post("/v1/events", "[2]"))); len(got) != 0 {
			t.Errorf("front %v: got %s", front, got)
		}
		if got := talk(t, s, []byte(post("/v1/events", "[]"))); len(got) != 1 {
			t.Errorf("front %v: got %s", front, got)
		}
		if front && s.front.busy.Load() != 0 {
			t.Error("a request is still under way")
		}
	}
}

// TestDeadlines: who is slow is cut off as under net/http, and only who is slow.
func TestDeadlines(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for deadlines")
	}
	const short, long = time.Second, 4 * time.Second
	idle := func(s *http.Server) { s.IdleTimeout = short }
	head := func(s *http.Server) { s.ReadHeaderTimeout = short }
	read := func(s *http.Server) { s.ReadTimeout = short }
	event, other := post("/v1/events", "[1]"), get("/api/x")
	slowHead, slowBody := "POST /v1/eve...", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n..."
	for _, c := range []struct {
		name   string
		change func(*http.Server)
		sends  []string // "wait": longer than the short time; "...": no answer is due
		want   string   // statuses until the server closes
	}{
		{"idle after events", idle, []string{event, event}, "200 200"},
		{"idle after another", idle, []string{event, other, event}, "200 200 200"},
		{"a head that does not end", head, []string{slowHead}, "400"},
		{"a head that does not end, after an event", head, []string{event, slowHead}, "200 400"},
		{"a head after a while", head, []string{event, "wait", event, "wait", other, "wait", event}, "200 200 200 200"},
		{"a body that does not end", read, []string{slowBody}, "400"},
		{"a body that does not end, after an event", read, []string{event, slowBody}, "200 400"},
		{"the body of another, long after the connection came", read, []string{event, "wait", post("/api/x", strings.Repeat("x", 9000))}, "200 200"},
		{"events long after the connection came", read, []string{event, "wait", event, "wait", event, slowBody}, "200 200 200 400"},
		{"events after a slow body", read, []string{slowBody + strings.Repeat("x", 96), "wait", event}, "200 200"},
	} {
		for _, front := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, " ", front), func(t *testing.T) {
				t.Parallel()
				s := newTestServer(t, front, func(s *testServer) {
					s.server.ReadHeaderTimeout, s.server.ReadTimeout, s.server.IdleTimeout = long, long, long
					c.change(s.server)
				})
				if got := statuses(t, s, c.sends, 2*short); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			})
		}
	}
}

// statuses sends the texts, each when the one before has been answered, and returns the statuses until the server closes.
func statuses(t *testing.T, s *testServer, sends []string, wait time.Duration) string {
	t.Helper()
	c := dial(t, s)
	var got []string
	for r, more := bufio.NewReader(c), true; more; {
		answers := true
		if more = len(sends) > 0; more {
			text := sends[0]
			sends = sends[1:]
			if text == "wait" {
				time.Sleep(wait)
				continue
			}
			if _, err := io.WriteString(c, text); err != nil {
				break
			}
			answers = !strings.HasSuffix(text, "...")
		}
		if !answers {
			continue
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is open still")
			}
			break
		}
		describe(t, answer)
		got = append(got, fmt.Sprint(answer.StatusCode))
	}
	return strings.Join(got, " ")
}

package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

// testNow is 2025-11-23 10:00:00 UTC.
const testNow = 1_763_892_000_000

// memorySink keeps what was appended, decoded.
type memorySink struct {
	mu       sync.Mutex
	appends  int
	events   []event.Event
	receipts []event.Receipt
	failed   []event.FailedEvent
	err      error
}

func (s *memorySink) Begin(_ context.Context, topic eventlog.Topic, records []eventlog.Record) (eventlog.Pending, error) {
	return written{}, s.take(topic, records)
}

// written is the Pending of what is kept already.
type written struct{}

func (written) Wait(context.Context) error { return nil }

func (s *memorySink) take(topic eventlog.Topic, records []eventlog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.appends++
	for _, r := range records {
		var err error
		switch event.RecordKind(r.Value) {
		case event.KindEvent:
			var e event.Event
			err = e.DecodeEvent(r.Value)
			s.events = append(s.events, e)
		case event.KindReceipt:
			var receipt event.Receipt
			err = receipt.DecodeReceipt(r.Value)
			s.receipts = append(s.receipts, receipt)
		case event.KindFailed:
			var f event.FailedEvent
			err = f.DecodeFailed(r.Value)
			s.failed = append(s.failed, f)
		}
		if err != nil || topic != eventlog.RawEvents {
			return err
		}
	}
	return nil
}

type siteMap map[string]*event.Site

func (m siteMap) ByTracking(id string) (*event.Site, bool) { s, ok := m[id]; return s, ok }

// keyMap maps "key scope" to a site.
type keyMap map[string]string

func (m keyMap) Authorize(key, scope string) (string, bool) { s, ok := m[key+" "+scope]; return s, ok }

// door is a handler on a memory sink, with a clock of its own.
type door struct {
	t    testing.TB
	h    *Handler
	sink *memorySink
	now  time.Time
	mux  *http.ServeMux
}

func testSites() siteMap {
	main := &event.Site{WebsiteID: "w_main", TrackingID: "t_main", Domain: "example.com", IPPolicy: event.IPNone, Threshold: 2}
	strict := &event.Site{WebsiteID: "w_strict", TrackingID: "t_strict", Domain: "strict.example", IPPolicy: event.IPTruncated, Hostnames: []string{"strict.example", "*.strict.example"}, QueryKeys: []string{"id"}}
	open := &event.Site{WebsiteID: "w_open", TrackingID: "t_open", Domain: "open.example", IPPolicy: event.IPFull, IgnoreSignals: true}
	sites := siteMap{}
	for _, s := range []*event.Site{main, strict, open} {
		sites[s.TrackingID], sites[s.Domain] = s, s
	}
	return sites
}

var sharedParts = sync.OnceValues(func() (Options, error) {
	geo, err := enrich.OpenGeo("")
	if err != nil {
		return Options{}, err
	}
	agents, err := enrich.NewAgentParser()
	if err != nil {
		return Options{}, err
	}
	sources, err := enrich.NewSources()
	return Options{Geo: geo, Agents: agents, Sources: sources}, err
})

func newDoor(t testing.TB, change func(*Options)) *door {
	t.Helper()
	opts, err := sharedParts()
	if err != nil {
		t.Fatal(err)
	}
	d := &door{t: t, sink: &memorySink{}, now: time.UnixMilli(testNow), mux: http.NewServeMux()}
	opts.Sink, opts.Sites, opts.Dir, opts.EventsPerSecond = d.sink, testSites(), t.TempDir(), 5000
	opts.Keys = keyMap{"k_import import": "w_main", "k_ingest ingest": "w_main", "k_all import": "", "k_stats stats": "w_main"}
	opts.Now = func() time.Time { return d.now }
	if change != nil {
		change(&opts)
	}
	if d.h, err = New(opts); err != nil {
		t.Fatal(err)
	}
	d.h.Routes(d.mux)
	return d
}

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"

// do sends a request; headers are "Name: value", and replace the usual ones.
func (d *door) do(method, path, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = "203.0.113.7:1234"
	r.Header = http.Header{"User-Agent": {chrome}, "Accept": {"*/*"}, "Accept-Language": {"de-DE,de;q=0.9"}, "Content-Type": {"text/plain;charset=UTF-8"}}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Remote" {
			r.RemoteAddr = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	return w.Result()
}

func (d *door) post(body string, headers ...string) (int, string) {
	d.t.Helper()
	return status(d.t, d.do("POST", "/v1/events", body, headers...))
}

func status(t testing.TB, r *http.Response) (int, string) {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(bytes.TrimSpace(text))
}

// one posts an event that must be accepted and returns it as it was appended.
func (d *door) one(body string, headers ...string) event.Event {
	d.t.Helper()
	before := len(d.sink.events)
	if code, text := d.post(body, headers...); code != 200 || len(d.sink.events) != before+1 {
		d.t.Fatalf("%s\ngot %d %s", body, code, text)
	}
	return d.sink.events[before]
}

func pageview(extra string) string {
	return `[{"type":"pageview","tracking_id":"t_main","id":"0190b5a0-7c3e-7abc-8def-0123456789ab","data":{"page":"/pricing","title":"Pricing"},"context":{"url":"https://example.com/pricing?utm_source=news","language":"en-US","screen":"1920x1080"}` + extra + `}]`
}

func TestPageview(t *testing.T) {
	d := newDoor(t, nil)
	e := d.one(pageview(`,"user_id":"u1","session_id":"s1"`))
	want := map[string]any{"WebsiteID": "w_main", "Page": "/pricing", "Title": "Pricing", "Hostname": "example.com", "UserID": "u1", "SessionID": "s1",
		"Language": "en-US", "Screen": "1920x1080", "Browser": "Chrome", "IPAddress": "", "Timestamp": int64(testNow), "ReceivedAt": int64(testNow), "ScrollDepth": event.NoScroll}
	text, _ := json.Marshal(e)
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for field, value := range want {
		if w, _ := json.Marshal(value); string(mustJSON(got[field])) != string(w) {
			t.Errorf("%s = %v, want %v", field, got[field], value)
		}
	}
	if e.ID.String() != "0190b5a0-7c3e-7abc-8def-0123456789ab" || e.SampleKey == 0 || e.VisitorCoupon == 0 || !e.Interactive {
		t.Errorf("got %+v", e)
	}
	if r := d.sink.receipts; len(r) != 1 || r[0].WebsiteID != "w_main" || r[0].Received != 1 || r[0].ReceivedAt != testNow || len(r[0].Refused) != 0 {
		t.Errorf("receipts %+v", r)
	}
}

func mustJSON(v any) []byte { b, _ := json.Marshal(v); return b }

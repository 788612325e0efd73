package druid

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/query"
)

// fakeDruid answers as a broker and a coordinator in one.
type fakeDruid struct {
	status   int
	header   string // of contextHeader
	body     string
	segments string
	hang     bool

	mu       sync.Mutex
	canceled []string
}

func (f *fakeDruid) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodDelete:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.canceled = append(f.canceled, strings.TrimPrefix(r.URL.Path, "/druid/v2/sql/"))
		w.WriteHeader(http.StatusAccepted)
	case strings.HasSuffix(r.URL.Path, "/segments"):
		_, _ = io.WriteString(w, f.segments)
	default:
		if f.header != "" {
			w.Header().Set(contextHeader, f.header)
		}
		w.WriteHeader(max(f.status, http.StatusOK))
		_, _ = io.WriteString(w, f.body)
		w.(http.Flusher).Flush()
		if f.hang {
			<-r.Context().Done()
		}
	}
}

// openFake opens a store whose first broker is away.
func openFake(t *testing.T, f *fakeDruid) *Store {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	s, err := Open(Options{Brokers: []string{"http://127.0.0.1:1", server.URL}, Coordinators: []string{server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var somePart = query.Part{View: query.ViewPageViews, WebsiteID: "s", Threshold: 2, Ranges: []query.Range{{From: 0, To: 86_400_000}},
	Dimensions: []query.Column{{Table: query.RollupTable, Name: "page"}}, Measures: []query.Measure{query.PageviewCount, query.CurrencyMin, query.CurrencyMax}}

// rowsOf returns the rows of some parts as text.
func rowsOf(ctx context.Context, s *Store, parts ...query.Part) (out string, err error) {
	err = s.Source().Run(ctx, parts, func(part int, rows *query.Rows) error {
		for i := range rows.Len {
			out += string(rows.Values[0][i]) + " " + string(rows.Texts[1][i]) + ";"
		}
		return nil
	})
	return out, err
}

const (
	missing   = `{"uncoveredIntervals":["1970-01-01T00:00:00.000Z/1970-01-02T00:00:00.000Z"]}`
	overflow  = `{"uncoveredIntervals":[],"uncoveredIntervalsOverflowed":true}`
	data      = `[{"identifier":"a","interval":"1970","version":"1","shardSpec":{"type":"hashed"}}]`
	tombstone = `[{"identifier":"a","interval":"1970","version":"1","shardSpec":{"type":"hashed"}},{"identifier":"b","interval":"1970","version":"2","shardSpec":{"type":"tombstone"}}]`
	noTable   = `{"errorCode":"invalidInput","category":"INVALID_INPUT","errorMessage":"Object 'page_views' not found (line [1])"}`
	rows      = "[\"/\",\"EUR\",3]\n[\"/\\\"a\\u00e9\",\"\",4]\n\n"
)

func TestAnswers(t *testing.T) {
	f := func(what string, fake *fakeDruid, want string, wantErr error) {
		t.Helper()
		got, err := rowsOf(context.Background(), openFake(t, fake), somePart, somePart)
		if wantErr == nil && (err != nil || got != want+want) {
			t.Errorf("%s: got %q, %v", what, got, err)
		}
		if wantErr != nil && !errors.Is(err, wantErr) {
			t.Errorf("%s: got %v, want %v", what, err, wantErr)
		}
	}
	all, away := "/ EUR;/\"aé ;", query.ErrUnavailable
	f("all is there", &fakeDruid{header: "{}", body: rows}, all, nil)
	f("a day that nothing is stored of", &fakeDruid{header: missing, body: rows, segments: "[]"}, all, nil)
	f("a day that was emptied", &fakeDruid{header: missing, body: rows, segments: tombstone}, all, nil)
	f("a day that is not served", &fakeDruid{header: missing, body: rows, segments: data}, "", away)
	f("more days than are listed", &fakeDruid{header: overflow, body: rows, segments: data}, "", away)
	f("an answer that is cut off", &fakeDruid{header: "{}", body: strings.TrimSuffix(rows, "\n")}, "", away)
	f("an answer that is cut off in a row", &fakeDruid{header: "{}", body: rows[:20]}, "", away)
	f("no header", &fakeDruid{body: rows}, "", errHeader)
	f("no row", &fakeDruid{header: "{}", body: "[1]\n\n"}, "", errRow)
	f("no number", &fakeDruid{header: "{}", body: "[\"\",\"\",1.5]\n\n"}, "", errNumber)
	f("nothing stored at all", &fakeDruid{status: 400, body: noTable, segments: "[]"}, "", nil)
	f("a broker that knows no datasource yet", &fakeDruid{status: 400, body: noTable, segments: data}, "", away)
	f("a broken broker", &fakeDruid{status: 500, body: `{"error":"Unknown exception","errorMessage":"it broke"}`}, "", away)
	f("a busy broker", &fakeDruid{status: 429, body: `{"error":"Query capacity exceeded"}`}, "", away)
}

func TestRefusal(t *testing.T) {
	s := openFake(t, &fakeDruid{status: 400, body: `{"errorCode":"invalidInput","errorMessage":"no such function"}`})
	_, err := rowsOf(context.Background(), s, somePart)
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 400 || refused.Message != "no such function" || errors.Is(err, query.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAllBrokersAway(t *testing.T) {
	s, err := Open(Options{Brokers: []string{"http://127.0.0.1:1"}, Coordinators: []string{"http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rowsOf(context.Background(), s, somePart); !errors.Is(err, query.ErrUnavailable) {
		t.Errorf("a query: %v", err)
	}
	if err := s.Ready(context.Background()); !errors.Is(err, query.ErrUnavailable) {
		t.Errorf("Ready: %v", err)
	}
}

// A query that nobody waits for is ended in Druid too, for whatever reason.
func TestCanceled(t *testing.T) {
	f := func(what string, run func(s *Store) error, want error) {
		t.Helper()
		fake := fakeDruid{header: "{}", body: rows[:15], hang: true}
		if err := run(openFake(t, &fake)); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		fake.mu.Lock()
		defer fake.mu.Unlock()
		if len(fake.canceled) != 1 || len(fake.canceled[0]) != 24 {
			t.Errorf("%s: canceled %q", what, fake.canceled)
		}
	}
	f("no time left", func(s *Store) error {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		_, err := rowsOf(ctx, s, somePart)
		return err
	}, context.DeadlineExceeded)
	f("a caller who goes", func(s *Store) error {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(300*time.Millisecond, cancel)
		_, err := rowsOf(ctx, s, somePart)
		return err
	}, context.Canceled)
}

func TestOpenRefuses(t *testing.T) {
	f := func(want string, opts Options) {
		t.Helper()
		if _, err := Open(opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	one := []string{"http://a:1"}
	f("are needed", Options{Brokers: one})
	f("no URL", Options{Brokers: []string{"a:1"}, Coordinators: one})
	f("prefix", Options{Brokers: one, Coordinators: one, Prefix: `a"b`})
}

func TestSplitFields(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		fields, err := splitFields(nil, []byte(line))
		var got []string
		for _, field := range fields {
			got = append(got, string(field))
		}
		if err != nil && want != "error" || err == nil && strings.Join(got, "|") != want {
			t.Errorf("%s: got %q, %v", line, got, err)
		}
	}
	f("[]\n", "")
	f(`[1]`, `1`)
	f(`[1,"a,b",null]`, `1|"a,b"|null`)
	f(`["a\"b","c\\","\\\""]`, `"a\"b"|"c\\"|"\\\""`)
	f(`["a]`, "error")
	f(`["a"b]`, "error")
	f(`{}`, "error")
	f(``, "error")
}

func TestAppendBytes(t *testing.T) {
	f := func(field, want string) {
		t.Helper()
		got, err := appendBytes(nil, []byte(field))
		if err != nil && want != "error" || err == nil && string(got) != want {
			t.Errorf("%s: got %q, %v", field, got, err)
		}
	}
	f(`null`, "")
	f(`"null"`, "")
	f(`"\"AQI=\""`, "\x01\x02")
	f(`"AQI="`, "\x01\x02")
	f(`"?"`, "error")
}

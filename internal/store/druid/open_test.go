package druid

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var prefixes atomic.Int64

// servers returns the broker and the coordinator. Without them the test is skipped.
func servers(t testing.TB) (broker, coordinator string) {
	t.Helper()
	broker, coordinator, ok := strings.Cut(os.Getenv("FOOTFALL_TEST_DRUID"), ",")
	if !ok {
		t.Skip("no Druid: set FOOTFALL_TEST_DRUID to the URLs of a broker and of a coordinator with overlord, a comma between them")
	}
	return broker, coordinator
}

// openTest opens a store with datasources of the test's own, which go with it.
func openTest(t testing.TB, change func(*Options)) *Store {
	t.Helper()
	return openStore(t, false, change)
}

// openStore opens a store whose datasources stay where keep is set.
func openStore(t testing.TB, keep bool, change func(*Options)) *Store {
	t.Helper()
	broker, coordinator := servers(t)
	opts := Options{Brokers: []string{broker}, Coordinators: []string{coordinator}, TaskTime: 5 * time.Minute,
		Prefix: fmt.Sprintf("test_%d_%d_", os.Getpid(), prefixes.Add(1))}
	if change != nil {
		change(&opts)
	}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, datasource := range []string{PageViews, Sources} {
			if keep {
				break
			}
			if err := s.coordinate(context.Background(), http.MethodDelete, "/druid/coordinator/v1/datasources/"+opts.Prefix+datasource, nil, nil); err != nil {
				t.Error(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// objects is a web server of what Druid shall read, as an object store with presigned addresses is.
type objects struct {
	*httptest.Server
	mu   sync.Mutex
	held map[string][]byte
	wait chan struct{} // answers come when it is closed; nil: at once
}

func newObjects(t testing.TB) *objects {
	t.Helper()
	o := &objects{held: map[string][]byte{}}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		body, ok := o.held[r.URL.Path]
		wait := o.wait
		o.mu.Unlock()
		if wait != nil {
			select {
			case <-wait:
			case <-r.Context().Done():
				return
			}
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(o.Close)
	return o
}

// put stores rows as gzip JSON lines and returns their address.
func (o *objects) put(t testing.TB, name string, rows []any) string {
	t.Helper()
	var text strings.Builder
	zipped := gzip.NewWriter(&text)
	lines := json.NewEncoder(zipped)
	for _, row := range rows {
		if err := lines.Encode(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	path := "/" + name + ".json.gz"
	o.held[path] = []byte(text.String())
	return o.URL + path
}

// hold makes answers wait, or lets them go.
func (o *objects) hold(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !on {
		close(o.wait)
		o.wait = nil
		return
	}
	o.wait = make(chan struct{})
}

package obs

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func TestReadiness(t *testing.T) {
	r := New()
	h := r.Handler()
	if code, _ := get(t, h, "/livez"); code != 200 {
		t.Errorf("livez %d", code)
	}
	if code, _ := get(t, h, "/readyz"); code != 503 {
		t.Errorf("readyz before: %d", code)
	}
	r.SetReady(true)
	if code, _ := get(t, h, "/readyz"); code != 200 {
		t.Errorf("readyz after: %d", code)
	}
}

func TestMetricsShowWhatIsRead(t *testing.T) {
	r := New()
	n := 1.0
	r.Counter("footfall_test_total", "test", map[string]string{"part": "a"}, func() float64 { return n })
	r.Gauge("footfall_test_lag", "test", nil, func() float64 { return 7 })
	r.Counters("footfall_test_refused_total", "test", "reason", func() map[string]int64 { return map[string]int64{"dnt": 3} })
	n = 42
	_, body := get(t, r.Handler(), "/metrics")
	for _, want := range []string{`footfall_test_total{part="a"} 42`, "footfall_test_lag 7", `footfall_test_refused_total{reason="dnt"} 3`, "go_goroutines"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the metrics", want)
		}
	}
	if _, second := get(t, New().Handler(), "/metrics"); strings.Contains(second, "footfall_test") {
		t.Error("registries share metrics")
	}
}

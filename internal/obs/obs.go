// Package obs is what operators see: metrics in the Prometheus text format, liveness, readiness and profiles.
//
// Parts count for themselves with plain atomics; app registers functions here that read them. The package imports
// nothing of this module.
package obs

import (
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Registry collects the metrics of one process. There is no global one: two apps can share a process.
type Registry struct {
	reg   *prometheus.Registry
	ready atomic.Bool
}

// New returns a registry with the metrics of the Go runtime and the process.
func New() *Registry {
	r := &Registry{reg: prometheus.NewRegistry()}
	r.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Counter registers a total that read returns; labels are fixed for the metric.
func (r *Registry) Counter(name, help string, labels map[string]string, read func() float64) {
	r.reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, read))
}

// Gauge registers a value that read returns.
func (r *Registry) Gauge(name, help string, labels map[string]string, read func() float64) {
	r.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, read))
}

// Counters registers a family whose values of label are known only at the time of reading, as reasons of refusal are.
func (r *Registry) Counters(name, help, label string, read func() map[string]int64) {
	r.reg.MustRegister(&family{prometheus.NewDesc(name, help, []string{label}, nil), read})
}

type family struct {
	desc *prometheus.Desc
	read func() map[string]int64
}

func (f *family) Describe(ch chan<- *prometheus.Desc) { ch <- f.desc }

func (f *family) Collect(ch chan<- prometheus.Metric) {
	for value, n := range f.read() {
		ch <- prometheus.MustNewConstMetric(f.desc, prometheus.CounterValue, float64(n), value)
	}
}

// SetReady says whether /readyz answers 200.
func (r *Registry) SetReady(ready bool) { r.ready.Store(ready) }

// Livez answers 200 while the process runs.
func (r *Registry) Livez(w http.ResponseWriter, _ *http.Request) { answer(w, true, "alive") }

// Readyz answers 200 when events are taken and 503 before and while stopping.
func (r *Registry) Readyz(w http.ResponseWriter, _ *http.Request) {
	if r.ready.Load() {
		answer(w, true, "ready")
		return
	}
	answer(w, false, "not ready")
}

func answer(w http.ResponseWriter, ok bool, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(text + "\n"))
}

// Handler serves the operations listener: /metrics, /livez, /readyz and /debug/pprof/.
func (r *Registry) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r.reg, promhttp.HandlerOpts{Registry: r.reg}))
	mux.HandleFunc("GET /livez", r.Livez)
	mux.HandleFunc("GET /readyz", r.Readyz)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

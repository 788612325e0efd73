package collect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

type nullSink struct{}

func (nullSink) Begin(context.Context, eventlog.Topic, []eventlog.Record) (eventlog.Pending, error) {
	return done{}, nil
}

type done struct{}

func (done) Wait(context.Context) error { return nil }

type nullWriter struct{ header http.Header }

func (w nullWriter) Header() http.Header         { return w.header }
func (w nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w nullWriter) WriteHeader(int)             {}

const benchEvent = `{"context":{"hostname":"bench.example","language":"en-US","screen":"412x915","sdk":{"name":"bench","version":"1"},"timezone":"America/Toronto","url":"https://bench.example/faq/about-509"},"data":{"page":"/faq/about-509","properties":{"logged_in":"false","plan":"pro","variant":"b"},"referrer":"https://www.google.com/","timestamp":1763892000000,"title":"faq and about, page 509 - Bench Example"},"id":"4bed8189-5646-4f1c-a127-85392138202d","session_id":"ce6420d3a7b4b809","tracking_id":"t_main","type":"pageview"}`

// BenchmarkDoor is the door's own part of a request, with neither HTTP nor log.
func BenchmarkDoor(b *testing.B) {
	for _, n := range []int{1, 20} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			d := newDoor(b, func(o *Options) { o.Sink, o.Now, o.EventsPerSecond = nullSink{}, time.Now, 0 })
			body := []byte("[" + strings.Repeat(benchEvent+",", n-1) + benchEvent + "]")
			r, err := http.NewRequest("POST", "/v1/events", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.RemoteAddr, r.ContentLength = "127.0.0.1:5", int64(len(body))
			r.Header = http.Header{"User-Agent": {chrome}, "Accept": {"*/*"}, "Accept-Language": {"de"}, "Content-Type": {"text/plain"}, "X-Forwarded-For": {"203.0.113.7"}}
			w, server := nullWriter{http.Header{}}, wire.Handler(d.h)
			reader := bytes.NewReader(body)
			r.Body = io.NopCloser(reader)
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				server.ServeHTTP(w, r)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}

package load

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

// A store that was refilled in another order is as one that was fed by the log.
func TestRefill(t *testing.T) {
	log, f := openLog(t), &traffic{r: rand.New(rand.NewPCG(3, 7))}
	for i := range 40 {
		appendRecords(t, log, f.request(noon+int64(i)*60_000))
	}
	fed := openStore(t, filepath.Join(t.TempDir(), "fed.duckdb"))
	p, stop := start(t, options(log, fed))
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = stop()
	var events []event.Event
	if err := fed.Recent(t.Context(), 0, func(e *event.Event) { events = append(events, *e) }); err != nil {
		t.Fatal(err)
	}
	if len(events) < 50 {
		t.Fatalf("%d events only", len(events))
	}
	rand.New(rand.NewPCG(4, 4)).Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	filled := openStore(t, filepath.Join(t.TempDir(), "filled.duckdb"))
	defer filled.Close()
	r := NewRefill(filled, 12345, nil)
	r.processor.options.MaxBatchEvents = 17
	for i := range events {
		if err := r.Add(t.Context(), &events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at, err := filled.Position(t.Context()); err != nil || at != 12345 {
		t.Errorf("position %d, %v", at, err)
	}
	report, err := filled.Audit(t.Context())
	if err != nil || report.Found != 0 {
		t.Errorf("the audit: %+v, %v", report, err)
	}
	here, err := fed.Export().Days(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there, err := filled.Export().Days(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range here {
		if got := there[day]; got.Events != want.Events || got.Sessions != want.Sessions {
			t.Errorf("%+v: got %+v, want %+v", day, got, want)
		}
	}
	if err := fed.Close(); err != nil {
		t.Error(err)
	}
}

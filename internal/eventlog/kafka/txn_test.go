package kafka

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/logtest"
)

// transactor writes values to the topic in transactions, as the stream job does.
type transactor struct {
	t      *testing.T
	client *kgo.Client
	topic  string
}

func newTransactor(t *testing.T, l *Log, topic eventlog.Topic) *transactor {
	client, err := kgo.NewClient(kgo.SeedBrokers(l.opts.Brokers...), kgo.TransactionalID(l.name(topic)+t.Name()), kgo.DefaultProduceTopic(l.name(topic)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &transactor{t: t, client: client, topic: l.name(topic)}
}

func (x *transactor) begin(values ...string) {
	x.t.Helper()
	if err := x.client.BeginTransaction(); err != nil {
		x.t.Fatal(err)
	}
	for _, v := range values {
		if err := x.client.ProduceSync(x.t.Context(), kgo.StringRecord(string(appendFrame(nil, []byte(v))))).FirstErr(); err != nil {
			x.t.Fatal(err)
		}
	}
}

func (x *transactor) end(commit kgo.TransactionEndTry) {
	x.t.Helper()
	if err := x.client.EndTransaction(x.t.Context(), commit); err != nil {
		x.t.Fatal(err)
	}
}

// TestTransactions: a reader sees what was committed, and nothing of what is open or was given up; it gets past the markers.
func TestTransactions(t *testing.T) {
	l := openLog(t, 1, Options{}, eventlog.RawEvents)
	x := newTransactor(t, l, eventlog.RawEvents)
	x.begin("a", "b")
	if got := logtest.ReadAll(t, l, 0, 100); len(got) != 0 {
		t.Errorf("an open transaction reads as %q", got)
	}
	x.end(kgo.TryCommit)
	eventually(t, func() bool { return fmt.Sprint(logtest.ReadAll(t, l, 0, 100)) == "[a b]" })
	x.begin("never")
	x.end(kgo.TryAbort)
	x.begin("c")
	x.end(kgo.TryCommit)
	eventually(t, func() bool { return fmt.Sprint(logtest.ReadAll(t, l, 0, 1)) == "[a b c]" })

	entries := logtest.Entries(t, l, 0, 100)
	// a b marker never marker c marker
	if want := []int64{Position(0, 0), Position(1, 0), Position(5, 0)}; entries[2].Offset != want[2] {
		t.Errorf("c has offset %d, want %d", entries[2].Offset, want[2])
	}
	end, err := l.End(t.Context(), eventlog.RawEvents, 0)
	if err != nil || end != Position(7, 0) {
		t.Errorf("end %d, %v; want %d", end, err, Position(7, 0))
	}
	for _, from := range []int64{entries[2].Offset + 1, Position(6, 0), Position(7, 0)} {
		none, next, err := l.ReadNext(t.Context(), eventlog.RawEvents, 0, from, 100)
		if err != nil || len(none) != 0 || next != end {
			t.Errorf("from %d: %d entries, next %d, %v; want none and %d", from, len(none), next, err, end)
		}
	}
}

// TestWaitBehindMarkers: markers alone wake nobody, a record does.
func TestWaitBehindMarkers(t *testing.T) {
	l := openLog(t, 1, Options{}, eventlog.RawEvents)
	x := newTransactor(t, l, eventlog.RawEvents)
	x.begin("a")
	x.end(kgo.TryCommit)
	var entries []eventlog.Entry
	eventually(t, func() bool { entries = logtest.Entries(t, l, 0, 100); return len(entries) == 1 })
	done := make(chan error, 1)
	go func() { done <- l.Wait(t.Context(), eventlog.RawEvents, 0, entries[0].Offset+1) }()
	x.begin("never")
	x.end(kgo.TryAbort)
	x.begin("b")
	select {
	case err := <-done:
		t.Errorf("woken too early: %v", err)
	case <-time.After(2 * pollTime):
	}
	x.end(kgo.TryCommit)
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("not woken")
	}
	if got := logtest.ReadAll(t, l, entries[0].Offset+1, 100); fmt.Sprint(got) != "[b]" {
		t.Errorf("got %q", got)
	}
}

// eventually waits for a condition, for as long as a busy machine may take.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatal("it never came true")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

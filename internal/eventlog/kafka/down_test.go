package kafka

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// TestNobodyAnswers needs no Kafka: a port that nobody listens on, and one that takes connections and says nothing.
func TestNobodyAnswers(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	for name, at := range map[string]string{"refused": refused.Addr().String(), "silent": silent.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			l, err := Open(Options{Brokers: []string{at}, AnswerTime: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			f := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, eventlog.ErrUnavailable) {
					t.Errorf("%s: %v", what, err)
				}
			}
			ctx := t.Context()
			f("append", l.Append(ctx, eventlog.RawEvents, []eventlog.Record{{Value: []byte("x")}}))
			_, err = l.Read(ctx, eventlog.RawEvents, 0, 0, 1)
			f("read", err)
			_, err = l.End(ctx, eventlog.RawEvents, 0)
			f("end", err)
			f("wait", l.Wait(ctx, eventlog.RawEvents, 0, 0))
			f("commit", l.Commit(ctx, "c", eventlog.RawEvents, 0, 1))
			_, err = l.Committed(ctx, "c", eventlog.RawEvents, 0)
			f("committed", err)
			f("tick", l.Tick(ctx, time.Now()))
			f("topics", l.EnsureTopics(ctx, []TopicSpec{{Topic: eventlog.RawEvents, Partitions: 1, Replication: 1}}))
		})
	}
}

func TestFlow(t *testing.T) {
	start := time.UnixMilli(0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	f := flow{max: 100, patience: 5 * time.Second}
	want := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	want(f.take(500, at(0)), nil) // whatever its size, when nothing is pending
	want(f.take(1, at(1)), eventlog.ErrFull)
	f.give(450, at(1), true)
	want(f.take(50, at(2)), nil)
	want(f.take(1, at(7)), eventlog.ErrUnavailable) // nothing has been acknowledged since 1
	f.give(50, at(8), false)
	want(f.take(1, at(8)), eventlog.ErrUnavailable) // a failure is no sign of life
	f.give(10, at(8), true)
	want(f.take(1, at(8)), nil)
	f.give(41, at(9), false)
	want(f.take(1, at(60)), nil) // nothing pending: the next one finds out
}

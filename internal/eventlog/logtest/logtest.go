// Package logtest is the battery that every implementation of eventlog.Log must pass. It may import eventlog.
package logtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

const topic = eventlog.RawEvents

// Cannot lists what an implementation cannot do; the zero value runs everything.
type Cannot struct {
	// DenseOffsets: offsets ascend with gaps.
	DenseOffsets bool
}

// Run runs the battery. open returns an empty log, whose topics have one partition; the battery closes it.
func Run(t *testing.T, cannot Cannot, open func(t *testing.T) eventlog.Log) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, eventlog.Log)
	}{
		{"empty", testEmpty},
		{"offsets ascend", func(t *testing.T, l eventlog.Log) { testAscending(t, l, cannot) }},
		{"read your acknowledgement", testReadYourAck},
		{"concurrent appends", testConcurrent},
		{"calls stay together", testTogether},
		{"limits of a read", testReadLimits},
		{"big records", testBig},
		{"wait", testWait},
		{"wait ends with its context", testWaitContext},
		{"cancelled append", testCancelled},
		{"topics are apart", testTopics},
		{"consumers", testConsumers},
		{"values are owned", testOwnership},
		{"begun append", testBegin},
		{"closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := open(t)
			c.run(t, l)
			if err := l.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// Append appends values to the log's topic in one call.
func Append(t testing.TB, l eventlog.Log, values ...string) {
	t.Helper()
	records := make([]eventlog.Record, len(values))
	for i, v := range values {
		records[i] = eventlog.Record{Key: []byte("k"), Value: []byte(v)}
	}
	if err := l.Append(t.Context(), topic, records); err != nil {
		t.Fatalf("append: %v", err)
	}
}

// ReadAll reads all values from an offset on and checks that offsets ascend.
func ReadAll(t testing.TB, l eventlog.Log, from int64, maxBytes int) (values []string) {
	t.Helper()
	for _, e := range Entries(t, l, from, maxBytes) {
		values = append(values, string(e.Value))
	}
	return values
}

// Entries is ReadAll with offsets.
func Entries(t testing.TB, l eventlog.Log, from int64, maxBytes int) (all []eventlog.Entry) {
	t.Helper()
	for {
		entries, err := l.Read(t.Context(), topic, 0, from, maxBytes)
		if err != nil {
			t.Fatalf("read from %d: %v", from, err)
		}
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			if e.Offset < from || e.Partition != 0 {
				t.Fatalf("entry %d of partition %d, want %d or more of 0", e.Offset, e.Partition, from)
			}
			from = e.Offset + 1
		}
		all = append(all, entries...)
	}
}

func end(t testing.TB, l eventlog.Log) int64 {
	t.Helper()
	n, err := l.End(t.Context(), topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func testEmpty(t *testing.T, l eventlog.Log) {
	if n := end(t, l); n != 0 {
		t.Errorf("end of an empty log is %d", n)
	}
	if got := ReadAll(t, l, 0, 1<<20); len(got) != 0 {
		t.Errorf("read %q", got)
	}
	if err := l.Append(t.Context(), topic, nil); err != nil {
		t.Errorf("append of nothing: %v", err)
	}
	if n := end(t, l); n != 0 {
		t.Errorf("end is %d after nothing", n)
	}
}

func testAscending(t *testing.T, l eventlog.Log, cannot Cannot) {
	var want []string
	for i := range 50 {
		values := make([]string, i%7+1)
		for k := range values {
			values[k] = fmt.Sprintf("%d/%d", i, k)
		}
		before := end(t, l)
		Append(t, l, values...)
		want = append(want, values...)
		n := end(t, l)
		if n <= before || !cannot.DenseOffsets && n != int64(len(want)) {
			t.Fatalf("end is %d after %d, with %d records", n, before, len(want))
		}
	}
	entries := Entries(t, l, 0, 1<<20)
	if len(entries) != len(want) || entries[len(want)-1].Offset >= end(t, l) {
		t.Fatalf("%d entries, want %d; end %d", len(entries), len(want), end(t, l))
	}
	for i, e := range entries {
		if !cannot.DenseOffsets && e.Offset != int64(i) {
			t.Fatalf("entry %d has offset %d", i, e.Offset)
		}
		if got := ReadAll(t, l, e.Offset, 64); !slices.Equal(got, want[i:]) {
			t.Fatalf("from %d: got %q, want %q", e.Offset, got, want[i:])
		}
		if got := ReadAll(t, l, e.Offset+1, 1<<20); !slices.Equal(got, want[i+1:]) {
			t.Fatalf("behind %d: got %q, want %q", e.Offset, got, want[i+1:])
		}
	}
}

func testReadYourAck(t *testing.T, l eventlog.Log) {
	next := int64(0)
	for i := range 100 {
		value := fmt.Sprint(i)
		Append(t, l, value)
		entries, err := l.Read(t.Context(), topic, 0, next, 1)
		if err != nil || len(entries) != 1 || string(entries[0].Value) != value {
			t.Fatalf("what was acknowledged as %d reads as %v, %v", i, entries, err)
		}
		next = entries[0].Offset + 1
	}
}

func testConcurrent(t *testing.T, l eventlog.Log) {
	const writers, each = 32, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				if err := l.Append(t.Context(), topic, []eventlog.Record{{Value: fmt.Appendf(nil, "%d %d", w, i)}}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	next := make([]int, writers)
	values := ReadAll(t, l, 0, 1000)
	for _, v := range values {
		var w, i int
		if _, err := fmt.Sscan(v, &w, &i); err != nil || next[w] != i {
			t.Fatalf("writer %d: got %d, want %d (%v)", w, i, next[w], err)
		}
		next[w]++
	}
	if len(values) != writers*each {
		t.Errorf("%d records, want %d", len(values), writers*each)
	}
}

// testTogether: the records of one call follow each other.
func testTogether(t *testing.T, l eventlog.Log) {
	const writers, each, size = 8, 20, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				records := make([]eventlog.Record, size)
				for k := range records {
					records[k].Value = fmt.Appendf(nil, "%d %d %d", w, i, k)
				}
				if err := l.Append(t.Context(), topic, records); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	values := ReadAll(t, l, 0, 1<<20)
	if len(values) != writers*each*size {
		t.Fatalf("%d records, want %d", len(values), writers*each*size)
	}
	for i := 0; i < len(values); i += size {
		call, _, _ := bytes.Cut([]byte(values[i]), []byte(" 0"))
		for k := range size {
			if k > 0 && values[i+k] != fmt.Sprintf("%s %d", bytes.TrimSuffix([]byte(values[i]), []byte(" 0")), k) {
				t.Fatalf("call %q is torn at %d: %q", call, k, values[i:i+size])
			}
		}
	}
}

func testReadLimits(t *testing.T, l eventlog.Log) {
	value := string(bytes.Repeat([]byte("x"), 1000))
	for range 10 {
		Append(t, l, value, value, value)
	}
	for _, c := range []struct{ maxBytes, least, most int }{{1, 1, 1}, {0, 1, 1}, {1000, 1, 2}, {5000, 3, 6}, {1 << 20, 30, 30}} {
		entries, err := l.Read(t.Context(), topic, 0, 0, c.maxBytes)
		if err != nil || len(entries) < c.least || len(entries) > c.most {
			t.Errorf("%d bytes: %d entries, %v; want %d to %d", c.maxBytes, len(entries), err, c.least, c.most)
		}
	}
	all := Entries(t, l, 0, 1<<20)
	for _, offset := range []int64{all[len(all)-1].Offset + 1, end(t, l)} {
		if entries, err := l.Read(t.Context(), topic, 0, offset, 100); err != nil || len(entries) != 0 {
			t.Errorf("at the end: %d entries, %v", len(entries), err)
		}
	}
	if _, err := l.Read(t.Context(), topic, 0, end(t, l)+1, 100); err == nil {
		t.Error("an offset beyond the end can be read")
	}
}

func testBig(t *testing.T, l eventlog.Log) {
	sizes := []int{0, 1, 127, 128, 1 << 16, 1 << 20, 6 << 20}
	next := int64(0)
	for _, size := range sizes {
		value := make([]byte, size)
		for i := range value {
			value[i] = byte(i*7 + i>>8*13)
		}
		if err := l.Append(t.Context(), topic, []eventlog.Record{{Value: value}, {Value: []byte("behind")}}); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		entries, err := l.Read(t.Context(), topic, 0, next, 1<<30)
		if err != nil || len(entries) != 2 || !bytes.Equal(entries[0].Value, value) || string(entries[1].Value) != "behind" {
			t.Fatalf("%d bytes: %d entries, %v", size, len(entries), err)
		}
		next = entries[1].Offset + 1
	}
}

func testWait(t *testing.T, l eventlog.Log) {
	Append(t, l, "a")
	if err := l.Wait(t.Context(), topic, 0, 0); err != nil {
		t.Errorf("wait for what is there: %v", err)
	}
	Append(t, l, "b", "c")
	entries := Entries(t, l, 0, 100)
	next := entries[2].Offset + 1
	if err := l.Wait(t.Context(), topic, 0, entries[2].Offset); err != nil {
		t.Errorf("wait for the last: %v", err)
	}
	const readers = 4
	done := make(chan error, readers)
	for range readers {
		go func() { done <- l.Wait(t.Context(), topic, 0, next) }()
	}
	select {
	case err := <-done:
		t.Errorf("woken too early: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	Append(t, l, "d")
	for range readers {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a reader was not woken")
		}
	}
}

func testWaitContext(t *testing.T, l eventlog.Log) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Wait(ctx, topic, 0, 0) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func testCancelled(t *testing.T, l eventlog.Log) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Append(ctx, topic, []eventlog.Record{{Value: []byte("x")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	if _, err := l.Read(ctx, topic, 0, 0, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
}

func testTopics(t *testing.T, l eventlog.Log) {
	for _, name := range []eventlog.Topic{"a", "a1", "ab", topic, "b"} {
		for i := range 3 {
			if err := l.Append(t.Context(), name, []eventlog.Record{{Value: fmt.Appendf(nil, "%s%d", name, i)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []eventlog.Topic{"a", "a1", "ab", topic, "b"} {
		entries, err := l.Read(t.Context(), name, 0, 0, 1<<20)
		if err != nil || len(entries) != 3 || string(entries[2].Value) != string(name)+"2" {
			t.Errorf("%s: %v, %v", name, entries, err)
		}
	}
}

func testConsumers(t *testing.T, l eventlog.Log) {
	Append(t, l, "a", "b", "c")
	f := func(consumer string, want int64) {
		t.Helper()
		if got, err := l.Committed(t.Context(), consumer, topic, 0); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", consumer, got, err, want)
		}
	}
	f("new", 0)
	for _, c := range []struct {
		consumer string
		next     int64
	}{{"one", 1}, {"two", 3}, {"one", 2}} {
		if err := l.Commit(t.Context(), c.consumer, topic, 0, c.next); err != nil {
			t.Fatal(err)
		}
	}
	f("one", 2)
	f("two", 3)
}

// testOwnership: the caller may reuse its buffer once Append has returned, and a reader may write into what it got.
func testOwnership(t *testing.T, l eventlog.Log) {
	buffer := []byte("first")
	if err := l.Append(t.Context(), topic, []eventlog.Record{{Value: buffer}}); err != nil {
		t.Fatal(err)
	}
	copy(buffer, "xxxxx")
	for range 2 {
		entries, err := l.Read(t.Context(), topic, 0, 0, 100)
		if err != nil || len(entries) != 1 || string(entries[0].Value) != "first" {
			t.Fatalf("got %v, %v", entries, err)
		}
		copy(entries[0].Value, "yyyyy")
	}
}

// testBegin: what is begun stands in order, is durable after Wait, and its memory is the caller's at once.
func testBegin(t *testing.T, l eventlog.Log) {
	var pending []eventlog.Pending
	buffer := make([]byte, 1)
	for _, c := range []byte("abc") {
		buffer[0] = c
		p, err := l.Begin(t.Context(), topic, []eventlog.Record{{Key: buffer, Value: buffer}})
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	buffer[0] = 'x'
	if p, err := l.Begin(t.Context(), topic, nil); err != nil || p.Wait(t.Context()) != nil {
		t.Errorf("no records: %v", err)
	}
	for _, p := range []int{2, 0, 1, 0} {
		if err := pending[p].Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := ReadAll(t, l, 0, 100); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %q", got)
	}
}

func testClosed(t *testing.T, l eventlog.Log) {
	waiting := make(chan error, 1)
	go func() { waiting <- l.Wait(t.Context(), topic, 0, 0) }()
	time.Sleep(time.Millisecond) // so that it waits, more often than not; it must end either way
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("wait: %v", err)
	}
	if err := l.Append(t.Context(), topic, []eventlog.Record{{Value: []byte("x")}}); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := l.Begin(t.Context(), topic, []eventlog.Record{{Value: []byte("x")}}); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("begin: %v", err)
	}
	if _, err := l.Read(t.Context(), topic, 0, 0, 1); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if _, err := l.End(t.Context(), topic, 0); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("end: %v", err)
	}
	if err := l.Commit(t.Context(), "c", topic, 0, 1); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("commit: %v", err)
	}
}

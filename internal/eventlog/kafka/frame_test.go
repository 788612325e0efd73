package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

func TestPosition(t *testing.T) {
	f := func(offset int64, frame int, want int64) {
		t.Helper()
		p := Position(offset, frame)
		if p != want || KafkaOffset(p) != offset || frameIndex(p) != frame {
			t.Errorf("%d, %d: position %d, back %d, %d; want %d", offset, frame, p, KafkaOffset(p), frameIndex(p), want)
		}
	}
	f(0, 0, 0)
	f(0, 4095, 4095)
	f(1, 0, 4096)
	f(3, 2, 12290)
	f(1<<50, 4095, 1<<62+4095)
}

// TestFrames holds the bytes of docs/format/topics.md, which the stream job reads as well.
func TestFrames(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 300)
	value := appendFrame(appendFrame(appendFrame(nil, []byte("ab")), nil), long)
	want := append([]byte{2, 'a', 'b', 0, 0xac, 0x02}, long...)
	if !bytes.Equal(value, want) {
		t.Fatalf("got % x", value)
	}
	if n := frameSize([]byte("ab")) + frameSize(nil) + frameSize(long); n != len(value) {
		t.Errorf("sizes add up to %d, the value has %d", n, len(value))
	}
	var got []string
	if err := eachFrame(value, func(i int, r []byte) bool { got = append(got, fmt.Sprint(i, len(r), cap(r))); return true }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "[0 2 2 1 0 0 2 300 300]" {
		t.Errorf("got %v", got)
	}
}

func TestBadFrames(t *testing.T) {
	many := bytes.Repeat([]byte{0}, maxFrames+1)
	for _, value := range [][]byte{{1}, {5, 'a'}, {0x80}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, many} {
		if err := eachFrame(value, func(int, []byte) bool { return true }); !errors.Is(err, errFrames) {
			t.Errorf("% x: %v", value[:min(len(value), 10)], err)
		}
	}
	if err := eachFrame(many[:maxFrames], func(int, []byte) bool { return true }); err != nil {
		t.Errorf("the most frames: %v", err)
	}
}

func TestEntriesOfAValue(t *testing.T) {
	r := &record{partition: 2, offset: 5, value: appendFrame(appendFrame(appendFrame(nil, []byte("aa")), []byte("bb")), []byte("cc"))}
	f := func(position int64, room int, want string, wantWhole bool) {
		t.Helper()
		entries, whole, err := appendEntries(nil, r, position, &room)
		got := ""
		for _, e := range entries {
			got += fmt.Sprintf("%d:%s ", e.Offset-Position(5, 0), e.Value)
		}
		if got != want || whole != wantWhole || err != nil {
			t.Errorf("from %d: %q, %v, %v; want %q, %v", position, got, whole, err, want, wantWhole)
		}
	}
	f(0, 100, "0:aa 1:bb 2:cc ", true)
	f(Position(5, 1), 100, "1:bb 2:cc ", true)
	f(Position(5, 3), 100, "", true)
	f(Position(6, 0), 100, "", true)
	f(0, 0, "0:aa ", false)
	f(0, 2, "0:aa ", false)
	f(0, 4, "0:aa 1:bb ", false)
	f(0, 6, "0:aa 1:bb 2:cc ", true)
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{2, 'a', 'b', 0}, int64(0), 10)
	f.Add([]byte{0x80, 0x80}, int64(1), 0)
	f.Fuzz(func(t *testing.T, value []byte, position int64, room int) {
		var again []byte
		err := eachFrame(value, func(_ int, r []byte) bool { again = appendFrame(again, r); return true })
		if err == nil && len(again) > len(value) {
			t.Errorf("% x reads as % x", value, again)
		}
		entries, _, _ := appendEntries(nil, &record{value: value}, position, &room)
		last := int64(-1)
		for _, e := range entries {
			if e.Offset <= last || e.Offset < position {
				t.Errorf("offset %d behind %d, wanted from %d", e.Offset, last, position)
			}
			last = e.Offset
		}
	})
}

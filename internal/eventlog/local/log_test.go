package local

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/logtest"
)

// childDir names the directory that a child process is to write to until it is killed.
const childDir = "FOOTFALL_TEST_LOG_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		writeUntilKilled(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func openAt(t testing.TB, opts Options) *Log {
	t.Helper()
	l, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	logtest.Run(t, logtest.Cannot{}, func(t *testing.T) eventlog.Log { return openAt(t, Options{Dir: t.TempDir()}) })
}

func TestReopenAfterEveryStep(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 25 {
		l := openAt(t, Options{Dir: dir})
		if got := logtest.ReadAll(t, l, 0, 1<<20); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("step %d: got %q, want %q", i, got, want)
		}
		if next, err := l.Committed(t.Context(), "c", eventlog.RawEvents, 0); err != nil || next != int64(i) {
			t.Fatalf("step %d: committed %d, %v", i, next, err)
		}
		values := []string{fmt.Sprint(i), strings.Repeat("x", i*1000)}
		logtest.Append(t, l, values...)
		want = append(want, values...)
		if err := l.Commit(t.Context(), "c", eventlog.RawEvents, 0, int64(i+1)); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
	}
}

// TestCrashLosesNothingAcknowledged runs on a file system that forgets what was not synced.
func TestCrashLosesNothingAcknowledged(t *testing.T) {
	mem := vfs.NewCrashableMem()
	l := openAt(t, Options{Dir: "d", FS: mem})
	var mu sync.Mutex
	acked := map[string]bool{}
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; !stop.Load(); i++ {
				value := fmt.Sprint(w, " ", i)
				if l.Append(t.Context(), eventlog.RawEvents, []eventlog.Record{{Value: []byte(value)}}) == nil {
					mu.Lock()
					acked[value] = true
					mu.Unlock()
				}
			}
		}()
	}
	for range 10 {
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		sure := make([]string, 0, len(acked))
		for v := range acked {
			sure = append(sure, v)
		}
		crashed := mem.CrashClone(vfs.CrashCloneCfg{})
		mu.Unlock()
		after := openAt(t, Options{Dir: "d", FS: crashed})
		have := map[string]int{}
		for _, v := range logtest.ReadAll(t, after, 0, 1<<20) {
			have[v]++
		}
		for _, v := range sure {
			if have[v] != 1 {
				t.Fatalf("acknowledged %q is there %d times", v, have[v])
			}
		}
		closeLog(t, after)
	}
	stop.Store(true)
	wg.Wait()
	closeLog(t, l)
}

// writeUntilKilled appends numbered values and prints each once it is acknowledged.
func writeUntilKilled(dir string) {
	l, err := Open(Options{Dir: dir})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var mu sync.Mutex
	for w := range 16 {
		go func() {
			for i := 0; ; i++ {
				value := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if l.Append(context.Background(), eventlog.RawEvents, []eventlog.Record{{Value: []byte(value)}}) != nil {
					return
				}
				mu.Lock()
				fmt.Println(value)
				mu.Unlock()
			}
		}()
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent goes
}

func TestKill(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]bool{}
	for range 4 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		in, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acked[lines.Text()] = true
			if n == 400 {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = in.Close()
		_ = child.Wait() // it was killed
	}
	l := openAt(t, Options{Dir: dir})
	defer closeLog(t, l)
	have := map[string]int{}
	for _, v := range logtest.ReadAll(t, l, 0, 1<<20) {
		have[v]++
	}
	if len(acked) < 1600 {
		t.Errorf("only %d were acknowledged", len(acked))
	}
	for v := range acked {
		if have[v] != 1 {
			t.Errorf("acknowledged %q is there %d times", v, have[v])
		}
	}
}

// spaceFS is a disk with so much free space.
type spaceFS struct {
	vfs.FS
	free atomic.Uint64
}

func (f *spaceFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: f.free.Load(), TotalBytes: 1 << 40}, nil
}

func appendOne(l *Log, value string) error {
	return l.Append(context.Background(), eventlog.RawEvents, []eventlog.Record{{Value: []byte(value)}})
}

func TestReserve(t *testing.T) {
	disk := &spaceFS{FS: vfs.NewMem()}
	disk.free.Store(1 << 30)
	l := openAt(t, Options{Dir: "d", FS: disk, ReserveBytes: 1 << 20})
	defer closeLog(t, l)
	if err := appendOne(l, "a"); err != nil {
		t.Fatal(err)
	}
	disk.free.Store(1<<20 - 1)
	deadline := time.Now().Add(5 * time.Second)
	full := 0
	for time.Now().Before(deadline) && full < 3 { // free space is looked at every 100 ms
		if err := appendOne(l, "b"); errors.Is(err, eventlog.ErrFull) {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if full == 0 {
		t.Fatal("the log fills the disk")
	}
	end, _ := l.End(t.Context(), eventlog.RawEvents, 0)
	disk.free.Store(1 << 30)
	if err := appendOne(l, "c"); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if values := logtest.ReadAll(t, l, end, 1<<20); fmt.Sprint(values) != "[c]" {
		t.Errorf("what was refused was written: %q", values)
	}
}

// TestDiskFull makes writes fail as a full disk does.
func TestDiskFull(t *testing.T) {
	var full atomic.Bool
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite) {
			return syscall.ENOSPC
		}
		return nil
	})
	failed := make(chan error, 1)
	mem := vfs.NewMem()
	l := openAt(t, Options{Dir: "d", FS: errorfs.Wrap(mem, inject), OnFailure: func(err error) { failed <- err }})
	l.stuckWait = 100 * time.Millisecond
	var acked []string
	write := func(value string) error {
		err := appendOne(l, value)
		if err == nil {
			acked = append(acked, value)
		}
		return err
	}
	if err := write("before"); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		full.Store(true)
		if err := write(fmt.Sprint("in flight ", round)); !errors.Is(err, eventlog.ErrUnavailable) {
			t.Fatalf("the write that meets the full disk: %v", err)
		}
		for range 3 {
			if err := write("full"); !errors.Is(err, eventlog.ErrFull) {
				t.Fatalf("while the disk is full: %v", err)
			}
		}
		full.Store(false)
		deadline := time.Now().Add(10 * time.Second)
		for write(fmt.Sprint("after ", round)) != nil {
			if time.Now().After(deadline) {
				t.Fatal("the log does not recover")
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	values := logtest.ReadAll(t, l, 0, 1<<20)
	closeLog(t, l)
	l = openAt(t, Options{Dir: "d", FS: mem})
	defer closeLog(t, l)
	if again := logtest.ReadAll(t, l, 0, 1<<20); fmt.Sprint(again) != fmt.Sprint(values) {
		t.Errorf("after reopening: %q, before: %q", again, values)
	}
	have := map[string]int{}
	for _, v := range values {
		have[v]++
	}
	for _, v := range acked {
		if have[v] != 1 {
			t.Errorf("acknowledged %q is there %d times", v, have[v])
		}
	}
	if have["full"] != 0 {
		t.Error("what was refused was written")
	}
	select {
	case err := <-failed:
		t.Errorf("the log failed: %v", err)
	default:
	}
}

func (l *Log) bytesOf(topic eventlog.Topic) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.topics[topic].bytes - l.topics[topic].firstBytes
}

func TestRetentionByAge(t *testing.T) {
	dir := t.TempDir()
	now := time.UnixMilli(1_763_856_000_000)
	opts := Options{Dir: dir, MaxAge: 10 * time.Hour, Consumers: []string{"store"}, Now: func() time.Time { return now }}
	l := openAt(t, opts)
	for i := range 20 {
		logtest.Append(t, l, fmt.Sprint(i, "a"), fmt.Sprint(i, "b"))
		now = now.Add(time.Hour)
	}
	first := func(want int64) {
		t.Helper()
		if err := l.Sweep(); err != nil {
			t.Fatal(err)
		}
		if got, err := l.First(eventlog.RawEvents); err != nil || got != want {
			t.Errorf("the log begins at %d, %v; want %d", got, err, want)
		}
	}
	first(0) // the store has read nothing
	if err := l.Commit(t.Context(), "store", eventlog.RawEvents, 0, 9); err != nil {
		t.Fatal(err)
	}
	first(8) // offset 9 stands in the group that begins at 8
	if err := l.Commit(t.Context(), "archive", eventlog.RawEvents, 0, 12); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(t.Context(), "store", eventlog.RawEvents, 0, 40); err != nil {
		t.Fatal(err)
	}
	first(12) // another consumer is behind
	if err := l.Commit(t.Context(), "archive", eventlog.RawEvents, 0, 40); err != nil {
		t.Fatal(err)
	}
	first(20) // written 10 hours ago: not older
	_, err := l.Read(t.Context(), eventlog.RawEvents, 0, 19, 100)
	var trimmed *eventlog.TrimmedError
	if !errors.Is(err, eventlog.ErrTrimmed) || !errors.As(err, &trimmed) || trimmed.First != 20 {
		t.Errorf("a removed offset: %v", err)
	}
	now = now.Add(1000 * time.Hour)
	first(38) // the last group stays
	closeLog(t, l)
	l = openAt(t, opts)
	defer closeLog(t, l)
	first(38)
	logtest.Append(t, l, "next")
	if got := logtest.ReadAll(t, l, 38, 1<<20); fmt.Sprint(got) != "[19a 19b next]" {
		t.Errorf("after reopening: %q", got)
	}
}

func TestRetentionBySize(t *testing.T) {
	l := openAt(t, Options{Dir: t.TempDir(), MaxBytes: 64 << 10, Consumers: []string{"store"}})
	defer closeLog(t, l)
	value := func(i int) string { // that cannot be compressed
		b := make([]byte, 0, 2048)
		x := uint64(i)*0x9e3779b97f4a7c15 + 1
		for len(b) < 2000 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			b = binary.LittleEndian.AppendUint64(b, x)
		}
		return string(b)
	}
	n := 0
	for ; ; n++ {
		err := appendOne(l, value(n))
		if errors.Is(err, eventlog.ErrFull) {
			break
		}
		if err != nil || n > 40 {
			t.Fatalf("record %d: %v", n, err)
		}
	}
	if values := logtest.ReadAll(t, l, 0, 1<<20); len(values) != n {
		t.Errorf("%d records are there, %d were acknowledged", len(values), n)
	}
	for i := range 200 { // a reader that keeps up
		end, err := l.End(t.Context(), eventlog.RawEvents, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(t.Context(), "store", eventlog.RawEvents, 0, end); err != nil {
			t.Fatal(err)
		}
		if err := appendOne(l, value(n+i)); err != nil {
			t.Fatalf("record %d: %v", n+i, err)
		}
		if size := l.bytesOf(eventlog.RawEvents); size > 64<<10 {
			t.Fatalf("the topic has %d bytes", size)
		}
	}
	first, _ := l.First(eventlog.RawEvents)
	for i, v := range logtest.ReadAll(t, l, first, 1<<20) {
		if v != value(int(first)+i) {
			t.Fatalf("offset %d has another value", int(first)+i)
		}
	}
}

// TestRetentionFreesSpace: what is removed is given back to the disk.
func TestRetentionFreesSpace(t *testing.T) {
	dir := t.TempDir()
	now := time.UnixMilli(1_763_856_000_000)
	l := openAt(t, Options{Dir: dir, MaxAge: time.Hour, Now: func() time.Time { return now }})
	defer closeLog(t, l)
	records := make([]eventlog.Record, 200)
	for k := range records {
		records[k].Value = record(k)
	}
	for range 50 {
		if err := l.Append(t.Context(), eventlog.RawEvents, records); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	before := diskUse(t, filepath.Join(dir, "log"))
	now = now.Add(2 * time.Hour)
	logtest.Append(t, l, "last")
	if err := l.Sweep(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	after := diskUse(t, filepath.Join(dir, "log"))
	for ; after > before/2 && time.Now().Before(deadline); after = diskUse(t, filepath.Join(dir, "log")) {
		time.Sleep(20 * time.Millisecond) // files go in the background
	}
	if after > before/2 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
}

func diskUse(t *testing.T, dir string) (total int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			total += info.Size()
		}
	}
	return total
}

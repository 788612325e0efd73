package duckdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// childPath names the store that the child process of TestKill writes to.
const childPath = "FOOTFALL_TEST_KILL_PATH"

// TestKillChild is the process that TestKill kills: it commits until it dies and says how far it is.
func TestKillChild(t *testing.T) {
	path := os.Getenv(childPath)
	if path == "" {
		t.Skip("runs as the child of TestKill")
	}
	s, err := Open(Options{Path: path, CheckpointBytes: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	at, _ := s.Position(context.Background())
	traffic := newTraffic(uint64(at), 1_750_000_000_000+at*1000, 200)
	traffic.offset = at
	for {
		b := traffic.batch(1 + traffic.rng.IntN(20)*traffic.rng.IntN(20)*10)
		if err := s.Commit(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		fmt.Println("at", b.Next)
	}
}

// TestKill kills a process that commits, at random moments: what it was told is stored is there, nothing is there in
// part, and position and rows agree.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.duckdb")
	for round := range unlessShort(8, 2) {
		acked := killedRun(t, path, 300+rand.IntN(900))
		from := time.Now()
		s, err := Open(Options{Path: path})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		opened := time.Since(from)
		position, _ := s.Position(context.Background())
		rows := count(t, s, "select count(*) from events")
		if position < acked || rows != position {
			t.Errorf("round %d: %d acknowledged, position %d, %d rows", round, acked, position, rows)
		}
		report := auditOf(t, s)
		if report.Found != 0 {
			t.Errorf("round %d: %d differences, the first: %+v", round, report.Found, report.Differences[0])
		}
		t.Logf("round %d: %d rows, opened in %v", round, rows, opened)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killedRun lets the child commit for so long and returns the last position that it reported.
func killedRun(t *testing.T, path string, ms int) (acked int64) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	child.Env = append(os.Environ(), childPath+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "at ")
		if !ok {
			t.Log(lines.Text())
			continue
		}
		if acked == 0 {
			time.AfterFunc(time.Duration(ms)*time.Millisecond, func() { _ = child.Process.Kill() })
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil { // the last line may be cut
			acked = max(acked, n)
		}
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child was not killed: %v", err)
	}
	return acked
}

// TestSecondProcessIsRefused: the file has one owner.
func TestSecondProcessIsRefused(t *testing.T) {
	s := openTest(t)
	child := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	child.Env = append(os.Environ(), childPath+"="+s.opts.Path)
	out, err := child.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "cannot open event store") {
		t.Errorf("got %v: %s", err, out)
	}
}

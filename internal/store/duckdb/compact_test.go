package duckdb

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A file with holes is made shorter when it is closed, and nothing else changes.
func TestHolesAreFilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.duckdb")
	s, err := Open(Options{Path: path, CheckpointBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.writer.execAll("create table gone as select random() as n from range(1000000); checkpoint footfall"); err != nil {
		t.Fatal(err)
	}
	traffic := newTraffic(3, 1_750_000_000_000, 60_000)
	for range 4 {
		commit(t, s, traffic.batch(40_000))
	}
	ctx := context.Background()
	if err := s.writer.execAll("drop table gone; checkpoint footfall"); err != nil {
		t.Fatal(err)
	}
	before, sums := fileSize(t, path), contents(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := fileSize(t, path); after > before*9/10 {
		t.Errorf("closed, the file has %d bytes, %d before", after, before)
	}
	if s, err = Open(Options{Path: path}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if got := contents(t, s); got != sums {
		t.Errorf("contents are %v after opening, want %v", got, sums)
	}
	commit(t, s, traffic.batch(1000)) // the key of meta is there
	if report, err := s.Audit(ctx); err != nil || report.Found > 0 {
		t.Errorf("audit: %+v, %v", report, err)
	}
}

// A file beside which the engine has left a log keeps its holes: the log would not match a copy.
func TestHolesStayBesideALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.duckdb")
	s, err := Open(Options{Path: path, CheckpointBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.writer.execAll("create table gone as select random() as n from range(1000000); checkpoint footfall; drop table gone; checkpoint footfall"); err != nil {
		t.Fatal(err)
	}
	if holes, err := s.manyHoles(t.Context()); err != nil || !holes {
		t.Fatalf("holes %v, %v", holes, err)
	}
	before := fileSize(t, path)
	if err := os.WriteFile(path+".wal.left", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := fileSize(t, path); after < before {
		t.Errorf("the file was written anew: %d bytes, %d before", after, before)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func contents(t *testing.T, s *Store) (sums [3]int64) {
	t.Helper()
	for i, table := range []string{"events", "sessions", "ledger"} {
		sums[i] = count(t, s, "select (bit_xor(hash(t)) >> 1)::bigint from "+table+" t")
	}
	return sums
}

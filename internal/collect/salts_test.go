package collect

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

func open(t *testing.T, dir string, now int64) *salts {
	t.Helper()
	s, err := openSalts(NewSaltFile(dir), false, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t *testing.T, s *salts, now int64) *saltSet {
	t.Helper()
	set, err := s.at(now)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestSaltsTurn(t *testing.T) {
	const day = event.DayMillis
	dir := t.TempDir()
	s := open(t, dir, testNow)
	first := at(t, s, testNow)
	if first.hasYesterday {
		t.Error("a new door has a salt of yesterday")
	}
	next := at(t, s, testNow+day)
	if !next.hasYesterday || next.yesterday != first.today || next.today == first.today {
		t.Error("yesterday's salt is not the one that was today's")
	}
	if back := at(t, s, testNow); back != next {
		t.Error("a clock that goes back changes the salts")
	}
	old, _ := os.ReadFile(filepath.Join(dir, "salts.json"))
	third := at(t, s, testNow+2*day)
	text, err := os.ReadFile(filepath.Join(dir, "salts.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, salt := range strings.Split(string(old), `"`) {
		if len(salt) == 24 && salt != saltText(next.today) && strings.Contains(string(text), salt) {
			t.Errorf("a salt is kept after 48 h: %s", salt)
		}
	}
	if third.importSecret == first.importSecret {
		t.Error("the secret of imports outlives 48 h")
	}
	if skip := at(t, s, testNow+5*day); skip.hasYesterday {
		t.Error("after a pause a salt is taken for yesterday's")
	}
	info, err := os.Stat(filepath.Join(dir, "salts.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func saltText(salt [16]byte) string {
	return base64.StdEncoding.EncodeToString(salt[:])
}

func TestSaltsSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	before := *at(t, open(t, dir, testNow), testNow)
	after := *at(t, open(t, dir, testNow+3600_000), testNow)
	if before != after {
		t.Error("a restart changes the salts")
	}
	next := at(t, open(t, dir, testNow+event.DayMillis), testNow)
	if next.yesterday != before.today {
		t.Error("a restart over midnight loses yesterday's salt")
	}
	if next.forImport(5) == next.forImport(6) || next.forImport(5) != after.forImport(5) {
		t.Error("imported days have no salts of their own")
	}
	if next.forImport(next.day) != next.today || next.forImport(next.day-1) != next.yesterday {
		t.Error("imports of today have other salts")
	}
}

// A file of an older form, with one secret of imports, is read on.
func TestOlderSaltFile(t *testing.T) {
	dir := t.TempDir()
	text := `{"days":{"20414":"AQAAAAAAAAAAAAAAAAAAAA==","20415":"AgAAAAAAAAAAAAAAAAAAAA=="},"import":{"day":20414,"secret":"AwAAAAAAAAAAAAAAAAAAAA=="}}`
	if err := os.WriteFile(filepath.Join(dir, "salts.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set := at(t, open(t, dir, testNow), testNow)
	if set.day != 20415 || set.yesterday[0] != 1 || set.today[0] != 2 || set.importSecret[0] != 3 || set.importDay != 20414 {
		t.Errorf("read %+v", *set)
	}
}

func TestBrokenSaltFile(t *testing.T) {
	for _, text := range []string{"", "{", `{"days":{"20415":"short"}}`, `[]`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "salts.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openSalts(NewSaltFile(dir), false, testNow); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// TestUnwritableSalts: the door goes on with salts in memory and writes them when it can.
func TestUnwritableSalts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, testNow)
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	set, err := s.at(testNow + event.DayMillis)
	if err == nil || set == nil || set.today == (saltSet{}).today {
		t.Fatalf("got %v, %v", set, err)
	}
	if err := os.Rename(dir+"2", dir); err != nil {
		t.Fatal(err)
	}
	if again := at(t, s, testNow+event.DayMillis+2000); again != set {
		t.Error("the salts in memory have changed")
	}
	if restarted := at(t, open(t, dir, testNow+event.DayMillis+3000), testNow); restarted.today != set.today {
		t.Error("the salts were not written")
	}
}

package collect

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"

	"github.com/footfall-analytics/footfall/internal/event"
)

// SaltFile keeps the salts of one door in a file of mode 0600, which is replaced as a whole. It may be used by one caller
// at a time; the data directory is locked for that.
type SaltFile struct{ path string }

var _ SaltStore = (*SaltFile)(nil)

// NewSaltFile names the file in a data directory. It is read and written when salts are settled.
func NewSaltFile(dir string) *SaltFile { return &SaltFile{filepath.Join(dir, "salts.json")} }

// saltFile is the file's form. Salts are base64, by day.
type saltFile struct {
	Days    map[int64]string `json:"days"`
	Imports map[int64]string `json:"imports"`
	Import  *importSalt      `json:"import,omitempty"` // of older files, in place of Imports
}

type importSalt struct {
	Day    int64  `json:"day"`
	Secret string `json:"secret"`
}

func newSaltFile() *saltFile { return &saltFile{Days: map[int64]string{}, Imports: map[int64]string{}} }

func (s *saltFile) of(purpose string) map[int64]string {
	if purpose == event.SaltImports {
		return s.Imports
	}
	return s.Days
}

// SettleSalts does what a SaltStore must.
func (f *SaltFile) SettleSalts(_ context.Context, oldest int64, offers []event.Salt) ([]event.Salt, error) {
	stored, err := f.read()
	if err != nil {
		return nil, err
	}
	next := stored.settled(oldest, offers)
	if !reflect.DeepEqual(next, stored) {
		if err := f.write(next); err != nil {
			return nil, fmt.Errorf("cannot write salts: %w", err)
		}
	}
	return next.list()
}

// settled returns what the file is to hold.
func (s *saltFile) settled(oldest int64, offers []event.Salt) *saltFile {
	next := newSaltFile()
	for _, purpose := range purposes() {
		maps.Copy(next.of(purpose), s.of(purpose))
		maps.DeleteFunc(next.of(purpose), func(day int64, _ string) bool { return day < oldest })
	}
	for _, salt := range offers {
		kept := next.of(salt.Purpose)
		if kept[salt.Day] == "" && salt.Day >= oldest {
			kept[salt.Day] = base64.StdEncoding.EncodeToString(salt.Secret[:])
		}
	}
	return next
}

func purposes() []string { return []string{event.SaltVisitors, event.SaltImports} }

func (s *saltFile) list() ([]event.Salt, error) {
	var list []event.Salt
	for _, purpose := range purposes() {
		for day, text := range s.of(purpose) {
			salt := event.Salt{Purpose: purpose, Day: day}
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil || len(raw) != len(salt.Secret) {
				return nil, fmt.Errorf("cannot read the %s: it is not 16 bytes of base64", salt)
			}
			copy(salt.Secret[:], raw)
			list = append(list, salt)
		}
	}
	return list, nil
}

func (f *SaltFile) read() (*saltFile, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return newSaltFile(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read salts: %w", err)
	}
	stored := newSaltFile()
	if err := json.Unmarshal(text, stored); err != nil {
		return nil, fmt.Errorf("cannot read salts in %q: %w", f.path, err)
	}
	if old := stored.Import; old != nil {
		stored.Imports, stored.Import = map[int64]string{old.Day: old.Secret}, nil
	}
	return stored, nil
}

// write replaces the file: synced, renamed over the old one, and the directory synced, so that no crash leaves half of it.
func (f *SaltFile) write(s *saltFile) error {
	text, err := json.Marshal(s)
	if err == nil {
		err = writeSynced(f.path+".tmp", text)
	}
	if err == nil {
		err = os.Rename(f.path+".tmp", f.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(f.path))
	}
	return err
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

package collect

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
)

// saltLife is how long a salt lives at most: from the start of its day to the end of the next.
const saltLife = 2 * event.DayMillis

// retryMillis is the pause between two tries to write the file.
const retryMillis = 1000

// salts keeps the secrets that visitor ids are keyed with: one of each UTC day, today's and yesterday's only. They live in
// a file of mode 0600, replaced as a whole, so that a restart does not change anybody's id. An older one is destroyed:
// from then on no id of its day can be traced back to an address, not even by the owner of the server.
//
// Imported events of older days need salts too: they are derived from one random secret that is kept in the same file for
// at most 48 h. Two imports of the same old day that are further apart than that give the same visitor different ids.
type salts struct {
	path    string
	current atomic.Pointer[saltSet]
	// unwritten: the file does not hold current.
	unwritten atomic.Bool

	mu      sync.Mutex // guards turning and writing
	triedAt int64
}

// saltSet is immutable.
type saltSet struct {
	day              int64 // UTC days since the epoch
	today, yesterday enrich.Salt
	hasYesterday     bool
	importDay        int64 // when importSecret was made
	importSecret     enrich.Salt
}

// saltFile is the file's form. Salts are base64.
type saltFile struct {
	Days   map[int64]string `json:"days"`
	Import *importSalt      `json:"import,omitempty"`
}

type importSalt struct {
	Day    int64  `json:"day"`
	Secret string `json:"secret"`
}

func dayOf(ms int64) int64 {
	return (ms - ((ms%event.DayMillis)+event.DayMillis)%event.DayMillis) / event.DayMillis
}

// openSalts reads the salts in dir, or makes the first ones. now is in ms.
func openSalts(dir string, now int64) (*salts, error) {
	s := &salts{path: filepath.Join(dir, "salts.json")}
	stored, err := s.read()
	if err != nil {
		return nil, err
	}
	_, err = s.turn(stored, dayOf(now))
	return s, err
}

func (s *salts) read() (*saltFile, error) {
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return &saltFile{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read salts: %w", err)
	}
	var stored saltFile
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, fmt.Errorf("cannot read salts in %q: %w", s.path, err)
	}
	return &stored, nil
}

// at returns the salts as they are at that time; a day that begins turns them. When the file cannot be written the new salts
// are used from memory, and err says so; each call tries again, so that an old salt goes as soon as the disk allows.
func (s *salts) at(now int64) (set *saltSet, err error) {
	set = s.current.Load()
	day := dayOf(now)
	if day <= set.day && !s.unwritten.Load() { // a clock that goes back keeps the later day's salts
		return set, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	set = s.current.Load()
	switch {
	case day > set.day:
		return s.turn(set.file(), day)
	case s.unwritten.Load() && now-s.triedAt >= retryMillis:
		return set, s.write(set.file(), now)
	}
	return set, nil
}

// turn makes the salts of the day, taking those that still live from stored, and writes them.
func (s *salts) turn(stored *saltFile, day int64) (*saltSet, error) {
	for d := range stored.Days {
		day = max(day, min(d, day+1)) // a clock that went back by less than a day, as after a restart
	}
	set := &saltSet{day: day, importDay: day}
	var err error
	if set.today, _, err = stored.salt(day, true); err != nil {
		return nil, err
	}
	if set.yesterday, set.hasYesterday, err = stored.salt(day-1, false); err != nil {
		return nil, err
	}
	if old := stored.Import; old != nil && old.Day <= day && (day-old.Day)*event.DayMillis < saltLife {
		set.importDay = old.Day
		err = decodeSalt(&set.importSecret, old.Secret)
	} else {
		_, err = rand.Read(set.importSecret[:])
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make salts: %w", err)
	}
	s.current.Store(set)
	return set, s.write(set.file(), day*event.DayMillis)
}

// salt returns the salt of a day; a missing one is made when it is wanted.
func (f *saltFile) salt(day int64, wanted bool) (salt enrich.Salt, ok bool, err error) {
	if text, stored := f.Days[day]; stored {
		return salt, true, decodeSalt(&salt, text)
	}
	if !wanted {
		return salt, false, nil
	}
	if _, err := rand.Read(salt[:]); err != nil {
		return salt, false, fmt.Errorf("cannot make a salt: %w", err)
	}
	return salt, true, nil
}

func decodeSalt(to *enrich.Salt, text string) error {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != len(to) {
		return errors.New("a stored salt is not 16 bytes of base64")
	}
	copy(to[:], b)
	return nil
}

func (set *saltSet) file() *saltFile {
	f := &saltFile{Days: map[int64]string{set.day: base64.StdEncoding.EncodeToString(set.today[:])},
		Import: &importSalt{set.importDay, base64.StdEncoding.EncodeToString(set.importSecret[:])}}
	if set.hasYesterday {
		f.Days[set.day-1] = base64.StdEncoding.EncodeToString(set.yesterday[:])
	}
	return f
}

// write replaces the file: synced, renamed over the old one, and the directory synced, so that no crash leaves half of it.
func (s *salts) write(f *saltFile, now int64) error {
	s.triedAt = now
	s.unwritten.Store(true)
	text, err := json.Marshal(f)
	if err == nil {
		err = writeSynced(s.path+".tmp", text)
	}
	if err == nil {
		err = os.Rename(s.path+".tmp", s.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(s.path))
	}
	if err != nil {
		return fmt.Errorf("cannot write salts: %w", err)
	}
	s.unwritten.Store(false)
	return nil
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

// forImport returns the salt of a day for an imported event.
func (set *saltSet) forImport(day int64) enrich.Salt {
	switch {
	case day == set.day:
		return set.today
	case day == set.day-1 && set.hasYesterday:
		return set.yesterday
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte(nil), set.importSecret[:]...), uint64(day)))
	return enrich.Salt(sum[:16])
}

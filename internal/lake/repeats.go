package lake

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"

	"github.com/footfall-analytics/footfall/internal/event"
)

const (
	// passRows bounds how many rows of ids that may be repeated are held at once; one takes 80 bytes.
	passRows = 1 << 20
	// hashesOfRow is how many hashes of ids are held where there is room for a row.
	hashesOfRow = 8
)

// occurrence is a row of an id.
type occurrence struct {
	site    string // interned
	id      event.UUID
	file    int32
	index   int32
	rank    rank // topic interned
	dropped bool
}

// repeats are the rows of files that do not count, a bit a row; nil where a file has none.
type repeats [][]uint64

func (r repeats) has(file, index int) bool {
	bits := r[file]
	return index/64 < len(bits) && bits[index/64]&(1<<(index%64)) != 0
}

func (r repeats) set(file, index int32) {
	for int(index/64) >= len(r[file]) {
		r[file] = append(r[file], 0)
	}
	r[file][index/64] |= 1 << (index % 64)
}

// idColumns are what tells repeated rows.
type idColumns struct {
	WebsiteID    string `parquet:"website_id,dict"`
	ReceivedAt   int64  `parquet:"received_at,timestamp(millisecond),delta"`
	EventID      string `parquet:"event_id"`
	LogTopic     string `parquet:"log_topic,dict"`
	LogPartition int32  `parquet:"log_partition"`
	LogPosition  int64  `parquet:"log_position,delta"`
}

type idColumn struct {
	EventID string `parquet:"event_id"`
}

var (
	idsSchema = parquet.NewSchema("events", parquet.SchemaOf(idColumns{}))
	idSchema  = parquet.NewSchema("events", parquet.SchemaOf(idColumn{}))
)

// findRepeats looks for rows of one id in the files. It reads the ids once for each eight million rows, and once more for each million
// that may be repeated: memory is bounded, whatever the files hold.
func findRepeats(ctx context.Context, store Store, files []File) (repeats, error) {
	return findRepeatsIn(ctx, store, files, passRows)
}

func findRepeatsIn(ctx context.Context, store Store, files []File, most int) (repeats, error) {
	f := &finder{store: store, files: files, found: make(repeats, len(files)), texts: map[string]string{}, passes: 1, most: most}
	for pass := uint64(0); pass < f.passes; pass++ {
		if err := f.readHashes(ctx, pass); err != nil {
			return nil, err
		}
		for more := f.suspects(); len(more) > 0; {
			n := f.fitting(more)
			if err := f.readRows(ctx, more[:n]); err != nil {
				return nil, err
			}
			f.settle()
			more = more[n:]
		}
	}
	return f.found, nil
}

// finder is one call of findRepeats. Ids are dealt to the passes by their hashes; the first pass finds how many there must be.
type finder struct {
	store  Store
	files  []File
	found  repeats
	texts  map[string]string
	hashes []uint64 // of the ids of the pass
	held   []occurrence
	most   int // rows at once
	passes uint64
}

func (f *finder) intern(text []byte) string {
	if known, ok := f.texts[string(text)]; ok {
		return known
	}
	known := string(text)
	f.texts[known] = known
	return known
}

// readHashes takes the hashes of the ids of a pass.
func (f *finder) readHashes(ctx context.Context, pass uint64) error {
	f.hashes = f.hashes[:0]
	for i := range f.files {
		err := readColumns(ctx, f.store, f.files[i].Key, idSchema, func(_ int, v []parquet.Value) error {
			id, err := event.ParseUUID(string(v[0].ByteArray()))
			if err != nil {
				return err
			}
			hash := xxhash.Sum64(id[:])
			if hash%f.passes != pass {
				return nil
			}
			f.hashes = append(f.hashes, hash)
			if len(f.hashes) >= f.most*hashesOfRow && pass == 0 && f.passes < 1<<16 {
				f.passes *= 2 // what does not belong to this pass any more is met again
				f.hashes = slices.DeleteFunc(f.hashes, func(hash uint64) bool { return hash%f.passes != 0 })
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// suspect is a hash that several rows have.
type suspect struct {
	hash uint64
	rows int
}

// suspects returns them, by hash.
func (f *finder) suspects() (out []suspect) {
	slices.Sort(f.hashes)
	for i := 0; i < len(f.hashes); {
		next := i + 1
		for next < len(f.hashes) && f.hashes[next] == f.hashes[i] {
			next++
		}
		if next > i+1 {
			out = append(out, suspect{f.hashes[i], next - i})
		}
		i = next
	}
	return out
}

// fitting returns how many of the suspects can be read at once, one at least.
func (f *finder) fitting(suspects []suspect) (n int) {
	for rows := 0; n < len(suspects); n++ {
		if rows += suspects[n].rows; n > 0 && rows > f.most {
			break
		}
	}
	return n
}

// readRows takes the rows of the suspects.
func (f *finder) readRows(ctx context.Context, suspects []suspect) error {
	f.held = f.held[:0]
	for i := range f.files {
		err := readColumns(ctx, f.store, f.files[i].Key, idsSchema, func(index int, v []parquet.Value) error {
			id, err := event.ParseUUID(string(v[2].ByteArray()))
			if err != nil {
				return err
			}
			if _, ok := slices.BinarySearchFunc(suspects, xxhash.Sum64(id[:]), func(s suspect, hash uint64) int { return cmp.Compare(s.hash, hash) }); ok {
				f.held = append(f.held, occurrence{site: f.intern(v[0].ByteArray()), id: id, file: int32(i), index: int32(index),
					rank: rank{v[1].Int64(), f.intern(v[3].ByteArray()), v[4].Int32(), v[5].Int64()}})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settle judges what is held.
func (f *finder) settle() {
	slices.SortFunc(f.held, func(a, b occurrence) int {
		return cmp.Or(bytes.Compare(a.id[:], b.id[:]), strings.Compare(a.site, b.site), compareRank(a.rank, b.rank), cmp.Compare(a.file, b.file), cmp.Compare(a.index, b.index))
	})
	for i := 0; i < len(f.held); {
		next := i + 1
		for next < len(f.held) && f.held[next].id == f.held[i].id && f.held[next].site == f.held[i].site {
			next++
		}
		if next > i+1 {
			dropRepeats(f.held[i:next])
			for _, o := range f.held[i:next] {
				if o.dropped {
					f.found.set(o.file, o.index)
				}
			}
		}
		i = next
	}
}

// dropRepeats marks the rows of one id that do not count, by the rule of the semantics: an id is a duplicate of one that was kept and received at
// most the late limit before it. rows are ordered by rank.
func dropRepeats(rows []occurrence) {
	kept := rows[0].rank.receivedAt
	for i := range rows[1:] {
		r := &rows[1+i]
		if r.rank.receivedAt-kept <= event.LateLimitMillis {
			r.dropped = true
		} else {
			kept = r.rank.receivedAt
		}
	}
}

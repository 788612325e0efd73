package lake

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/footfall-analytics/footfall/internal/event"
)

// passRows is about how many ids are held at once; an id takes 80 bytes.
const passRows = 1 << 20

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

var idSchema = parquet.NewSchema("events", parquet.SchemaOf(idColumns{}))

// findRepeats looks for rows of one id in the files. It reads the ids once for each million rows: memory is bounded, whatever the files hold.
func findRepeats(ctx context.Context, store Store, files []File) (repeats, error) {
	return findRepeatsIn(ctx, store, files, passRows)
}

func findRepeatsIn(ctx context.Context, store Store, files []File, most int) (repeats, error) {
	found := make(repeats, len(files))
	f := &finder{found: found, texts: map[string]string{}, passes: 1, most: most}
	for pass := uint64(0); pass < f.passes; pass++ {
		f.held, f.pass = f.held[:0], pass
		for i := range files {
			if err := f.read(ctx, store, &files[i], int32(i)); err != nil {
				return nil, err
			}
		}
		f.settle()
	}
	return found, nil
}

// finder is one call of findRepeats. Ids are dealt to the passes by their last bytes; the first pass finds how many there must be.
type finder struct {
	found        repeats
	texts        map[string]string
	held         []occurrence
	most         int // rows at once
	pass, passes uint64
}

func (f *finder) intern(text []byte) string {
	if known, ok := f.texts[string(text)]; ok {
		return known
	}
	known := string(text)
	f.texts[known] = known
	return known
}

// share returns the number that deals an id to a pass.
func share(id event.UUID) uint64 {
	return uint64(id[12])<<24 | uint64(id[13])<<16 | uint64(id[14])<<8 | uint64(id[15])
}

func (f *finder) read(ctx context.Context, store Store, file *File, number int32) error {
	return readColumns(ctx, store, file.Key, idSchema, func(index int, v parquet.Row) error {
		id, err := event.ParseUUID(string(v[2].ByteArray()))
		if err != nil {
			return err
		}
		if share(id)%f.passes != f.pass {
			return nil
		}
		f.held = append(f.held, occurrence{site: f.intern(v[0].ByteArray()), id: id, file: number, index: int32(index),
			rank: rank{v[1].Int64(), f.intern(v[3].ByteArray()), v[4].Int32(), v[5].Int64()}})
		if len(f.held) >= f.most && f.pass == 0 && f.passes < 1<<16 {
			f.passes *= 2 // what does not belong to this pass any more is met again
			f.held = slices.DeleteFunc(f.held, func(o occurrence) bool { return share(o.id)%f.passes != 0 })
		}
		return nil
	})
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

package duckdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/sqlgen"
)

// Source answers the parts of query plans from the store, and their planner's questions from memory.
type Source struct{ store *Store }

var (
	_ query.Source  = (*Source)(nil)
	_ query.Stepper = (*Source)(nil)
	_ query.Catalog = (*Source)(nil)
	_ query.Namer   = (*Source)(nil)
)

// Source returns the store as the query engine reads it.
func (s *Store) Source() *Source { return &Source{s} }

// Run implements query.Source. All parts see one snapshot.
func (s *Source) Run(ctx context.Context, parts []query.Part, yield func(part int, rows *query.Rows) error) error {
	return s.Steps(ctx, func() (next []query.Part) {
		next, parts = parts, nil
		return next
	}, yield)
}

// largeRows is the number of rows from which a query waits for its turn.
const largeRows = 1 << 18

// Steps implements query.Stepper. Queries that read many rows run one at a time: each uses all threads, and what they hold in memory
// does not add up.
func (s *Source) Steps(ctx context.Context, next func() []query.Part, yield func(part int, rows *query.Rows) error) error {
	parts := next()
	if s.rowsOf(parts) >= s.store.largeRows {
		select {
		case s.store.large <- token{}:
			defer func() { <-s.store.large }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	run := &sourceRun{store: s.store, ctx: ctx, marks: marksOf(s.store, parts)}
	return s.store.Read(ctx, func(r *Reader) error {
		run.reader = r
		for ; len(parts) > 0; parts = next() {
			for i := range parts {
				if err := run.part(&parts[i], func(rows *query.Rows) error { return yield(i, rows) }); err != nil {
					return fmt.Errorf("cannot read %s for part %d of a query: %w", parts[i].View, i, err)
				}
			}
		}
		return nil
	})
}

// rowsOf returns about how many events the parts read, in themselves or as sessions.
func (s *Source) rowsOf(parts []query.Part) (rows int64) {
	for i := range parts {
		if parts[i].View.OfRollups() {
			continue
		}
		for _, one := range parts[i].Ranges {
			rows += s.store.Estimate(parts[i].WebsiteID, one.From, one.To)
		}
	}
	return rows
}

// sourceRun reads parts on one snapshot.
type sourceRun struct {
	store  *Store
	ctx    context.Context
	reader *Reader
	marks  []*mark // taken before the snapshot
}

// marksOf looks at the days of the parts that need lists. Parts that come later have the ranges of these.
func marksOf(store *Store, parts []query.Part) (marks []*mark) {
	for i := range parts {
		part := &parts[i]
		if rolled := part.View == query.ViewDays || part.View == query.ViewQuarters; rolled && markOf(marks, part) == nil {
			if mark := store.mark(part.WebsiteID, part.Ranges); mark != nil {
				marks = append(marks, mark)
			}
		}
	}
	return marks
}

func markOf(marks []*mark, part *query.Part) *mark {
	for _, mark := range marks {
		if slices.Equal(mark.ranges, part.Ranges) {
			return mark
		}
	}
	return nil
}

func (s *sourceRun) run(sql string, args []any, yield func(*Chunk) error) error {
	return s.reader.Select(s.ctx, sql, args, yield)
}

// errStale says that lists of the cache may not be those of the snapshot.
var errStale = errors.New("the rollups have changed")

func (s *sourceRun) part(part *query.Part, yield func(*query.Rows) error) error {
	if !part.Relative() {
		return s.rows(part, nil, nil, yield)
	}
	mark := markOf(s.marks, part)
	if mark != nil {
		if kept, ok := s.store.rosters.find(mark, part.Threshold); ok {
			if err := s.rows(part, kept, mark, yield); !errors.Is(err, errStale) {
				return err
			}
		}
	}
	lists, err := readRosters(s.run, part.WebsiteID, part.Threshold, part.Ranges[0].From, part.Ranges[len(part.Ranges)-1].To)
	if err != nil {
		return err
	}
	if mark != nil && mark.holds() {
		s.store.rosters.keep(mark, part.Threshold, lists)
	}
	return s.rows(part, lists, nil, yield)
}

// rows reads a part with its lists, where it needs them. With a mark it returns errStale, before any row, unless that holds.
func (s *sourceRun) rows(part *query.Part, lists *rosters, mark *mark, yield func(*query.Rows) error) error {
	reader := partReader{part: part, rosters: lists}
	return s.share(part, sqlgen.Share{}, func(chunk *Chunk) error {
		if mark != nil && !mark.holds() {
			return errStale
		}
		mark = nil
		rows, err := reader.rows(chunk)
		if err != nil {
			return err
		}
		return yield(rows)
	})
}

const (
	// shares is into how many statements one is cut for which there is not enough memory, and each of them again.
	shares = 4
	// mostShares ends that.
	mostShares = shares * shares * shares * shares
)

// share runs a part's statement, or that of a share of it. Where the engine has not enough memory for it, shares of it are run in turn:
// their rows add up. They see a snapshot of their own, as the engine gives one up with a statement that fails.
func (s *sourceRun) share(part *query.Part, share sqlgen.Share, yield func(*Chunk) error) error {
	of, began, canCut := max(share.Of, 1), false, sqlgen.HasShares(part, sqlgen.DuckDB())
	err := query.ErrMemory
	if of >= s.store.leastShares || !canCut {
		text, args := sqlgen.RenderShare(part, sqlgen.DuckDB(), share)
		err = s.run(text, args, func(chunk *Chunk) error {
			began = true
			return yield(chunk)
		})
	}
	if !errors.Is(err, query.ErrMemory) || began || of == mostShares || !canCut {
		return err
	}
	if err := s.reader.renew(); err != nil {
		return err
	}
	for i := range shares {
		if err := s.share(part, sqlgen.Share{Of: of * shares, Number: share.Number + i*of}, yield); err != nil {
			return err
		}
	}
	return nil
}

// Engine implements query.Namer.
func (s *Source) Engine(query.View) string { return "duckdb" }

// Render implements query.Source.
func (s *Source) Render(part *query.Part) (text string, args []any) {
	return sqlgen.Render(part, sqlgen.DuckDB())
}

// partReader turns the chunks of a part into rows without copying a value. It keeps its slices from chunk to chunk.
type partReader struct {
	part    *query.Part
	rosters *rosters // where the part is Relative
	out     query.Rows
	room    []uint32 // the coupons of a chunk
}

func (p *partReader) rows(chunk *Chunk) (*query.Rows, error) {
	out, at := &p.out, 0
	out.Len = chunk.Rows()
	out.Values = resize(out.Values, len(p.part.Dimensions))
	for i := range out.Values {
		out.Values[i] = texts(out.Values[i], chunk, at)
		at++
	}
	if p.part.Edges != nil {
		out.Buckets = chunk.Int64s(at)
		at++
	}
	out.Ints, out.Texts = resize(out.Ints, len(p.part.Measures)), resize(out.Texts, len(p.part.Measures))
	for i, measure := range p.part.Measures {
		switch {
		case measure.IsText():
			out.Texts[i] = texts(out.Texts[i], chunk, at)
		case measure == query.VisitorSketch:
			if err := p.visitors(i, chunk, at); err != nil {
				return nil, err
			}
		case measure == query.VisitorCoupons:
			out.Coupons = coupons(out.Coupons[:0], chunk, at)
		default:
			out.Ints[i] = chunk.Int64s(at)
		}
		at++
	}
	out.Products = resize(out.Products, len(p.part.Products))
	for i := range out.Products {
		out.Products[i] = chunk.Float64s(at)
		at++
	}
	return out, nil
}

// visitors reads the sets of a rollup: coupons, or a sketch where there are too many.
func (p *partReader) visitors(measure int, chunk *Chunk, col int) (err error) {
	p.out.Texts[measure], p.out.Coupons, p.room = p.out.Texts[measure][:0], p.out.Coupons[:0], p.room[:0]
	for row := range chunk.Rows() {
		bucket, band, from := int64(0), uint8(0), len(p.room)
		if p.rosters != nil { // the last columns say what the row is relative to
			bucket, band = chunk.Int64s(chunk.Columns() - 2)[row], chunk.Uint8s(chunk.Columns() - 1)[row]
		}
		var sketch []byte
		if p.room, sketch, err = p.rosters.read(p.room, chunk.Bytes(col, row), bucket, band); err != nil {
			return fmt.Errorf("cannot read the visitors of a rollup: %w", err)
		}
		p.out.Texts[measure], p.out.Coupons = append(p.out.Texts[measure], sketch), append(p.out.Coupons, p.room[from:])
	}
	return nil
}

func resize[T any](s []T, n int) []T {
	if len(s) == n {
		return s
	}
	return make([]T, n)
}

func texts(into [][]byte, chunk *Chunk, col int) [][]byte {
	into = into[:0]
	for row := range chunk.Rows() {
		into = append(into, chunk.Bytes(col, row))
	}
	return into
}

func coupons(into [][]uint32, chunk *Chunk, col int) [][]uint32 {
	for row := range chunk.Rows() {
		if chunk.Null(col, row) {
			into = append(into, nil)
			continue
		}
		into = append(into, chunk.Uint32List(col, row))
	}
	return into
}

// FirstEvent implements query.Catalog. Where retention has deleted the first events, their rollups tell.
func (s *Source) FirstEvent(websiteID string) (ms int64, ok bool) {
	ms, ok = s.store.FirstEvent(websiteID)
	if rolled := s.store.CleanDays(websiteID, math.MinInt64, math.MaxInt64); len(rolled) > 0 && (!ok || rolled[0].Start < ms) {
		return rolled[0].Start, true
	}
	return ms, ok
}

// rawFrom returns the time before which retention has deleted events, 0 when it has not: rollups are built from the first
// event on, so those of earlier days have outlived theirs.
func (s *Source) rawFrom(websiteID string) int64 {
	rolled := s.store.CleanDays(websiteID, math.MinInt64, math.MaxInt64)
	if len(rolled) == 0 {
		return 0
	}
	switch first, ok := s.store.FirstEvent(websiteID); {
	case !ok:
		return rolled[len(rolled)-1].End
	case rolled[0].End <= first:
		return floor(first, dayMillis)
	}
	return 0
}

// Version implements query.Catalog.
func (s *Source) Version(websiteID string, from, to int64) uint64 {
	return s.store.Version(websiteID, from, to)
}

// Facts implements query.Catalog.
func (s *Source) Facts(websiteID string, from, to int64, days []int64) query.Facts {
	facts := query.Facts{Estimate: s.store.Estimate(websiteID, from, to), RawFrom: s.rawFrom(websiteID)}
	clean := s.store.CleanDays(websiteID, days[0], days[len(days)-1])
	clean = append(clean, s.store.EmptyDays(websiteID, days)...)
	sortDays(clean)
	clean = slices.Compact(clean) // a day whose events are past their retention has rollups and no rows
	for _, day := range clean {
		facts.Clean = append(facts.Clean, query.Range{From: day.Start, To: day.End})
	}
	return facts
}

const ledgerSQL = `select outcome, reason, sum(count)::bigint
from ledger
where website_id = ? and minute >= ? and minute < ?
group by outcome, reason`

// Ledger implements query.Catalog. A minute that the range cuts counts where it starts.
func (s *Source) Ledger(ctx context.Context, websiteID string, from, to int64) (*query.Ledger, error) {
	out := &query.Ledger{Filtered: map[string]int64{}, Failed: map[string]int64{}}
	err := s.store.Select(ctx, ledgerSQL, []any{websiteID, minutesBefore(from), minutesBefore(to)}, func(chunk *Chunk) error {
		for row := range chunk.Rows() {
			count := chunk.Int64s(2)[row]
			switch chunk.Text(0, row) {
			case "received":
				out.Received += count
			case "stored":
				out.Stored += count
			case "duplicate":
				out.Duplicate += count
			case "filtered":
				out.Filtered[chunk.Text(1, row)] += count
			case "failed":
				out.Failed[chunk.Text(1, row)] += count
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the ledger of site %q: %w", websiteID, err)
	}
	return out, nil
}

package duckdb

import (
	"context"
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
	_ query.Catalog = (*Source)(nil)
)

// Source returns the store as the query engine reads it.
func (s *Store) Source() *Source { return &Source{s} }

// Run implements query.Source. All parts see one snapshot.
func (s *Source) Run(ctx context.Context, parts []query.Part, yield func(part int, rows *query.Rows) error) error {
	return s.store.Read(ctx, func(r *Reader) error {
		for i := range parts {
			text, args := s.Render(&parts[i])
			reader := partReader{part: &parts[i]}
			err := r.Select(ctx, text, args, func(chunk *Chunk) error { return yield(i, reader.rows(chunk)) })
			if err != nil {
				return fmt.Errorf("cannot read %s for part %d of a query: %w", parts[i].View, i, err)
			}
		}
		return nil
	})
}

// Render implements query.Source.
func (s *Source) Render(part *query.Part) (text string, args []any) {
	return sqlgen.Render(part, sqlgen.DuckDB())
}

// partReader turns the chunks of a part into rows without copying a value. It keeps its slices from chunk to chunk.
type partReader struct {
	part *query.Part
	out  query.Rows
}

func (p *partReader) rows(chunk *Chunk) *query.Rows {
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
		case measure.IsText() || measure == query.VisitorSketch:
			out.Texts[i] = texts(out.Texts[i], chunk, at)
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
	return out
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
	for _, day := range s.store.EmptyDays(websiteID, days) {
		if !slices.Contains(clean, day) { // a day whose events are past their retention has rollups and no rows
			clean = append(clean, day)
		}
	}
	sortDays(clean)
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
	err := s.store.Select(ctx, ledgerSQL, []any{websiteID, from, to}, func(chunk *Chunk) error {
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

package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/sqlgen"
)

// Source answers the parts of query plans. Each part sees whole inserts; parts of one query are run one after the other
// and may differ by what was inserted meanwhile. As the catalog's version is read before them, an answer is never kept
// longer than the version that it may already exceed.
type Source struct{ store *Store }

var (
	_ query.Source  = (*Source)(nil)
	_ query.Catalog = (*Source)(nil)
	_ query.Namer   = (*Source)(nil)
)

// Source returns the store as the query engine reads it.
func (s *Store) Source() *Source { return &Source{s} }

// Run implements query.Source.
func (s *Source) Run(ctx context.Context, parts []query.Part, yield func(part int, rows *query.Rows) error) error {
	if err := s.store.catalog.failure(parts); err != nil {
		return fmt.Errorf("cannot plan a query: %w", err)
	}
	for i := range parts {
		if err := s.runPart(ctx, &parts[i], func(rows *query.Rows) error { return yield(i, rows) }); err != nil {
			return fmt.Errorf("cannot read %s for part %d of a query: %w", parts[i].View, i, err)
		}
	}
	return nil
}

// Engine implements query.Namer.
func (s *Source) Engine(query.View) string { return "clickhouse" }

// Render implements query.Source.
func (s *Source) Render(part *query.Part) (text string, args []any) {
	return sqlgen.Render(part, sqlgen.ClickHouse())
}

func (s *Source) runPart(ctx context.Context, part *query.Part, yield func(*query.Rows) error) (err error) {
	defer func() { err = because(ctx, err) }()
	text, args := s.Render(part)
	rows, err := s.store.reader.Query(ctx, text, named(args)...)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	reader := newPartReader(part, rows.ColumnTypes())
	for rows.Next() {
		if err := rows.Scan(reader.into...); err != nil {
			return err
		}
		if reader.take(); reader.out.Len == maxRows {
			if err := reader.flush(yield); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return reader.flush(yield)
}

// named gives parameters the names of their marks.
func named(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		out[i] = clickhouse.Named(fmt.Sprintf("p%d", i+1), arg)
	}
	return out
}

// maxRows is how many rows are handed over at once.
const maxRows = 4096

// slot is where a column of the current row is scanned into: the member of its type.
type slot struct {
	text    string
	whole   int64
	natural uint64
	real    float64
	set     []uint32
}

// number returns a whole number, whichever sign its column has.
func (s *slot) number() int64 { return s.whole + int64(s.natural) }

// partReader gathers rows by column.
type partReader struct {
	part  *query.Part
	slots []slot
	into  []any
	out   query.Rows
}

func newPartReader(part *query.Part, types []driver.ColumnType) *partReader {
	r := &partReader{part: part, slots: make([]slot, len(types)), into: make([]any, len(types))}
	for i, t := range types {
		s := &r.slots[i]
		switch t.DatabaseTypeName() {
		case "String":
			r.into[i] = &s.text
		case "UInt64":
			r.into[i] = &s.natural
		case "Float64":
			r.into[i] = &s.real
		case "Array(UInt32)":
			r.into[i] = &s.set
		default:
			r.into[i] = &s.whole // Int64; of anything else the scan says what it is
		}
	}
	r.out.Values = make([][][]byte, len(part.Dimensions))
	r.out.Ints, r.out.Texts = make([][]int64, len(part.Measures)), make([][][]byte, len(part.Measures))
	r.out.Products = make([][]float64, len(part.Products))
	return r
}

// take adds the scanned row.
func (r *partReader) take() {
	at := 0
	next := func() *slot { at++; return &r.slots[at-1] }
	for i := range r.out.Values {
		r.out.Values[i] = append(r.out.Values[i], []byte(next().text))
	}
	if r.part.Edges != nil {
		r.out.Buckets = append(r.out.Buckets, next().number())
	}
	for i, measure := range r.part.Measures {
		switch {
		case measure.IsText():
			r.out.Texts[i] = append(r.out.Texts[i], []byte(next().text))
		case measure == query.VisitorCoupons:
			r.out.Coupons = append(r.out.Coupons, next().set)
		default:
			r.out.Ints[i] = append(r.out.Ints[i], next().number())
		}
	}
	for i := range r.out.Products {
		r.out.Products[i] = append(r.out.Products[i], next().real)
	}
	r.out.Len++
}

// flush hands the rows over and begins anew.
func (r *partReader) flush(yield func(*query.Rows) error) error {
	if r.out.Len == 0 {
		return nil
	}
	if err := yield(&r.out); err != nil {
		return err
	}
	r.out.Reset()
	return nil
}

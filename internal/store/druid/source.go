package druid

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/sqlgen"
)

// Source answers the parts of plans over the rollups by the minute. A day that is replaced meanwhile is in a part as it was
// before or after, whole.
type Source struct{ store *Store }

var (
	_ query.Source = (*Source)(nil)
	_ query.Namer  = (*Source)(nil)
)

// Source returns the store as the query engine reads it.
func (s *Store) Source() *Source { return &Source{s} }

// Engine implements query.Namer.
func (s *Source) Engine(query.View) string { return "druid" }

// Render implements query.Source. A pattern that is heavy (sqlgen.Heavy) stands in the text as if Druid matched it; Run matches it itself
// and asks for the values.
func (s *Source) Render(part *query.Part) (text string, args []any) {
	return sqlgen.Render(part, s.store.dialect)
}

// Run implements query.Source. The parts run side by side, their rows are handed over one part after the other: what is there
// before its turn waits as it came.
func (s *Source) Run(ctx context.Context, parts []query.Part, yield func(part int, rows *query.Rows) error) error {
	group, ctx := errgroup.WithContext(ctx)
	places := make(chan struct{}, s.store.opts.Parallel)
	waiting := make([]chan *reply, len(parts))
	for i := range parts {
		waiting[i] = make(chan *reply, 1)
	}
	group.Go(func() error {
		for i := range parts {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			group.Go(func() error { return s.start(ctx, i, &parts[i], waiting[i]) })
		}
		return nil
	})
	group.Go(func() error {
		for i := range parts {
			select {
			case r := <-waiting[i]:
				if err := s.hand(ctx, i, &parts[i], r, yield); err != nil {
					return err
				}
				<-places
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	err := group.Wait()
	for _, one := range waiting { // what was started and not handed over
		select {
		case r := <-one:
			r.close()
		default:
		}
	}
	return err
}

// start runs a part's statement and passes its reply on; of all but the first part it is read into memory, so that Druid need not
// hold what its answer stands in until the turn comes.
func (s *Source) start(ctx context.Context, i int, asked *query.Part, to chan<- *reply) error {
	part, err := s.settled(ctx, asked)
	var r *reply
	if err == nil {
		text, args := s.Render(part)
		r, err = s.store.covered(ctx, part, text, args)
	}
	if err == nil && i > 0 {
		err = because(ctx, r.load())
	}
	if err != nil {
		return fmt.Errorf("cannot read %s for part %d of a query: %w", asked.View, i, err)
	}
	to <- r
	return nil
}

// hand gives a part's rows to yield, and sees that none was missing.
func (s *Source) hand(ctx context.Context, i int, part *query.Part, r *reply, yield func(int, *query.Rows) error) error {
	defer r.close()
	reader := newPartReader(part)
	err := reader.readAll(r, func(rows *query.Rows) error { return yield(i, rows) })
	if err == nil {
		err = r.complete()
	}
	if err != nil {
		return fmt.Errorf("cannot read %s for part %d of a query: %w", part.View, i, because(ctx, err))
	}
	return nil
}

// load reads the whole body, so that the connection is free and Druid done.
func (r *reply) load() error {
	var text bytes.Buffer
	_, err := text.ReadFrom(r.lines)
	_ = r.body.Close()
	if err != nil {
		r.close()
		return err
	}
	r.body = io.NopCloser(&text)
	r.lines.Reset(&text)
	return nil
}

// maxRows is how many rows are handed over at once.
const maxRows = 4096

// partReader gathers rows by column. What they hold stands in buf.
type partReader struct {
	part     *query.Part
	currency bool // a column behind the keys, for both currency measures
	out      query.Rows
	buf      []byte
}

func newPartReader(part *query.Part) *partReader {
	r := &partReader{part: part}
	r.out.Values = make([][][]byte, len(part.Dimensions))
	r.out.Ints, r.out.Texts = make([][]int64, len(part.Measures)), make([][][]byte, len(part.Measures))
	for i, m := range part.Measures {
		switch {
		case m.IsText():
			r.currency = true
		case m != query.VisitorSketch:
			r.out.Ints[i] = []int64{}
		}
	}
	r.out.Products = make([][]float64, len(part.Products))
	return r
}

// width is the number of a row's fields.
func (r *partReader) width() int {
	n := len(r.part.Dimensions)
	if r.part.Edges != nil {
		n++
	}
	if r.currency {
		n++
	}
	for _, m := range r.part.Measures {
		if !m.IsText() {
			n++
		}
	}
	return n
}

func (r *partReader) readAll(from *reply, yield func(*query.Rows) error) error {
	width := r.width()
	err := from.each(func(fields [][]byte) error {
		if len(fields) != width {
			return fmt.Errorf("cannot read a row: %d values, not %d: %w", len(fields), width, errRow)
		}
		if err := r.take(fields); err != nil || r.out.Len < maxRows {
			return err
		}
		return r.flush(yield)
	})
	if err != nil {
		return err
	}
	return r.flush(yield)
}

// take adds a row.
func (r *partReader) take(fields [][]byte) (err error) {
	for i := range r.out.Values {
		text, err := r.keep(appendText, fields[i])
		if err != nil {
			return err
		}
		r.out.Values[i] = append(r.out.Values[i], text)
	}
	fields = fields[len(r.out.Values):]
	if r.part.Edges != nil {
		bucket, err := wholeNumber(fields[0])
		if err != nil {
			return err
		}
		r.out.Buckets = append(r.out.Buckets, bucket)
		fields = fields[1:]
	}
	var currency []byte
	if r.currency {
		if currency, err = r.keep(appendText, fields[0]); err != nil {
			return err
		}
		fields = fields[1:]
	}
	r.out.Len++
	return r.takeMeasures(fields, currency)
}

func (r *partReader) takeMeasures(fields [][]byte, currency []byte) error {
	for i, m := range r.part.Measures {
		if m.IsText() {
			r.out.Texts[i] = append(r.out.Texts[i], currency)
			continue
		}
		if m == query.VisitorSketch {
			sketch, err := r.keep(appendBytes, fields[0])
			if err != nil {
				return err
			}
			r.out.Texts[i] = append(r.out.Texts[i], sketch)
		} else {
			n, err := wholeNumber(fields[0])
			if err != nil {
				return err
			}
			r.out.Ints[i] = append(r.out.Ints[i], n)
		}
		fields = fields[1:]
	}
	return nil
}

// keep puts a field's value into the buffer. One that grows leaves the values before where they are.
func (r *partReader) keep(decode func(dst, field []byte) ([]byte, error), field []byte) ([]byte, error) {
	from := len(r.buf)
	var err error
	if r.buf, err = decode(r.buf, field); err != nil {
		return nil, err
	}
	return r.buf[from:len(r.buf):len(r.buf)], nil
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
	r.buf = r.buf[:0]
	return nil
}

package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/footfall-analytics/footfall/internal/object"
)

// Store is where the files are; internal/object has two.
type Store interface {
	Put(ctx context.Context, key string, body io.Reader, size int64) error
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	List(ctx context.Context, prefix string, yield func(object.Object) error) error
	Delete(ctx context.Context, keys ...string) error
}

const (
	groupRows  = 128 << 10 // of a row group: what a writer holds uncompressed, column by column
	batchRows  = 256       // handed to the writer at once
	formatKey  = "footfall.format"
	formatSeen = "1"
)

// fileWriter makes one file in memory. Rows must come in the order of compareRows.
type fileWriter struct {
	buffer bytes.Buffer
	writer *parquet.GenericWriter[any]
	batch  []parquet.Row // whose rows are used again
	held   int
	rows   int64
}

func newFileWriter() *fileWriter {
	f := &fileWriter{batch: make([]parquet.Row, batchRows)}
	f.writer = parquet.NewGenericWriter[any](&f.buffer, schema, parquet.Compression(&zstd.Codec{Level: zstd.DefaultLevel, Concurrency: 1}),
		parquet.MaxRowsPerRowGroup(groupRows), parquet.CreatedBy("footfall", formatSeen, ""), parquet.KeyValueMetadata(formatKey, formatSeen),
		parquet.SortingWriterConfig(parquet.SortingColumns(parquet.Ascending("website_id"), parquet.Ascending("timestamp"))))
	return f
}

// add takes a row, whose texts must stay until the file is closed or 256 more rows were added.
func (f *fileWriter) add(r *Row) error {
	f.batch[f.held] = r.append(f.batch[f.held][:0])
	f.held++
	f.rows++
	if f.held == len(f.batch) {
		return f.flush()
	}
	return nil
}

func (f *fileWriter) flush() error {
	if _, err := f.writer.WriteRows(f.batch[:f.held]); err != nil {
		return fmt.Errorf("cannot write Parquet: %w", err)
	}
	f.held = 0
	return nil
}

// close returns the file.
func (f *fileWriter) close() ([]byte, error) {
	if err := f.flush(); err != nil {
		return nil, err
	}
	if err := f.writer.Close(); err != nil {
		return nil, fmt.Errorf("cannot write Parquet: %w", err)
	}
	return f.buffer.Bytes(), nil
}

// put closes the file and puts it.
func (f *fileWriter) put(ctx context.Context, store Store, key string) error {
	body, err := f.close()
	if err != nil {
		return err
	}
	return putBytes(ctx, store, key, body)
}

func putBytes(ctx context.Context, store Store, key string, body []byte) error {
	return store.Put(ctx, key, bytes.NewReader(body), int64(len(body)))
}

// ReadFile calls yield for each row of a file, in its order. The row is yield's until it returns; its texts stay.
func ReadFile(ctx context.Context, store Store, key string, yield func(index int, row *Row) error) error {
	file, err := openFile(ctx, store, key, schema)
	if err != nil {
		return err
	}
	var row Row
	reader := parquet.NewGenericReader[any](file, schema)
	err = eachRow(ctx, reader, func(index int, values parquet.Row) error {
		if err := row.read(values); err != nil {
			return fmt.Errorf("row %d: %w", index, err)
		}
		return yield(index, &row)
	})
	if err = errors.Join(err, reader.Close()); err != nil {
		return fmt.Errorf("cannot read %q: %w", key, err)
	}
	return nil
}

// openFile gets a file that has the columns of a part of the schema.
func openFile(ctx context.Context, store Store, key string, part *parquet.Schema) (*parquet.File, error) {
	body, err := readAll(ctx, store, key)
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err == nil {
		err = checkColumns(file.Schema(), part)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %q as a file of the lake: %w", key, err)
	}
	return file, nil
}

// readColumns calls yield for each row of a file with the values of a part of the schema, whose columns have one value a row. They are
// yield's until it returns. Columns are read one by one: rows of a part of the columns cost more than twice as much.
func readColumns(ctx context.Context, store Store, key string, part *parquet.Schema, yield func(index int, values []parquet.Value) error) error {
	file, err := openFile(ctx, store, key, part)
	if err != nil {
		return err
	}
	index := 0
	for _, group := range file.RowGroups() {
		if err := eachOfGroup(ctx, file.Schema(), group, part, func(values []parquet.Value) error {
			index++
			return yield(index-1, values)
		}); err != nil {
			return fmt.Errorf("cannot read %q: %w", key, err)
		}
	}
	return nil
}

func eachOfGroup(ctx context.Context, all *parquet.Schema, group parquet.RowGroup, part *parquet.Schema, yield func([]parquet.Value) error) (err error) {
	var columns []*column
	for _, path := range part.Columns() {
		leaf, _ := all.Lookup(path...)
		c := &column{reader: parquet.NewColumnChunkValueReader(group.ColumnChunks()[leaf.ColumnIndex]), room: make([]parquet.Value, batchRows)}
		defer func() { err = errors.Join(err, c.reader.Close()) }()
		columns = append(columns, c)
	}
	values := make([]parquet.Value, len(columns))
	for row := range group.NumRows() {
		if row%batchRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for i, c := range columns {
			if values[i], err = c.next(); err != nil {
				return fmt.Errorf("row %d of a group of %d: %w", row, group.NumRows(), err)
			}
		}
		if err := yield(values); err != nil {
			return err
		}
	}
	return nil
}

// column reads the values of a column of a row group.
type column struct {
	reader parquet.ColumnChunkValueReader
	room   []parquet.Value
	read   []parquet.Value // of room, still to be given
}

func (c *column) next() (v parquet.Value, err error) {
	for len(c.read) == 0 {
		n, err := c.reader.ReadValues(c.room)
		if c.read = c.room[:n]; n > 0 {
			break
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return v, err
		}
	}
	v, c.read = c.read[0], c.read[1:]
	return v, nil
}

// checkColumns refuses files that lack a column: they would be read as if it were empty.
func checkColumns(file, part *parquet.Schema) error {
	for _, path := range part.Columns() {
		have, ok := file.Lookup(path...)
		want, _ := part.Lookup(path...)
		if !ok {
			return fmt.Errorf("column %q is missing", path)
		}
		if have.Node.Type().Kind() != want.Node.Type().Kind() || have.MaxDefinitionLevel != want.MaxDefinitionLevel {
			return fmt.Errorf("column %q is of another type", path)
		}
	}
	return nil
}

func eachRow(ctx context.Context, reader *parquet.GenericReader[any], yield func(int, parquet.Row) error) error {
	rows := make([]parquet.Row, batchRows)
	for index := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := reader.ReadRows(rows)
		for _, values := range rows[:n] {
			if err := yield(index, values); err != nil {
				return err
			}
			index++
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func readAll(ctx context.Context, store Store, key string) ([]byte, error) {
	r, err := store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("cannot get %q: %w", key, err)
	}
	return body, nil
}

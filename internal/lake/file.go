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
	var row Row
	return readColumns(ctx, store, key, schema, func(index int, values parquet.Row) error {
		if err := row.read(values); err != nil {
			return fmt.Errorf("row %d: %w", index, err)
		}
		return yield(index, &row)
	})
}

// readColumns calls yield for each row of a file with the columns of a part of the schema.
func readColumns(ctx context.Context, store Store, key string, part *parquet.Schema, yield func(index int, values parquet.Row) error) error {
	body, err := readAll(ctx, store, key)
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err == nil {
		err = checkColumns(file.Schema(), part)
	}
	if err != nil {
		return fmt.Errorf("cannot read %q as a file of the lake: %w", key, err)
	}
	reader := parquet.NewGenericReader[any](file, part)
	err = eachRow(ctx, reader, yield)
	if err = errors.Join(err, reader.Close()); err != nil {
		return fmt.Errorf("cannot read %q: %w", key, err)
	}
	return nil
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

package duckdb

import (
	"unsafe"

	duck "github.com/duckdb/duckdb-go-bindings"
)

// Chunk is a part of a result, up to 2,048 rows by columns. What its methods return without copying is valid until the
// function it was handed to returns.
type Chunk struct {
	rows    int
	columns []vector
}

// vector is one column of a chunk: DuckDB's memory.
type vector struct {
	typ   duck.Type
	data  unsafe.Pointer
	valid unsafe.Pointer // bit mask, nil when no row is null
	child *vector        // of a list
}

func newChunk(res *duck.Result, data duck.DataChunk) *Chunk {
	chunk := &Chunk{rows: int(duck.DataChunkGetSize(data)), columns: make([]vector, duck.DataChunkGetColumnCount(data))}
	for i := range chunk.columns {
		chunk.columns[i] = newVector(duck.DataChunkGetVector(data, duck.IdxT(i)))
	}
	return chunk
}

func newVector(v duck.Vector) vector {
	logical := duck.VectorGetColumnType(v)
	defer duck.DestroyLogicalType(&logical)
	out := vector{typ: duck.GetTypeId(logical), data: duck.VectorGetData(v), valid: duck.VectorGetValidity(v)}
	if out.typ == duck.TypeList || out.typ == duck.TypeMap {
		child := duck.ListVectorGetChild(v)
		c := vector{data: duck.VectorGetData(child), valid: duck.VectorGetValidity(child)}
		if out.typ == duck.TypeList {
			c = newVector(child)
		}
		out.child = &c
	}
	return out
}

// Rows returns the number of rows, at least 1.
func (c *Chunk) Rows() int { return c.rows }

// Columns returns the number of columns.
func (c *Chunk) Columns() int { return len(c.columns) }

// Null reports whether a value is null. What the other methods return for it is undefined.
func (c *Chunk) Null(col, row int) bool {
	mask := c.columns[col].valid
	return mask != nil && *(*uint64)(unsafe.Add(mask, row/64*8))&(1<<(row%64)) == 0
}

func column[T any](c *Chunk, col int, typ duck.Type) []T {
	v := &c.columns[col]
	if v.typ != typ {
		panic("BUG: a column is read as another type than the statement gives it")
	}
	return unsafe.Slice((*T)(v.data), c.rows)
}

// Int64s returns a bigint column.
func (c *Chunk) Int64s(col int) []int64 { return column[int64](c, col, duck.TypeBigInt) }

// Uint64s returns a ubigint column.
func (c *Chunk) Uint64s(col int) []uint64 { return column[uint64](c, col, duck.TypeUBigInt) }

// Uint32s returns a uinteger column.
func (c *Chunk) Uint32s(col int) []uint32 { return column[uint32](c, col, duck.TypeUInteger) }

// Uint8s returns a utinyint column.
func (c *Chunk) Uint8s(col int) []uint8 { return column[uint8](c, col, duck.TypeUTinyInt) }

// Int8s returns a tinyint column.
func (c *Chunk) Int8s(col int) []int8 { return column[int8](c, col, duck.TypeTinyInt) }

// Float64s returns a double column.
func (c *Chunk) Float64s(col int) []float64 { return column[float64](c, col, duck.TypeDouble) }

// Bools returns a boolean column.
func (c *Chunk) Bools(col int) []bool { return column[bool](c, col, duck.TypeBoolean) }

// text is DuckDB's string value: up to 12 bytes stand in it, longer ones behind a pointer.
type text struct {
	length uint32
	inline [4]byte
	rest   unsafe.Pointer // of a long one: the bytes; else 8 more inline bytes
}

// maxInline is the length up to which a string stands inside its text.
const maxInline = 12

func (t *text) bytes() []byte {
	if t.length <= maxInline {
		return unsafe.Slice((*byte)(unsafe.Pointer(&t.inline)), t.length)
	}
	return unsafe.Slice((*byte)(t.rest), t.length)
}

// Bytes returns a varchar or blob. The bytes are borrowed.
func (c *Chunk) Bytes(col, row int) []byte { return c.columns[col].bytes(row) }

func (v *vector) bytes(row int) []byte {
	if v.typ != duck.TypeVarchar && v.typ != duck.TypeBlob {
		panic("BUG: a column is read as text that is none")
	}
	return (*text)(unsafe.Add(v.data, row*int(unsafe.Sizeof(text{})))).bytes()
}

// Text returns a copy of a varchar.
func (c *Chunk) Text(col, row int) string { return string(c.Bytes(col, row)) }

// span is DuckDB's list value: a part of the child vector.
type span struct{ offset, length uint64 }

// Uint32List returns a list of uinteger, borrowed.
func (c *Chunk) Uint32List(col, row int) []uint32 {
	return list[uint32](c, col, row, duck.TypeUInteger)
}

// Uint64List returns a list of ubigint, borrowed.
func (c *Chunk) Uint64List(col, row int) []uint64 { return list[uint64](c, col, row, duck.TypeUBigInt) }

// Uint8List returns a list of utinyint, borrowed.
func (c *Chunk) Uint8List(col, row int) []uint8 { return list[uint8](c, col, row, duck.TypeUTinyInt) }

// TextList returns a list of varchar, copied.
func (c *Chunk) TextList(col, row int) []string {
	at := column[span](c, col, duck.TypeList)[row]
	if at.length == 0 {
		return nil
	}
	texts := make([]string, at.length)
	for i := range texts {
		texts[i] = string(c.columns[col].child.bytes(int(at.offset) + i))
	}
	return texts
}

func list[T any](c *Chunk, col, row int, elem duck.Type) []T {
	if c.columns[col].child == nil || c.columns[col].child.typ != elem {
		panic("BUG: a column is read as a list of another type than the statement gives it")
	}
	at := column[span](c, col, duck.TypeList)[row]
	return unsafe.Slice((*T)(c.columns[col].child.data), int(at.offset+at.length))[at.offset:]
}

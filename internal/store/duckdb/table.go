package duckdb

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/footfall-analytics/footfall/internal/event"

	duck "github.com/duckdb/duckdb-go-bindings"
)

// table appends rows to one table of the database by columns: values go straight into the vectors of a data chunk,
// without a call into DuckDB for each. A row is written by one call per column, in the order of schema.sql, and end.
// One goroutine uses it; rows are part of the transaction that is open on the connection.
type table struct {
	conn    *conn
	name    string
	chunk   duck.DataChunk
	columns []target
	arena   arena
	row     int // in the chunk
	column  int // in the row

	appender duck.Appender // open between the first row and flush
	err      error         // the first failure; later rows are dropped
}

// target is one column's vector.
type target struct {
	vector duck.Vector
	typ    duck.Type
	data   unsafe.Pointer
	valid  unsafe.Pointer // set once a null has been written
	filled int            // of a list or map: elements written
	room   int            // of a list or map: elements there is room for
}

// openTable prepares appending to a table that exists.
func openTable(c *conn, name string) (*table, error) {
	t := &table{conn: c, name: name}
	if err := t.open(); err != nil {
		return nil, err
	}
	defer t.drop()
	types := make([]duck.LogicalType, duck.AppenderColumnCount(t.appender))
	for i := range types {
		types[i] = duck.AppenderColumnType(t.appender, duck.IdxT(i))
	}
	t.chunk = duck.CreateDataChunk(types)
	t.columns = make([]target, len(types))
	for i := range types {
		t.columns[i].typ = duck.GetTypeId(types[i])
		duck.DestroyLogicalType(&types[i])
	}
	t.reset()
	return t, nil
}

func (t *table) open() error {
	if duck.AppenderCreateExt(t.conn.handle, "", "", t.name, &t.appender) == duck.StateError {
		err := fmt.Errorf("cannot append to table %q: %s", t.name, duck.AppenderError(t.appender))
		t.drop()
		return err
	}
	return nil
}

func (t *table) drop() {
	if t.appender.Ptr != nil {
		duck.AppenderClear(t.appender)
		duck.AppenderDestroy(&t.appender)
	}
}

func (t *table) close() {
	t.drop()
	duck.DestroyDataChunk(&t.chunk)
	t.arena.free()
}

// reset empties the chunk. DuckDB may give it other vectors, so the pointers are read again.
func (t *table) reset() {
	duck.DataChunkReset(t.chunk)
	for i := range t.columns {
		c := &t.columns[i]
		c.vector = duck.DataChunkGetVector(t.chunk, duck.IdxT(i))
		c.data, c.valid, c.filled, c.room = duck.VectorGetData(c.vector), nil, 0, 0
	}
	t.row, t.column = 0, 0
	t.arena.reset()
}

// end finishes a row.
func (t *table) end() {
	if t.column != len(t.columns) {
		t.fail(fmt.Errorf("BUG: a row of table %q has %d columns, not %d", t.name, len(t.columns), t.column))
	}
	t.column = 0
	if t.row++; t.row == int(duck.VectorSize()) {
		t.pass()
	}
}

func (t *table) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// pass hands the chunk to the appender, which copies it.
func (t *table) pass() {
	if t.err == nil && t.appender.Ptr == nil {
		t.fail(t.open())
	}
	if t.err == nil && t.row > 0 {
		duck.DataChunkSetSize(t.chunk, duck.IdxT(t.row))
		if duck.AppendDataChunk(t.appender, t.chunk) == duck.StateError {
			t.fail(errors.New(duck.AppenderError(t.appender)))
		}
	}
	t.reset()
}

// flush makes all rows part of the transaction. After an error the transaction must be rolled back.
func (t *table) flush() error {
	if t.row > 0 {
		t.pass()
	}
	if t.err == nil && t.appender.Ptr != nil && duck.AppenderClose(t.appender) == duck.StateError {
		t.fail(errors.New(duck.AppenderError(t.appender)))
	}
	t.drop()
	err := t.err
	t.err = nil
	if err != nil {
		return fmt.Errorf("cannot append to table %q: %w", t.name, err)
	}
	return nil
}

// put writes a value of a fixed width.
func put[T any](t *table, value T) {
	*(*T)(unsafe.Add(t.columns[t.column].data, t.row*int(unsafe.Sizeof(value)))) = value
	t.column++
}

func (t *table) int64(v int64)     { put(t, v) }
func (t *table) uint64(v uint64)   { put(t, v) }
func (t *table) uint32(v uint32)   { put(t, v) }
func (t *table) uint8(v uint8)     { put(t, v) }
func (t *table) int8(v int8)       { put(t, v) }
func (t *table) float64(v float64) { put(t, v) }
func (t *table) bool(v bool)       { put(t, v) }
func (t *table) text(s string)     { t.arena.put(t.textAt(), validText(s)); t.column++ }
func (t *table) blob(b []byte) {
	t.arena.put(t.textAt(), unsafe.String(unsafe.SliceData(b), len(b)))
	t.column++
}
func (t *table) textAt() *rawText { return textOf(t.columns[t.column].data, t.row) }
func textOf(data unsafe.Pointer, row int) *rawText {
	return (*rawText)(unsafe.Add(data, row*int(unsafe.Sizeof(rawText{}))))
}

// validText guards the file: DuckDB does not check what is written past its functions.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// null writes a null.
func (t *table) null() {
	c := &t.columns[t.column]
	if c.valid == nil {
		duck.VectorEnsureValidityWritable(c.vector)
		c.valid = duck.VectorGetValidity(c.vector)
	}
	word := (*uint64)(unsafe.Add(c.valid, t.row/64*8))
	*word &^= 1 << (t.row % 64)
	if c.typ == duck.TypeList {
		*(*span)(unsafe.Add(c.data, t.row*int(unsafe.Sizeof(span{})))) = span{}
	}
	t.column++
}

// grow makes room for n more elements of a list and returns where they start.
func (t *table) grow(n int) (c *target, from int) {
	c = &t.columns[t.column]
	from = c.filled
	c.filled += n
	if c.filled > c.room {
		c.room = max(2*c.filled, int(duck.VectorSize()))
		duck.ListVectorReserve(c.vector, duck.IdxT(c.room))
	}
	if n > 0 {
		duck.ListVectorSetSize(c.vector, duck.IdxT(c.filled))
	}
	put(t, span{uint64(from), uint64(n)})
	return c, from
}

// numbers writes a list of numbers.
func numbers[T uint32 | uint64](t *table, items []T) {
	c, from := t.grow(len(items))
	if len(items) > 0 {
		copy(unsafe.Slice((*T)(duck.VectorGetData(duck.ListVectorGetChild(c.vector))), c.filled)[from:], items)
	}
}

// properties writes a map of texts.
func (t *table) properties(list []event.Property) {
	c, from := t.grow(len(list))
	if len(list) == 0 {
		return
	}
	entries := duck.ListVectorGetChild(c.vector)
	keys, values := duck.VectorGetData(duck.StructVectorGetChild(entries, 0)), duck.VectorGetData(duck.StructVectorGetChild(entries, 1))
	for i, p := range list {
		t.arena.put(textOf(keys, from+i), validText(p.Key))
		t.arena.put(textOf(values, from+i), validText(p.Value))
	}
}

// rawText is text as it is written: an address in DuckDB's memory is no Go pointer.
type rawText struct {
	length uint32
	inline [4]byte
	rest   uintptr
}

// arena holds the bytes of long strings until DuckDB has copied them. It is memory of DuckDB's, so that no pointer to
// Go memory is ever kept on the other side.
type arena struct {
	blocks []arenaBlock
	block  int // the one being filled
	used   int // bytes of it
}

type arenaBlock struct {
	vector duck.Vector
	data   unsafe.Pointer
	size   int
}

const arenaBlockBytes = 1 << 20

func (a *arena) put(at *rawText, s string) {
	*at = rawText{length: uint32(len(s))}
	if len(s) <= maxInline {
		copy(unsafe.Slice(&at.inline[0], maxInline), s) // inline and rest are adjacent
		return
	}
	dst := a.alloc(len(s))
	copy(unsafe.Slice((*byte)(dst), len(s)), s)
	copy(at.inline[:], s)
	at.rest = uintptr(dst)
}

func (a *arena) alloc(n int) unsafe.Pointer {
	for ; a.block < len(a.blocks); a.block, a.used = a.block+1, 0 {
		if b := a.blocks[a.block]; b.size-a.used >= n {
			a.used += n
			return unsafe.Add(b.data, a.used-n)
		}
	}
	a.blocks = append(a.blocks, newArenaBlock(max(n, arenaBlockBytes)))
	a.used = n
	return a.blocks[a.block].data
}

func newArenaBlock(size int) arenaBlock {
	typ := duck.CreateLogicalType(duck.TypeUTinyInt)
	defer duck.DestroyLogicalType(&typ)
	v := duck.CreateVector(typ, duck.IdxT(size))
	return arenaBlock{v, duck.VectorGetData(v), size}
}

func (a *arena) reset() {
	a.block, a.used = 0, 0
	for len(a.blocks) > 4 { // a chunk of very long strings does not keep its memory
		last := len(a.blocks) - 1
		duck.DestroyVector(&a.blocks[last].vector)
		a.blocks = a.blocks[:last]
	}
}

func (a *arena) free() {
	for i := range a.blocks {
		duck.DestroyVector(&a.blocks[i].vector)
	}
	a.blocks = nil
}

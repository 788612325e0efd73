package duckdb

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/footfall-analytics/footfall/internal/event"

	duck "github.com/duckdb/duckdb-go-bindings"
)

// table gathers rows for one table of the database by columns: values go straight into the vectors of data chunks,
// without a call into DuckDB for each. A row is written by one call per column, in the order of schema.sql, and end.
// One goroutine uses it; rows are part of the transaction that is open on the connection.
type table struct {
	conn    *conn
	name    string
	insert  string // the statement that reads the feed; "" for a table that only statements of the caller's read
	types   []duck.LogicalType
	names   []string
	feed    feed
	chunks  []duck.DataChunk // [:full] are full or done, the next one is being filled
	full    int
	read    int // chunks that the running statement has had
	columns []target
	arena   arena
	row     int   // in the chunk that is being filled
	column  int   // in the row
	err     error // the first failure; later rows are dropped
}

// target is one column's vector.
type target struct {
	vector duck.Vector
	typ    duck.Type
	data   unsafe.Pointer
	valid  unsafe.Pointer // set once a null has been written
	filled int            // of a list or map: elements written
	room   int            // of a list or map: elements there is room for
	last   string         // of a text: the value of the row before, "" where there is none
	same   rawText        // ... as it was written
}

const (
	// maxChunks is how many chunks are gathered before they are inserted: a row group.
	maxChunks = RowGroup / 2048
	// keepChunks is how many of them keep their memory.
	keepChunks = 1
)

// insertSQL is what inserts a feed. The row number, which is always above 0, keeps the rows in order, so one thread inserts
// them, straight into what the transaction commits: several would each fill a row group of their own, find it too small
// and append its rows a second time.
const insertSQL = "insert into %[1]s select * exclude (place) from (select *, row_number() over () as place from feed_%[1]s()) where place > 0"

// openTable prepares appending to a table that exists.
func openTable(c *conn, name string) (*table, error) {
	t := &table{conn: c, name: name, insert: fmt.Sprintf(insertSQL, name)}
	var appender duck.Appender // is asked for the types only
	defer duck.AppenderDestroy(&appender)
	if duck.AppenderCreateExt(c.handle, "", "", name, &appender) == duck.StateError {
		return nil, fmt.Errorf("cannot append to table %q: %s", name, duck.AppenderError(appender))
	}
	for i := range int(duck.AppenderColumnCount(appender)) {
		t.add(fmt.Sprint("column", i), duck.AppenderColumnType(appender, duck.IdxT(i)))
	}
	return t, t.open()
}

// openKeys prepares a table of that name and columns which stands in no file: statements read it as feed_name().
func openKeys(c *conn, name string, columns ...keyColumn) (*table, error) {
	t := &table{conn: c, name: name}
	for _, column := range columns {
		t.add(column.name, duck.CreateLogicalType(column.typ))
	}
	return t, t.open()
}

type keyColumn struct {
	name string
	typ  duck.Type
}

func (t *table) add(name string, typ duck.LogicalType) {
	t.names, t.types = append(t.names, name), append(t.types, typ)
	t.columns = append(t.columns, target{typ: duck.GetTypeId(typ)})
}

func (t *table) open() error {
	t.chunks = []duck.DataChunk{duck.CreateDataChunk(t.types)}
	t.aim()
	if err := t.feed.register(t.conn, "feed_"+t.name, t); err != nil {
		t.close()
		return err
	}
	return nil
}

func (t *table) close() {
	t.feed.close()
	for i := range t.chunks {
		duck.DestroyDataChunk(&t.chunks[i])
	}
	for i := range t.types {
		duck.DestroyLogicalType(&t.types[i])
	}
	t.arena.free()
}

// aim makes the columns point into the chunk that is to be filled.
func (t *table) aim() {
	for i := range t.columns {
		c := &t.columns[i]
		c.vector = duck.DataChunkGetVector(t.chunks[t.full], duck.IdxT(i))
		c.data, c.valid, c.filled, c.room = duck.VectorGetData(c.vector), nil, 0, 0
		c.last = ""
	}
	t.row, t.column = 0, 0
}

// end finishes a row.
func (t *table) end() {
	if t.column != len(t.columns) {
		t.fail(fmt.Errorf("BUG: a row of table %q has %d columns, not %d", t.name, len(t.columns), t.column))
	}
	if t.insert != "" && t.conn.reading {
		t.fail(fmt.Errorf("BUG: a row of table %q is written while rows are read", t.name)) // to insert what was gathered would end them
	}
	t.column = 0
	if t.row++; t.row == vectorSize {
		t.pass()
	}
}

// vectorSize is the number of rows of a full chunk.
const vectorSize = 2048

func (t *table) fail(err error) {
	if t.err == nil { // nil stays nil
		t.err = err
	}
}

// pass begins the next chunk.
func (t *table) pass() {
	t.finish()
	if t.insert != "" && t.full == maxChunks {
		t.send()
	}
	if t.full == len(t.chunks) {
		t.chunks = append(t.chunks, duck.CreateDataChunk(t.types))
	}
	t.aim()
}

// finish takes the chunk that is being filled to the full ones.
func (t *table) finish() {
	if t.row > 0 {
		duck.DataChunkSetSize(t.chunks[t.full], duck.IdxT(t.row))
		t.full++
		t.row = 0
	}
}

// next makes output the next chunk of the running statement; it stays empty behind the last one.
func (t *table) next(output duck.DataChunk) {
	if t.read == t.full {
		return
	}
	chunk := t.chunks[t.read]
	t.read++
	for i := range t.columns {
		duck.VectorReferenceVector(duck.DataChunkGetVector(output, duck.IdxT(i)), duck.DataChunkGetVector(chunk, duck.IdxT(i)))
	}
	duck.DataChunkSetSize(output, duck.DataChunkGetSize(chunk))
}

// send inserts the full chunks and empties them.
func (t *table) send() {
	if t.err == nil && t.full > 0 {
		t.fail(t.conn.exec(context.Background(), t.insert)) // a commit is never cut short
	}
	t.empty()
}

// empty forgets the full chunks. DuckDB may give them other vectors, so the pointers must be read again.
func (t *table) empty() {
	for i := range t.chunks {
		if i < keepChunks {
			duck.DataChunkReset(t.chunks[i])
		} else {
			duck.DestroyDataChunk(&t.chunks[i])
		}
	}
	t.chunks, t.full = t.chunks[:keepChunks], 0
	t.arena.reset()
}

// flush makes all rows part of the transaction. After an error the transaction must be rolled back.
func (t *table) flush() error {
	t.finish()
	t.send()
	t.aim()
	err := t.err
	t.err = nil
	if err != nil {
		return fmt.Errorf("cannot append to table %q: %w", t.name, err)
	}
	return nil
}

// hold keeps the rows that fill no row group for those to come: the engine would keep them in memory until the transaction ends.
func (t *table) hold() error {
	for i := range t.columns {
		t.columns[i].last = "" // the caller's memory
	}
	if t.err != nil {
		return fmt.Errorf("cannot append to table %q: %w", t.name, t.err)
	}
	return nil
}

// drop forgets all rows.
func (t *table) drop() {
	t.finish()
	t.empty()
	t.aim()
	t.err = nil
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

// text writes a text. Rows that stand together have the same in most columns: it is checked and copied once.
func (t *table) text(s string) {
	c := &t.columns[t.column]
	at := textOf(c.data, t.row)
	switch {
	case s == "":
		*at = rawText{}
	case s == c.last:
		*at = c.same
	default:
		t.arena.put(at, validText(s))
		c.last, c.same = s, *at
	}
	t.column++
}

func (t *table) blob(b []byte) {
	t.arena.put(textOf(t.columns[t.column].data, t.row), unsafe.String(unsafe.SliceData(b), len(b)))
	t.column++
}
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

// The arena grows by blocks, of which it keeps one.
const (
	arenaBlockBytes = 1 << 20
	keepBlocks      = 1
)

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
	for len(a.blocks) > keepBlocks { // a backlog does not keep its memory
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

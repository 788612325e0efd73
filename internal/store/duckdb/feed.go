package duckdb

/*
#include <stdlib.h>
#include <stdint.h>
extern void footfallFeedBind(void *info);
extern void footfallFeedInit(void *info);
extern void footfallFeedNext(void *info, void *output);
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"

	duck "github.com/duckdb/duckdb-go-bindings"
)

// feed is a table function through which statements of the write connection read the rows of a table that is being
// filled, without a copy. The engine's own appender would run a statement of its own, whose calling thread spins while
// another one inserts.
type feed struct {
	function duck.TableFunction
	handle   *C.uintptr_t // of the table; in C's memory, since the engine keeps its address
}

// feedCardinality is how many rows a planner takes a feed for: less than what it is joined with.
const feedCardinality = 2048

// register makes the rows of t a table function of that name.
func (f *feed) register(c *conn, name string, t *table) error {
	f.handle = (*C.uintptr_t)(C.malloc(C.size_t(unsafe.Sizeof(C.uintptr_t(0)))))
	*f.handle = C.uintptr_t(cgo.NewHandle(t))
	f.function = duck.CreateTableFunction()
	duck.TableFunctionSetName(f.function, name)
	duck.TableFunctionSetExtraInfo(f.function, unsafe.Pointer(f.handle), nil)
	duck.TableFunctionSetBind(f.function, unsafe.Pointer(C.footfallFeedBind))
	duck.TableFunctionSetInit(f.function, unsafe.Pointer(C.footfallFeedInit))
	duck.TableFunctionSetFunction(f.function, unsafe.Pointer(C.footfallFeedNext))
	if duck.RegisterTableFunction(c.handle, f.function) == duck.StateError {
		f.close()
		return fmt.Errorf("cannot register the table function %q", name)
	}
	return nil
}

// close frees what the engine calls back with: no statement that reads the feed may run later.
func (f *feed) close() {
	if f.handle == nil {
		return
	}
	duck.DestroyTableFunction(&f.function)
	cgo.Handle(*f.handle).Delete()
	C.free(unsafe.Pointer(f.handle))
	f.handle = nil
}

func tableOf(handle unsafe.Pointer) *table {
	return cgo.Handle(*(*C.uintptr_t)(handle)).Value().(*table)
}

//export footfallFeedBind
func footfallFeedBind(info unsafe.Pointer) {
	bind := duck.BindInfo{Ptr: info}
	t := tableOf(duck.BindGetExtraInfo(bind))
	for i, typ := range t.types {
		duck.BindAddResultColumn(bind, t.names[i], typ)
	}
	duck.BindSetCardinality(bind, feedCardinality, false)
}

//export footfallFeedInit
func footfallFeedInit(info unsafe.Pointer) {
	init := duck.InitInfo{Ptr: info}
	duck.InitSetMaxThreads(init, 1)
	tableOf(duck.InitGetExtraInfo(init)).read = 0
}

//export footfallFeedNext
func footfallFeedNext(info, output unsafe.Pointer) {
	t := tableOf(duck.FunctionGetExtraInfo(duck.FunctionInfo{Ptr: info}))
	t.next(duck.DataChunk{Ptr: output})
}

package duckdb

import (
	"fmt"

	duck "github.com/duckdb/duckdb-go-bindings"
)

// bind sets the parameters of a statement: bool, integers, float64, string, []byte, nil, and lists of int64, uint64 and
// string.
func bind(stmt duck.PreparedStatement, args []any) error {
	if want := int(duck.NParams(stmt)); want != len(args) {
		return fmt.Errorf("the statement takes %d parameters, got %d", want, len(args))
	}
	duck.ClearBindings(stmt)
	for i, arg := range args {
		if err := bindOne(stmt, duck.IdxT(i+1), arg); err != nil {
			return err
		}
	}
	return nil
}

func bindOne(stmt duck.PreparedStatement, index duck.IdxT, arg any) error {
	var state duck.State
	switch v := arg.(type) {
	case nil:
		state = duck.BindNull(stmt, index)
	case bool:
		state = duck.BindBoolean(stmt, index, v)
	case int:
		state = duck.BindInt64(stmt, index, int64(v))
	case int64:
		state = duck.BindInt64(stmt, index, v)
	case uint8:
		state = duck.BindUInt8(stmt, index, v)
	case uint64:
		state = duck.BindUInt64(stmt, index, v)
	case float64:
		state = duck.BindDouble(stmt, index, v)
	case string:
		state = duck.BindVarchar(stmt, index, v)
	case []byte:
		state = duck.BindBlob(stmt, index, v)
	case []int64:
		state = bindList(stmt, index, duck.TypeBigInt, v, duck.CreateInt64)
	case []uint64:
		state = bindList(stmt, index, duck.TypeUBigInt, v, duck.CreateUInt64)
	case []string:
		state = bindList(stmt, index, duck.TypeVarchar, v, duck.CreateVarchar)
	default:
		return fmt.Errorf("BUG: parameter %d has the type %T", index, arg)
	}
	if state == duck.StateError {
		return fmt.Errorf("cannot bind parameter %d: %s", index, duck.PrepareError(stmt))
	}
	return nil
}

func bindList[T any](stmt duck.PreparedStatement, index duck.IdxT, elem duck.Type, items []T, create func(T) duck.Value) duck.State {
	typ := duck.CreateLogicalType(elem)
	defer duck.DestroyLogicalType(&typ)
	values := make([]duck.Value, len(items))
	for i, item := range items {
		values[i] = create(item)
	}
	list := duck.CreateListValue(typ, values)
	state := duck.BindValue(stmt, index, list)
	for i := range values {
		duck.DestroyValue(&values[i])
	}
	duck.DestroyValue(&list)
	return state
}

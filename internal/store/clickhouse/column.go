package clickhouse

import (
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/footfall-analytics/footfall/internal/event"
)

// table is where rows of T go: its name and how each column is filled.
type table[T any] struct {
	name    string
	columns []columnOf[T]
}

// columnOf is a column of a table and what it takes of the rows.
type columnOf[T any] struct {
	name   string
	append func(to driver.BatchColumn, rows []T) error
}

// insertSQL names the columns, so that the schema may have others.
func (t *table[T]) insertSQL() string {
	names := make([]string, len(t.columns))
	for i := range t.columns {
		names[i] = t.columns[i].name
	}
	return "insert into " + t.name + " (" + strings.Join(names, ", ") + ")"
}

// fill appends the rows column by column.
func (t *table[T]) fill(batch driver.Batch, rows []T) error {
	for i := range t.columns {
		if err := t.columns[i].append(batch.Column(i), rows); err != nil {
			return fmt.Errorf("column %q: %w", t.columns[i].name, err)
		}
	}
	return nil
}

// of is a column of values that get returns: string, bool, float64, whole numbers, and slices of them. Times are ms.
func of[T, V any](name string, get func(*T) V) columnOf[T] {
	return columnOf[T]{name, func(to driver.BatchColumn, rows []T) error {
		values := make([]V, len(rows))
		for i := range rows {
			values[i] = get(&rows[i])
		}
		return to.Append(values)
	}}
}

// ofID is a column of ids.
func ofID[T any](name string, get func(*T) event.UUID) columnOf[T] {
	return of(name, func(row *T) uuid.UUID { return uuid.UUID(get(row)) })
}

// ofProperties is a column of maps.
func ofProperties[T any](name string, get func(*T) []event.Property) columnOf[T] {
	return columnOf[T]{name, func(to driver.BatchColumn, rows []T) error {
		for i := range rows {
			if err := to.AppendRow(properties(get(&rows[i]))); err != nil {
				return err
			}
		}
		return nil
	}}
}

// properties are an event's as the client library takes an ordered map.
type properties []event.Property

// Put is not needed for writing.
func (properties) Put(any, any) {}

// Iterator implements column.IterableOrderedMap.
func (p properties) Iterator() column.MapIterator { return &propertyIterator{left: p} }

type propertyIterator struct {
	left properties
	at   event.Property
}

func (i *propertyIterator) Next() bool {
	if len(i.left) == 0 {
		return false
	}
	i.at, i.left = i.left[0], i.left[1:]
	return true
}

func (i *propertyIterator) Key() any   { return i.at.Key }
func (i *propertyIterator) Value() any { return i.at.Value }

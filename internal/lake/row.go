package lake

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/footfall-analytics/footfall/internal/event"
)

// leaf is a leaf column: write returns its value of a row, read takes it. A repeated one has no write: see Row.append.
type leaf struct {
	name  string
	write func(*Row) parquet.Value
	read  func(*Row, parquet.Value) error
}

func text(name string, field func(*Row) *string) leaf {
	return leaf{name, func(r *Row) parquet.Value { return parquet.ValueOf(*field(r)) }, func(r *Row, v parquet.Value) error {
		*field(r) = string(v.ByteArray())
		return nil
	}}
}

func wide(name string, field func(*Row) *int64) leaf {
	return leaf{name, func(r *Row) parquet.Value { return parquet.Int64Value(*field(r)) }, func(r *Row, v parquet.Value) error {
		*field(r) = v.Int64()
		return nil
	}}
}

func readID(r *Row, v parquet.Value) (err error) {
	r.ID, err = event.ParseUUID(string(v.ByteArray()))
	return err
}

func readType(r *Row, v parquet.Value) error {
	typ, ok := event.ParseType(string(v.ByteArray()))
	if !ok {
		return fmt.Errorf("no type of an event: %q", v.ByteArray())
	}
	r.Type = typ
	return nil
}

// append adds the values of the row. The texts are the row's, not copied.
func (r *Row) append(dst parquet.Row) parquet.Row {
	for i := range leaves {
		switch l := &leaves[i]; {
		case l.write != nil:
			dst = append(dst, l.write(r).Level(0, 0, i))
		case strings.HasPrefix(l.name, "bot_reasons"):
			dst = appendList(dst, i, len(r.BotReasons), func(n int) string { return r.BotReasons[n] })
		case strings.HasSuffix(l.name, ".key"):
			dst = appendList(dst, i, len(r.Properties), func(n int) string { return r.Properties[n].Key })
		default:
			dst = appendList(dst, i, len(r.Properties), func(n int) string { return r.Properties[n].Value })
		}
	}
	return dst
}

// appendList adds the values of a repeated column; an empty list is one null of level 0.
func appendList(dst parquet.Row, column, n int, at func(int) string) parquet.Row {
	if n == 0 {
		return append(dst, parquet.Value{}.Level(0, 0, column))
	}
	for i := range n {
		dst = append(dst, parquet.ValueOf(at(i)).Level(min(i, 1), 1, column))
	}
	return dst
}

// read takes the values of a row, which has all columns.
func (r *Row) read(values parquet.Row) error {
	*r = Row{}
	property := 0
	for _, v := range values {
		column := v.Column()
		switch l := &leaves[column]; {
		case v.IsNull(): // an empty list
		case l.read != nil:
			if err := l.read(r, v); err != nil {
				return fmt.Errorf("column %q: %w", l.name, err)
			}
		default:
			r.Properties[property].Value = string(v.ByteArray())
			property++
		}
	}
	return nil
}

// compareRows is the order of a file.
func compareRows(a, b *Row) int {
	return cmp.Or(strings.Compare(a.WebsiteID, b.WebsiteID), cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare(a.ID[:], b.ID[:]), compareRank(a.rank(), b.rank()))
}

// rank decides which row of an id counts: the least.
type rank struct {
	receivedAt int64
	topic      string
	partition  int32
	position   int64
}

func (r *Row) rank() rank { return rank{r.ReceivedAt, r.Topic, r.Partition, r.Position} }

func compareRank(a, b rank) int {
	return cmp.Or(cmp.Compare(a.receivedAt, b.receivedAt), strings.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition), cmp.Compare(a.position, b.position))
}

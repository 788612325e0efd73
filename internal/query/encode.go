package query

import (
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// encodedVersion is raised whenever what is written means something else.
const encodedVersion = 2

// encoded is the form in which processes share a result: docs/format/redis.md, "Answers". Replies alone would not do: their JSON does
// not tell a whole number of a count from one of a mean.
type encoded struct {
	Version int          `json:"v"`
	Rows    []encodedRow `json:"rows"`
	Meta    Meta         `json:"meta"`
}

type encodedRow struct {
	Dimensions []string       `json:"d"`
	Metrics    []*encodedCell `json:"m"`
	Compared   bool           `json:"cmp,omitempty"`
	Before     []*encodedCell `json:"cm,omitempty"`
	Change     []*float64     `json:"cc,omitempty"`
}

// encodedCell is a metric: one field is set; a null metric is a nil cell.
type encodedCell struct {
	Int   *int64   `json:"i,omitempty"`
	Float *float64 `json:"f,omitempty"`
	Money *Money   `json:"c,omitempty"`
}

func (r *result) encode() ([]byte, error) {
	out := encoded{Version: encodedVersion, Rows: make([]encodedRow, len(r.results)), Meta: r.meta}
	for i, row := range r.results {
		cells, err := encodeCells(row.Metrics)
		if err != nil {
			return nil, err
		}
		out.Rows[i] = encodedRow{Dimensions: row.Dimensions, Metrics: cells}
		if row.Comparison == nil {
			continue
		}
		if cells, err = encodeCells(row.Comparison.Metrics); err != nil {
			return nil, err
		}
		out.Rows[i].Compared, out.Rows[i].Before, out.Rows[i].Change = true, cells, row.Comparison.Change
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("cannot write an answer: %w", err)
	}
	return s2.Encode(nil, text), nil
}

func encodeCells(metrics []any) ([]*encodedCell, error) {
	cells := make([]*encodedCell, len(metrics))
	for i, metric := range metrics {
		switch v := metric.(type) {
		case nil:
		case int64:
			cells[i] = &encodedCell{Int: &v}
		case float64:
			cells[i] = &encodedCell{Float: &v}
		case Money:
			cells[i] = &encodedCell{Money: &v}
		default:
			return nil, fmt.Errorf("cannot write a metric of type %T", metric)
		}
	}
	return cells, nil
}

func decodeResult(answer []byte) (*result, error) {
	text, err := s2.Decode(nil, answer)
	if err != nil {
		return nil, fmt.Errorf("cannot read an answer: %w", err)
	}
	var in encoded
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("cannot read an answer: %w", err)
	}
	if in.Version != encodedVersion {
		return nil, fmt.Errorf("cannot read an answer of version %d", in.Version)
	}
	r := &result{results: make([]Result, len(in.Rows)), meta: in.Meta}
	for i, row := range in.Rows {
		r.results[i] = Result{Dimensions: row.Dimensions, Metrics: decodeCells(row.Metrics)}
		if row.Compared {
			r.results[i].Comparison = &Comparison{Metrics: decodeCells(row.Before), Change: row.Change}
		}
	}
	r.bytes = weigh(r.results)
	return r, nil
}

func decodeCells(cells []*encodedCell) []any {
	metrics := make([]any, len(cells))
	for i, cell := range cells {
		switch {
		case cell == nil:
		case cell.Int != nil:
			metrics[i] = *cell.Int
		case cell.Float != nil:
			metrics[i] = *cell.Float
		case cell.Money != nil:
			metrics[i] = *cell.Money
		}
	}
	return metrics
}

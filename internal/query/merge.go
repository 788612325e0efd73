package query

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/footfall-analytics/footfall/internal/sketch"
)

// maxGroups bounds the memory of one answer.
const maxGroups = 1_000_000

// group is a row of the answer in the making.
type group struct {
	values   []string // as stored
	bucket   int
	sums     [len(measureOrder)]int64
	currency [2]string // smallest and largest, "" without one
	visitors *sketch.Sketch
	unread   bool // there are more visitors than are united here: see narrow.go
	products []float64
}

// slot is the place of a measure in group.sums.
func slot(m Measure) int { return slices.Index(measureOrder[:], m) }

func (g *group) sum(m Measure) int64 { return g.sums[slot(m)] }

// merger adds the rows of parts up to groups: sums add, sketches unite.
type merger struct {
	index  map[string]int
	groups []*group
	key    []byte
	pairs  [][2]Measure // of group.products
}

func newMerger() *merger { return &merger{index: map[string]int{}} }

// add takes some rows of a part.
func (m *merger) add(part *Part, rows *Rows) error {
	slots := make([]int, len(part.Measures))
	for i, measure := range part.Measures {
		slots[i] = slot(measure)
	}
	pairs := m.pairSlots(part)
	for row := range rows.Len {
		g, err := m.group(rows, row)
		if err != nil {
			return err
		}
		for i, measure := range part.Measures {
			if rows.Ints[i] != nil {
				g.sums[slots[i]] += rows.Ints[i][row]
			} else if err := g.unite(measure, rows, i, row); err != nil {
				return err
			}
		}
		for i, at := range pairs {
			g.addProduct(at, rows.Products[i][row])
		}
	}
	return nil
}

// unite adds a value that is no number.
func (g *group) unite(measure Measure, rows *Rows, column, row int) error {
	if measure == VisitorCoupons || measure == VisitorSketch && rows.Coupons != nil {
		if coupons := rows.Coupons[row]; len(coupons) > 0 {
			g.sketch().AddAll(coupons)
		}
	}
	if measure == VisitorCoupons {
		return nil
	}
	text := rows.Texts[column][row]
	if len(text) == 0 {
		return nil
	}
	switch measure {
	case CurrencyMin:
		if g.currency[0] == "" || string(text) < g.currency[0] {
			g.currency[0] = string(text)
		}
	case CurrencyMax:
		if string(text) > g.currency[1] {
			g.currency[1] = string(text)
		}
	case VisitorSketch:
		if err := g.sketch().MergeBytes(text); err != nil {
			return fmt.Errorf("cannot read a sketch of visitors: %w", err)
		}
	}
	return nil
}

func (g *group) sketch() *sketch.Sketch {
	if g.visitors == nil {
		g.visitors = sketch.New()
	}
	return g.visitors
}

func (g *group) addProduct(at int, value float64) {
	for len(g.products) <= at {
		g.products = append(g.products, 0)
	}
	g.products[at] += value
}

// pairSlots returns where the part's products stand in a group.
func (m *merger) pairSlots(part *Part) []int {
	out := make([]int, len(part.Products))
	for i, pair := range part.Products {
		if out[i] = slices.Index(m.pairs, pair); out[i] < 0 {
			out[i] = len(m.pairs)
			m.pairs = append(m.pairs, pair)
		}
	}
	return out
}

// group returns the group of a row, a new one if need be.
func (m *merger) group(rows *Rows, row int) (*group, error) {
	bucket := int64(0)
	if rows.Buckets != nil {
		bucket = rows.Buckets[row]
	}
	m.key = binary.BigEndian.AppendUint32(m.key[:0], uint32(bucket))
	for _, column := range rows.Values {
		m.key = appendKey(m.key, column[row])
	}
	if at, ok := m.index[string(m.key)]; ok {
		return m.groups[at], nil
	}
	if len(m.groups) == maxGroups {
		return nil, invalid("dimensions", "the answer has more than %d rows; filter it or shorten the range", maxGroups)
	}
	g := &group{bucket: int(bucket)}
	for _, column := range rows.Values {
		g.values = append(g.values, string(column[row]))
	}
	m.index[string(m.key)] = len(m.groups)
	m.groups = append(m.groups, g)
	return g, nil
}

// appendKey adds a value to a key. Stored text has no control characters.
func appendKey[T string | []byte](key []byte, value T) []byte {
	return append(append(key, value...), 0)
}

// find returns the group of the same values and bucket as g, nil without one.
func (m *merger) find(g *group) *group {
	m.key = binary.BigEndian.AppendUint32(m.key[:0], uint32(g.bucket))
	for _, value := range g.values {
		m.key = appendKey(m.key, value)
	}
	if at, ok := m.index[string(m.key)]; ok {
		return m.groups[at]
	}
	return nil
}

// single returns the only group of a question without dimensions.
func (m *merger) single() *group {
	if len(m.groups) == 0 {
		return &group{}
	}
	return m.groups[0]
}

// product returns the sum of a*b over the sampled visitors.
func (m *merger) product(g *group, a, b Measure) float64 {
	if i := slices.Index(m.pairs, [2]Measure{a, b}); i >= 0 && i < len(g.products) {
		return g.products[i]
	}
	return 0
}

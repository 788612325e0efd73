package query

import (
	"regexp"
	"slices"
	"strings"
)

// Column is where a part finds a value.
type Column struct {
	Table    Table  `json:"table"`
	Name     string `json:"name"`
	Property bool   `json:"property,omitempty"` // Name is a key of the event's properties
}

// Predicate is a condition on a row, with the language's names resolved to columns and its display values to stored ones.
type Predicate struct {
	// Op is and, or, not, done (over Args: the session has a counted event in the range that fulfils Args[0]), or in,
	// contains, matches (over Column and Values: any of them), or among, which is in for many values.
	Op     string       `json:"op"`
	Column *Column      `json:"column,omitempty"`
	Values []string     `json:"values,omitempty"`
	Fold   bool         `json:"fold,omitempty"`
	Empty  bool         `json:"empty,omitempty"` // of contains and matches: whether "" fulfils it, as it is displayed
	Args   []*Predicate `json:"args,omitempty"`
}

func (d Dimension) column() Column { return Column{d.Table, d.Column, d.isProperty()} }

// compile makes the condition that all filters hold; nil without filters.
func compile(filters []Filter) *Predicate {
	if len(filters) == 0 {
		return nil
	}
	return join("and", filters)
}

func join(op string, filters []Filter) *Predicate {
	if len(filters) == 1 {
		return filters[0].predicate()
	}
	p := &Predicate{Op: op}
	for i := range filters {
		p.Args = append(p.Args, filters[i].predicate())
	}
	return p
}

func (f *Filter) predicate() *Predicate {
	switch f.Op {
	case "and", "or":
		return join(f.Op, f.Filters)
	case "not":
		return negate(f.Filters[0].predicate())
	case "has_done":
		return &Predicate{Op: "done", Args: []*Predicate{f.Filters[0].predicate()}}
	case "has_not_done":
		return negate(&Predicate{Op: "done", Args: []*Predicate{f.Filters[0].predicate()}})
	}
	op, not := strings.CutSuffix(f.Op, "_not")
	p := f.leaf(op)
	if not {
		return negate(p)
	}
	return p
}

func negate(p *Predicate) *Predicate {
	if p.Op == "not" {
		return p.Args[0]
	}
	return &Predicate{Op: "not", Args: []*Predicate{p}}
}

func (f *Filter) leaf(op string) *Predicate {
	d, _ := dimension(f.Dimension)
	column := d.column()
	if d.Name == "visit:country_name" {
		return f.countries(op, &column)
	}
	p := &Predicate{Op: op, Column: &column, Values: f.Values, Fold: f.Fold}
	if op != "is" {
		p.Empty = f.fulfils(op, d.unknown())
		return p
	}
	p.Op = "in"
	p.Values = slices.Clone(f.Values)
	for i, value := range p.Values {
		if value == d.unknown() || f.Fold && strings.EqualFold(value, d.unknown()) {
			p.Values[i] = ""
		}
	}
	return p
}

// countries turns a condition on names of countries into one on codes.
func (f *Filter) countries(op string, column *Column) *Predicate {
	is := func(name string) bool { return f.fulfils(op, name) }
	p := &Predicate{Op: "in", Column: column, Values: countryCodes(is)}
	if is(notSet) {
		p.Values = append(p.Values, "")
	}
	return p
}

// fulfils reports whether a displayed value fulfils the leaf's condition.
func (f *Filter) fulfils(op, value string) bool {
	return slices.ContainsFunc(f.Values, func(want string) bool {
		switch op {
		case "contains":
			if f.Fold {
				return strings.Contains(strings.ToLower(value), strings.ToLower(want))
			}
			return strings.Contains(value, want)
		case "matches":
			if f.Fold {
				want = "(?i)" + want
			}
			pattern, err := regexp.Compile(want)
			return err == nil && pattern.MatchString(value)
		}
		return value == want || f.Fold && strings.EqualFold(value, want)
	})
}

// Uses reports whether the condition reads columns of the table for the row itself: what is inside done does not count.
func (p *Predicate) Uses(table Table) bool {
	if p == nil || p.Op == "done" {
		return false
	}
	return p.Column != nil && p.Column.Table == table || slices.ContainsFunc(p.Args, func(arg *Predicate) bool { return arg.Uses(table) })
}

// HasDone reports whether a done stands in the condition.
func (p *Predicate) HasDone() bool {
	return p != nil && (p.Op == "done" || slices.ContainsFunc(p.Args, (*Predicate).HasDone))
}

// columns adds the columns of the condition to seen, once each.
func (p *Predicate) columns(seen []Column) []Column {
	if p == nil {
		return seen
	}
	if p.Column != nil && !slices.Contains(seen, *p.Column) {
		seen = append(seen, *p.Column)
	}
	for _, arg := range p.Args {
		seen = arg.columns(seen)
	}
	return seen
}

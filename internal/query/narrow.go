package query

import (
	"cmp"
	"math"
	"slices"

	"github.com/footfall-analytics/footfall/internal/sketch"
)

// A panel shows ten of some thousand pages, and nearly all of its time would go to uniting the visitors of the others, day by
// day. So where an answer is long and little of it is shown, the visitors are left out at first: a row has at most as many as
// it has events, and what that leaves no chance of being shown needs no closer look. What is shown, its order and the
// number of rows are the same.

const (
	// narrowRows is the number of rows up to the end of the page from which it is not worth the second statement.
	narrowRows = 500
	// spareRows are looked at in the first step at most, besides twice those of the page.
	spareRows = 80
	// usualShare is how many of a group's visits (of its events, where those are not asked for) are visitors at least, on most
	// sites. Where it is less, some rows are read in a step of their own.
	usualShare = 0.6
)

// longDimensions are those that have more values on most sites than a page of them shows.
var longDimensions = [...]string{"event:page", "visit:entry_page", "visit:exit_page", "visit:utm_campaign", "visit:region", "visit:city"}

// narrowing is a plan in steps.
type narrowing struct {
	parts  []Part // of the plan, those in sets without their visitors
	sets   []Part // what reads the visitors, of all values
	byMost bool   // the answer is in order of the visitors, most first; else they have no say in it
}

// narrowed returns the plan in steps, nil where its answer must be read at once.
func (q *Query) narrowed(plan *Plan) *narrowing {
	groups := q.groups()
	if len(groups) != 1 || q.Edges != nil || q.Pagination.Offset+q.Pagination.Limit > narrowRows || !slices.Contains(longDimensions[:], groups[0].rollup()) {
		return nil
	}
	n := &narrowing{}
	for i, o := range q.OrderBy {
		switch {
		case i == 0 && o.By == string(Visitors) && o.Desc:
			n.byMost = true
		case o.By == string(Visitors) || o.By == string(Percentage):
			return nil
		}
	}
	for _, part := range plan.Parts {
		if part.Of == ofRows && (part.View == ViewDays || part.View == ViewPageViews) && slices.Contains(part.Measures, VisitorSketch) {
			set := part
			set.Measures = []Measure{VisitorSketch}
			n.sets = append(n.sets, set)
			part.Measures = slices.DeleteFunc(slices.Clone(part.Measures), func(m Measure) bool { return m == VisitorSketch })
		}
		n.parts = append(n.parts, part)
	}
	if len(n.sets) == 0 {
		return nil
	}
	return n
}

// statements returns the parts of the plan as they are run, in steps or at once.
func (q *Query) statements(plan *Plan, steps bool) []Part {
	if steps {
		if n := q.narrowed(plan); n != nil {
			return slices.Concat(n.parts, n.sets)
		}
	}
	return plan.Parts
}

// likely returns the groups to look at first.
func (n *narrowing) likely(q *Query, a *answer) []*group {
	if !n.byMost {
		return newRows(q, a).shownGroups()
	}
	for _, g := range a.groups {
		g.unread = g.sum(EventCount) > 0
	}
	end := q.Pagination.Offset + q.Pagination.Limit
	groups := unreadOf(a.groups)
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(b.sum(EventCount), a.sum(EventCount)) })
	if len(groups) <= end {
		return groups
	}
	least, first := usualShare*float64(usual(groups, end)), end
	for first < min(len(groups), 2*end+spareRows) && sketch.Most(groups[first].sum(EventCount)) >= least {
		first++
	}
	return groups[:first]
}

// usual returns about how many visits, or events, the last group of the page has.
func usual(groups []*group, end int) int64 {
	counts := make([]int64, len(groups))
	for i, g := range groups {
		if counts[i] = g.sum(VisitCount); counts[i] == 0 {
			counts[i] = g.sum(EventCount)
		}
	}
	slices.Sort(counts)
	return counts[len(counts)-max(end, 1)]
}

// possible returns the groups that may have as many visitors as the last one of the page.
func (n *narrowing) possible(q *Query, a *answer) []*group {
	end := q.Pagination.Offset + q.Pagination.Limit
	if !n.byMost || end == 0 {
		return nil
	}
	var read []float64
	for _, g := range a.groups {
		if !g.unread && g.present() {
			read = append(read, a.visitors(g))
		}
	}
	slices.SortFunc(read, func(a, b float64) int { return cmp.Compare(b, a) })
	least := 0.0
	if len(read) >= end {
		least = read[end-1]
	}
	return slices.DeleteFunc(unreadOf(a.groups), func(g *group) bool { return math.Round(sketch.Most(g.sum(EventCount))) < least })
}

func unreadOf(groups []*group) (unread []*group) {
	for _, g := range groups {
		if g.unread && g.present() {
			unread = append(unread, g)
		}
	}
	return unread
}

// visitors returns the parts that read the visitors of the groups, and takes these as read.
func (n *narrowing) visitors(m *merger, groups []*group) []Part {
	if len(groups) == 0 {
		return nil
	}
	only := &Predicate{Op: "among", Column: &n.sets[0].Dimensions[0]}
	for _, g := range groups {
		g.unread = false
		only.Values = append(only.Values, g.values[0])
	}
	parts := slices.Clone(n.sets)
	if len(groups) == len(m.groups) {
		return parts
	}
	for i := range parts {
		if parts[i].Where != nil {
			parts[i].Where = &Predicate{Op: "and", Args: []*Predicate{parts[i].Where, only}}
		} else {
			parts[i].Where = only
		}
	}
	return parts
}

package query

// run is a query being answered: the parts of its plans step by step, and where their rows go.
type run struct {
	q       *Query
	answers []*answer // of the query and of its comparison
	totals  []*merger
	narrow  []*narrowing // by answer; nil where all visitors are read at once

	stages []func() // each adds the parts that the stages before leave to be read
	parts  []Part
	into   []*merger
}

func newRun(q *Query, plans []*Plan, steps bool) *run {
	r := &run{q: q}
	for _, plan := range plans {
		a := &answer{merger: newMerger(), scale: float64(max(plan.Sample, 1))}
		r.answers, r.totals, r.narrow = append(r.answers, a), append(r.totals, newMerger()), append(r.narrow, nil)
	}
	r.stages = []func(){func() { r.all(plans) }}
	if steps {
		for i, plan := range plans {
			r.narrow[i] = q.narrowed(plan)
		}
		r.stages = append(r.stages, r.likely, r.possible, r.compared)
	}
	return r
}

// next returns the parts of the next stage that has any.
func (r *run) next() []Part {
	r.parts, r.into = nil, nil
	for len(r.stages) > 0 && len(r.parts) == 0 {
		stage := r.stages[0]
		r.stages = r.stages[1:]
		stage()
	}
	return r.parts
}

func (r *run) add(part int, rows *Rows) error { return r.into[part].add(&r.parts[part], rows) }

func (r *run) read(part Part, into *merger) {
	r.parts, r.into = append(r.parts, part), append(r.into, into)
}

// all adds the plans' parts.
func (r *run) all(plans []*Plan) {
	for i, plan := range plans {
		parts := plan.Parts
		if r.narrow[i] != nil {
			parts = r.narrow[i].parts
		}
		for _, part := range parts {
			if part.Of == ofTotal {
				r.read(part, r.totals[i])
			} else {
				r.read(part, r.answers[i].merger)
			}
		}
	}
}

// likely adds the visitors of the rows that are likely to be shown.
func (r *run) likely() {
	if n := r.narrow[0]; n != nil {
		r.visitors(0, n.likely(r.q, r.answers[0]))
	}
}

// possible adds those of the rows that may have to be shown instead, by what the likely ones have.
func (r *run) possible() {
	if n := r.narrow[0]; n != nil {
		r.visitors(0, n.possible(r.q, r.answers[0]))
	}
}

// compared adds the visitors of the rows that the shown ones are compared with.
func (r *run) compared() {
	if len(r.answers) == 1 || r.narrow[1] == nil {
		return
	}
	shown := newRows(r.q, r.answers[0])
	var groups []*group
	for _, at := range shown.page() {
		if g := r.answers[1].find(shown.groups[at]); g != nil {
			groups = append(groups, g)
		}
	}
	r.visitors(1, groups)
}

// visitors adds the parts that read the visitors of some groups of an answer.
func (r *run) visitors(answer int, groups []*group) {
	for _, part := range r.narrow[answer].visitors(r.answers[answer].merger, groups) {
		r.read(part, r.answers[answer].merger)
	}
}

// finish returns the answers.
func (r *run) finish() []*answer {
	for i, a := range r.answers {
		a.whole = r.totals[i].single()
		a.total = (&answer{scale: a.scale}).visitors(a.whole)
	}
	return r.answers
}

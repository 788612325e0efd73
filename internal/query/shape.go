package query

import (
	"cmp"
	"slices"
)

// shape makes the results of a query from the merged rows of its plans: its own and that of its comparison.
func (q *Query) shape(plans []*Plan, answers []*answer) *result {
	r := newRows(q, answers[0])
	page := r.page()
	out := &result{results: make([]Result, len(page)), meta: q.meta(plans[0], len(r.order)+r.below)}
	for i, at := range page {
		out.results[i] = Result{Dimensions: r.dimensions(at), Metrics: r.metrics(at)}
	}
	out.meta.Error = r.intervals(page, answers[0])
	out.meta.MetricWarnings = r.warnings(page)
	if len(plans) > 1 {
		r.compare(out.results, page, answers[1])
		out.meta.Exact = out.meta.Exact && plans[1].Exact
		out.meta.Degraded = cmp.Or(out.meta.Degraded, plans[1].Degraded)
	}
	out.meta.Views = viewsOf(plans)
	out.bytes = weigh(out.results)
	return out
}

// viewsOf returns the views that the plans read, each once.
func viewsOf(plans []*Plan) (views []View) {
	for _, plan := range plans {
		for i := range plan.Parts {
			if view := plan.Parts[i].View; !slices.Contains(views, view) {
				views = append(views, view)
			}
		}
	}
	return views
}

func (q *Query) meta(plan *Plan, total int) Meta {
	meta := Meta{Source: plan.Source, Exact: plan.Exact, Degraded: plan.Degraded}
	if plan.Sample > 0 {
		meta.Sample = &Sample{Rate: 1 / float64(plan.Sample)}
	}
	if q.Include.Imports {
		meta.ImportsIncluded, meta.ImportsSkipReason = new(bool), "no_imported_data"
	}
	if q.Include.TimeLabels {
		meta.TimeLabels = q.Labels
	}
	if q.Include.TotalRows {
		meta.TotalRows = &total
	}
	meta.DailyVisitors = len(q.Days) > 2 && (q.asks(Visitors) || q.asks(Percentage))
	return meta
}

// intervals returns the intervals of the metrics that are estimates.
func (r *rows) intervals(page []int, a *answer) map[Metric]Interval {
	out := map[Metric]Interval{}
	for i, m := range r.q.Metrics {
		one, any := Interval{Low: []float64{}, High: []float64{}}, false
		for _, at := range page {
			low, high, estimated := a.interval(r.groups[at], m)
			if !estimated && !r.values[at][i].null {
				low, high = r.values[at][i].number, r.values[at][i].number
			}
			one.Low, one.High, any = append(one.Low, low), append(one.High, high), any || estimated
		}
		if any {
			out[m] = one
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// warnings says why revenue is null. Without revenue at all the code is Plausible's for sites without revenue goals.
func (r *rows) warnings(page []int) map[Metric]Warning {
	mixed := slices.ContainsFunc(page, func(at int) bool { return r.groups[at].currency[0] != "" && r.groups[at].mixed() })
	none := !slices.ContainsFunc(page, func(at int) bool { return r.groups[at].currency[0] != "" })
	warning := Warning{"no_single_revenue_currency", "Revenue in several currencies cannot be added up."}
	if none {
		warning = Warning{"no_revenue_goals_matching", "No event with revenue matches."}
	}
	out := map[Metric]Warning{}
	for _, m := range r.q.Metrics {
		if (m == TotalRevenue || m == AverageRevenue) && (mixed || none) {
			out[m] = warning
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// compare gives each result its row of the other range: the one of the same values and, with a time dimension, of the
// bucket at the same position. A row that is not there has nothing counted.
func (r *rows) compare(results []Result, page []int, a *answer) {
	other := newRows(r.q.Compare, a)
	index := make(map[string]int, len(other.groups))
	for at := range other.groups {
		index[other.key(at)] = at
	}
	missing := len(other.groups)
	other.add(a, &group{values: make([]string, len(r.q.groups()))}, r.q.groups())
	for i, at := range page {
		before, ok := index[r.key(at)]
		if !ok {
			before = missing
		}
		comparison := &Comparison{Metrics: other.metrics(before), Change: make([]*float64, len(r.q.Metrics))}
		for m := range r.q.Metrics {
			comparison.Change[m] = change(r.values[at][m], other.values[before][m])
		}
		results[i].Comparison = comparison
	}
}

// change is in percent; nil from nothing to something, and where a side is null.
func change(now, before value) *float64 {
	if now.null || before.null || before.number == 0 && now.number != 0 {
		return nil
	}
	percent := 0.0
	if before.number != 0 {
		percent = 100 * (now.number - before.number) / before.number
	}
	return &percent
}

// weigh returns about how many bytes the results take.
func weigh(results []Result) uint32 {
	bytes := 512
	for i := range results {
		bytes += 96
		for _, text := range results[i].Dimensions {
			bytes += 16 + len(text)
		}
		bytes += 24 * len(results[i].Metrics)
		if results[i].Comparison != nil {
			bytes += 64 + 48*len(results[i].Metrics)
		}
	}
	return uint32(bytes)
}

package query

import "slices"

const minuteMillis = 60 * 1000

// minuteColumn is a column that the rollups by the minute have, under the same name.
type minuteColumn struct {
	Column
	pageViews, sources bool
}

// minuteColumns are the columns of page_views (measures of events, by the event's minute) and of sources (measures of sessions, by the
// minute of their start).
var minuteColumns = [...]minuteColumn{
	{Column{EventsTable, "page", false}, true, false},
	{Column{SessionsTable, "country", false}, true, true},
	{Column{SessionsTable, "device_type", false}, true, true},
	{Column{SessionsTable, "browser", false}, true, true},
	{Column{SessionsTable, "source", false}, true, true},
	{Column{SessionsTable, "medium", false}, true, true},
	{Column{SessionsTable, "campaign", false}, false, true},
	{Column{SessionsTable, "channel", false}, false, true},
	{Column{SessionsTable, "entry_page", false}, false, true},
}

// byMinute returns which measures of the query the rollups by the minute hold.
func (q *Query) byMinute() fit {
	want := measures(q.Metrics)
	ofEvents := slices.ContainsFunc(want, func(m Measure) bool { return !m.OfSessions() })
	ofSessions := slices.ContainsFunc(want, Measure.OfSessions)
	shape := shapeOf(q)
	switch {
	case q.isShort():
		return fit{why: shortRange}
	case q.Where.HasDone():
		return fit{why: "has_done reads single events"}
	case q.asks(ScrollDepth):
		return fit{why: "scroll_depth is not rolled up"}
	case ofSessions && shape.events:
		return fit{why: "sessions are not rolled up by dimensions of events"}
	case len(q.Edges) > 2 && slices.ContainsFunc(q.Edges[1:len(q.Edges)-1], func(edge int64) bool { return edge%minuteMillis != 0 }):
		return fit{why: "the buckets do not start on a minute"}
	}
	noEvents := q.lacks(func(c minuteColumn) bool { return c.pageViews })
	noSessions := q.lacks(func(c minuteColumn) bool { return c.sources })
	out := fit{events: !ofEvents || noEvents == "", sessions: !ofSessions || noSessions == ""}
	switch {
	case ofSessions && !out.sessions:
		return fit{why: noSessions + " is not rolled up"}
	case ofEvents && !out.events && ofSessions:
		out.why = noEvents + " is not rolled up for events"
	case ofEvents && !out.events:
		return fit{why: noEvents + " is not rolled up for events"}
	}
	return out
}

// lacks returns the name of a column of the query that the rollup does not have, "" when it has all.
func (q *Query) lacks(has func(minuteColumn) bool) string {
	columns := q.Where.columns(nil)
	for _, d := range q.groups() {
		columns = append(columns, d.column())
	}
	for _, column := range columns {
		if !slices.ContainsFunc(minuteColumns[:], func(c minuteColumn) bool { return c.Column == column && has(c) }) {
			return column.Name
		}
	}
	return ""
}

// estimated reports whether the visitors of the query are estimated: because the rollups of one kind or the other hold them as sketches.
// That is decided by the query alone, so that every installation gives the same number, whatever rollups it has and whether they are
// built.
func (q *Query) estimated() bool {
	byMinute := q.byMinute()
	return q.unrolled() == "" || byMinute.events && byMinute.why == ""
}

// addByMinute splits the range into whole minutes of clean days, and what is left to the events. Measures that the rollups do not hold
// are read from events in all of it.
func (p *Plan) addByMinute(q *Query) {
	clean, rest := q.minutes(p.Facts.Clean)
	all := []Range{{q.From, q.To}}
	var ofEvents, ofSessions []Measure
	for _, m := range measures(q.Metrics) {
		if m.OfSessions() {
			ofSessions = append(ofSessions, m)
		} else {
			ofEvents = append(ofEvents, m)
		}
	}
	restOfEvents, restOfSessions := rest, rest
	if p.fit.events {
		p.addMinutes(q, ViewPageViews, clean, replaced(ofEvents, VisitorSketch))
	} else {
		restOfEvents = all
	}
	if p.fit.sessions {
		p.addMinutes(q, ViewSources, clean, ofSessions)
	} else {
		restOfSessions = all
	}
	p.addHot(q, restOfEvents, p.visitors(ofEvents))
	p.addHot(q, restOfSessions, ofSessions)
}

// addMinutes adds the part that reads one of the rollups.
func (p *Plan) addMinutes(q *Query, view View, ranges []Range, want []Measure) {
	if len(ranges) == 0 || len(want) == 0 {
		return
	}
	part := Part{View: view, Ranges: ranges, Measures: want, Where: q.Where.over(minuteOf)}
	for _, d := range q.groups() {
		part.Dimensions = append(part.Dimensions, minuteOf(d.column()))
	}
	p.Parts = append(p.Parts, part)
}

func minuteOf(c Column) Column { return Column{Table: RollupTable, Name: c.Name} }

// minutes cuts the query's range at the edges of the clean days, to whole minutes.
func (q *Query) minutes(days []Range) (clean, rest []Range) {
	from, to := (q.From+minuteMillis-1)/minuteMillis*minuteMillis, q.To/minuteMillis*minuteMillis
	at := q.From
	for _, day := range days {
		in := Range{max(day.From, from), min(day.To, to)}
		if in.From >= in.To {
			continue
		}
		if at < in.From {
			rest = append(rest, Range{at, in.From})
		}
		clean, at = extend(clean, in), in.To
	}
	if at < q.To {
		rest = append(rest, Range{at, q.To})
	}
	return clean, rest
}

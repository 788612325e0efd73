package sqlgen

import (
	"fmt"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// The aliases of the tables.
const (
	events   = "e"
	sessions = "s"
	rollup   = "r"
)

// onSession joins an event of a site to its session of that site: a key of fewer columns is less to hold.
const onSession = "s.session_id = e.session_id and s.bot_band = e.bot_band and e.timestamp between s.chain_start and s.session_end"

// joined are the events with their sessions.
func (r *renderer) joined() string { return "events e\njoin " + r.sessionsOfEvents() }

// sessionsOfEvents is what the events are joined to, and how.
func (r *renderer) sessionsOfEvents() string {
	text := r.nearSessions() + " on " + onSession
	if r.d.Near == "" {
		text += " and s.website_id = " + r.arg(r.part.WebsiteID)
	}
	return text
}

// nearSessions are the sessions that the part's events can belong to. None is longer than event.SessionSplitMillis.
func (r *renderer) nearSessions() string {
	if r.d.Near == "" {
		return "sessions s"
	}
	first, last := r.part.Ranges[0].From, r.part.Ranges[0].To
	for _, one := range r.part.Ranges {
		first, last = min(first, one.From), max(last, one.To)
	}
	site := r.arg(r.part.WebsiteID)
	first, last = first-event.SessionSplitMillis, last+event.SessionSplitMillis
	return fmt.Sprintf(r.d.Near, site, r.instant(first), r.instant(last))
}

// instant renders a time to compare a stored one with.
func (r *renderer) instant(ms int64) string { return fmt.Sprintf(r.d.Instant, r.arg(ms)) }

// column renders a column's value.
func (r *renderer) column(c query.Column) string {
	switch {
	case c.Property:
		return fmt.Sprintf(r.d.Property, events, r.arg(c.Name))
	case c.Table == query.RollupTable:
		return rollup + "." + c.Name
	case c.Table == query.SessionsTable:
		return sessions + "." + c.Name
	case c.Name == "name":
		return "case when e.event_type = 'pageview' and e.name = '' then '" + query.Pageview + "' else e.name end"
	}
	return events + "." + c.Name
}

// condition renders a predicate; it stands alone beside "and", "or" and "not".
func (r *renderer) condition(p *query.Predicate) string {
	switch p.Op {
	case "and", "or":
		parts := make([]string, len(p.Args))
		for i, arg := range p.Args {
			parts[i] = r.condition(arg)
		}
		return "(" + strings.Join(parts, " "+p.Op+" ") + ")"
	case "not":
		return "not " + r.condition(p.Args[0])
	case "done":
		return r.done(p.Args[0])
	case "in":
		return r.in(p)
	case "among":
		list := r.arg(p.Values)
		return fmt.Sprintf(r.d.Among, list, r.column(*p.Column))
	}
	return r.pattern(p)
}

func (r *renderer) in(p *query.Predicate) string {
	if len(p.Values) == 0 {
		return "false"
	}
	text, mark := r.column(*p.Column), "%s"
	if p.Fold {
		text, mark = fmt.Sprintf(r.d.Lower, text), r.d.Lower
	}
	marks := make([]string, len(p.Values))
	for i, value := range p.Values {
		marks[i] = fmt.Sprintf(mark, r.arg(value))
	}
	return text + " in (" + strings.Join(marks, ", ") + ")"
}

// pattern renders contains and matches. "" is displayed as something else, so Empty decides about it.
func (r *renderer) pattern(p *query.Predicate) string {
	alone := r.column(*p.Column)
	text := alone + " <> '' and ("
	if p.Empty {
		text = alone + " = '' or ("
	}
	for i, value := range p.Values {
		if i > 0 {
			text += " or "
		}
		subject := r.column(*p.Column)
		switch {
		case p.Op == "contains" && p.Fold:
			text += fmt.Sprintf(r.d.Contains, fmt.Sprintf(r.d.Lower, subject), fmt.Sprintf(r.d.Lower, r.arg(value)))
		case p.Op == "contains":
			text += fmt.Sprintf(r.d.Contains, subject, r.arg(value))
		case p.Fold:
			text += fmt.Sprintf(r.d.MatchesFold, subject, r.regexp(value, true))
		default:
			text += fmt.Sprintf(r.d.Matches, subject, r.regexp(value, false))
		}
	}
	return "(" + text + "))"
}

// regexp renders a pattern.
func (r *renderer) regexp(pattern string, fold bool) string {
	if r.d.Pattern != nil {
		pattern = r.d.Pattern(pattern, fold)
	}
	return r.arg(pattern)
}

// done renders that the row's session has a counted event in the ranges that fulfils the condition. The subquery's
// aliases are its own.
func (r *renderer) done(inner *query.Predicate) string {
	return "(s.session_id, s.bot_band, s.chain_start) in (select s.session_id, s.bot_band, s.chain_start from events e join " +
		r.sessionsOfEvents() + " where " + strings.Join(r.eventRows(counted), " and ") + " and " + r.condition(inner) + ")"
}

// The event types that a part reads.
const (
	counted    = "e.event_type in ('pageview', 'event')"
	inSession  = "e.event_type in ('pageview', 'event', 'engagement')"
	withScroll = "e.event_type = 'engagement' and e.scroll_depth >= 0"
)

// eventRows renders the conditions on the part's events, without its filters.
func (r *renderer) eventRows(types string) []string {
	return []string{
		"e.website_id = " + r.arg(r.part.WebsiteID),
		"e.bot_band < " + r.arg(int64(r.part.Threshold)),
		types,
		r.ranges("e.timestamp >= %s and e.timestamp < %s"),
	}
}

// sessionRows renders the conditions on the part's sessions, without its filters; in comes behind those on site and band,
// so that its parameters do.
func (r *renderer) sessionRows(in func() string) []string {
	where := []string{"s.website_id = " + r.arg(r.part.WebsiteID)}
	where = append(where, "s.bot_band < "+r.arg(int64(r.part.Threshold)))
	return append(where, in())
}

// ranges renders that one of the part's ranges fulfils the pattern over its start and end.
func (r *renderer) ranges(pattern string) string {
	parts := make([]string, len(r.part.Ranges))
	for i, one := range r.part.Ranges {
		from := r.instant(one.From)
		parts[i] = fmt.Sprintf(pattern, from, r.instant(one.To))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " or ") + ")"
}

// filtered adds the part's filters, its sample and the share; key names the visitor of a row, "" where the rows are cut elsewhere.
func (r *renderer) filtered(rows []string, key string) []string {
	if r.part.Where != nil {
		rows = append(rows, r.condition(r.part.Where))
	}
	if key == "" {
		return rows
	}
	if r.part.Sample > 0 {
		rows = append(rows, fmt.Sprintf("%s %% %d = 0", key, r.part.Sample)) // no parameter: it may be an expression of the engine's key
	}
	return r.shared(rows, key)
}

package sqlgen

import (
	"fmt"
	"strings"

	"github.com/footfall-analytics/footfall/internal/query"
)

// Share is one of several statements that answer a part together: number Number of Of. Their rows add up as those of parts do. The zero
// value stands for the one statement that answers all.
//
// What is shared out is what leaves the least to hold and the numbers right: the sessions where none of the measures counts visitors,
// the visitors where the rows of one are enough for all of it, and the groups else.
type Share struct{ Of, Number int }

// HasShares reports whether a part has shares in the dialect.
func HasShares(part *query.Part, d Dialect) bool {
	r := &renderer{part: part, d: d}
	return d.Hash != "" && !part.View.OfRollups() && (part.View != query.ViewSpans || len(r.keys()) > 0 || r.has(query.VisitorCount))
}

// RenderShare returns the statement of a share, where HasShares.
func RenderShare(part *query.Part, d Dialect, share Share) (sql string, args []any) {
	r := &renderer{part: part, d: d, share: share}
	return r.render(), r.args
}

// shared adds that a row is of the share; key names its visitor.
func (r *renderer) shared(rows []string, key string) []string {
	joined := r.part.View == query.ViewJoined
	switch {
	case r.share.Of == 0:
		return rows
	case r.part.Sample > 0:
		return append(rows, fmt.Sprintf("%s %% %d = %d", key, r.part.Sample*r.share.Of, r.part.Sample*r.share.Number))
	case r.part.View == query.ViewMatched, r.part.View == query.ViewScroll, joined && !r.has(query.VisitorCount):
		return append(rows, r.hashed("e.session_id"), r.hashed("s.session_id"))
	case joined && !r.has(query.EngagedMs): // all rows are of counted events, and a session names the visitors of these
		return append(rows, r.divided(key), "("+r.divided("s.sample_key")+" or "+fmt.Sprintf(r.d.Several, "s.visitors")+")")
	case len(r.keys()) == 0:
		return append(rows, r.divided(key))
	}
	return append(rows, r.hashed(r.groupColumns()...))
}

// groupColumns are columns that make a group, of the events alone where there are some, so that rows are left out before they are joined.
func (r *renderer) groupColumns() (columns []string) {
	time := "e.timestamp"
	if r.part.View == query.ViewSessions {
		time = "s.session_start"
	}
	if r.part.Edges != nil {
		columns = append(columns, r.bucket(time))
	}
	for _, table := range []query.Table{query.EventsTable, query.SessionsTable} {
		for _, c := range r.part.Dimensions {
			if c.Table == table {
				columns = append(columns, r.column(c))
			}
		}
		if len(columns) > 0 && r.part.View == query.ViewJoined {
			break
		}
	}
	return columns
}

// sharedSpans is the same for the rows of ViewSpans.
func (r *renderer) sharedSpans() []string {
	switch keys := r.keys(); {
	case r.share.Of == 0:
		return nil
	case len(keys) > 0:
		return []string{r.hashed(keys...)}
	}
	return []string{r.divided("coalesce(v.visitors, 0)")}
}

func (r *renderer) divided(key string) string {
	return fmt.Sprintf("%s %% %d = %d", key, r.share.Of, r.share.Number)
}

func (r *renderer) hashed(columns ...string) string {
	return r.divided(fmt.Sprintf(r.d.Hash, strings.Join(columns, ", ")))
}

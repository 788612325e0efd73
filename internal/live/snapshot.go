package live

import (
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// topRows is the length of the lists of top values.
const topRows = 10

// Snapshot is the reply of "Real time". Pointers are null when the live store cannot answer.
type Snapshot struct {
	SiteID          string   `json:"site_id"`
	Now             int64    `json:"now"`
	CurrentVisitors *int64   `json:"current_visitors"`
	Minutes         []Minute `json:"minutes"`
	Metrics         *Metrics `json:"metrics"`
	Top             *Top     `json:"top"`
	Available       bool     `json:"available"`
	// Approximate is true where visitors are estimated from a sample, because a site has more than are tracked.
	Approximate bool `json:"approximate,omitempty"`
}

// Minute is one of the last 30.
type Minute struct {
	Start int64 `json:"start"`
	Metrics
}

// Metrics are counts of one minute, or of the last 30.
type Metrics struct {
	ActiveUsers int64 `json:"active_users"`
	Pageviews   int64 `json:"pageviews"`
	Events      int64 `json:"events"`
}

// Top holds the lists of top values.
type Top struct {
	Pages     []TopRow `json:"pages"`
	Sources   []TopRow `json:"sources"`
	Countries []TopRow `json:"countries"`
}

// TopRow is one value and its distinct visitors.
type TopRow struct {
	Value    string `json:"value"`
	Visitors int64  `json:"visitors"`
}

// Realtime returns the last 30 minutes of a site, counted for bands below threshold. A site without events has zeros.
func (h *Hub) Realtime(siteID string, threshold uint8) Snapshot {
	now := h.options.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.snapshot(siteID, threshold, now)
}

func (h *Hub) snapshot(siteID string, threshold uint8, now int64) Snapshot {
	snapshot := Snapshot{SiteID: siteID, Now: now, Available: h.available}
	if !h.available {
		return snapshot
	}
	s := h.sites[siteID]
	if s == nil {
		s = &site{windows: stream.NewWindows(0)} // its current visitors are none, given or not
	}
	current := s.current(now, threshold)
	snapshot.CurrentVisitors = &current
	for start := stream.FirstMinute(now); start <= now; start += stream.MinuteMillis {
		snapshot.Minutes = append(snapshot.Minutes, Minute{start, metricsOf(s.windows.Minute(start, threshold))})
	}
	totals := metricsOf(s.windows.Totals(now, threshold))
	snapshot.Metrics = &totals
	top := topOf(s.windows, now, threshold)
	snapshot.Top = &top
	snapshot.Approximate = s.windows.Approximate()
	return snapshot
}

func metricsOf(t stream.Tally) Metrics { return Metrics{t.Visitors, t.Pageviews, t.Events} }

func topOf(w *stream.Windows, now int64, threshold uint8) Top {
	lists := w.Tops(now, threshold, topRows)
	return Top{rowsOf("event:page", lists[stream.TopPage]), rowsOf("visit:source", lists[stream.TopSource]), rowsOf("visit:country", lists[stream.TopCountry])}
}

// rowsOf names values as the query language does for the dimension.
func rowsOf(dimension string, list []stream.Top) []TopRow {
	rows := make([]TopRow, len(list)) // not nil: an empty list is [] in JSON
	for i, t := range list {
		rows[i] = TopRow{t.Value, t.Visitors}
		if t.Value == "" {
			rows[i].Value = query.Unknown(dimension)
		}
	}
	return rows
}

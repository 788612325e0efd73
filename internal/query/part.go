package query

import "slices"

// View is the way a part reads the store.
type View string

// The views. A session is the row of sessions with the event's website_id, session_id and bot_band and
// chain_start <= timestamp <= session_end; an event of a chain that is no session joins none.
const (
	ViewEvents   View = "events"         // event measures, from events alone
	ViewJoined   View = "events+session" // event measures, from events joined to their session
	ViewSpans    View = "sessions+edges" // the same numbers as ViewJoined without event conditions: from session rows wholly inside a range and bucket, and from the events of the others
	ViewSessions View = "sessions"       // session measures, from sessions that start in the ranges
	ViewMatched  View = "sessions by event"
	ViewScroll   View = "scroll"
	ViewDays     View = "rollup_days"
	ViewQuarters View = "rollup_quarters"
	// The rollups by the minute: their columns are Column{RollupTable, name}, their ranges whole minutes of clean days (UTC).
	ViewPageViews View = "page_views" // event measures, in the event's minute with its session's attributes
	ViewSources   View = "sources"    // session measures, in the minute of the session's start
)

// OfRollups reports whether the view reads rollups.
func (v View) OfRollups() bool {
	return v == ViewDays || v == ViewQuarters || v.ByMinute()
}

// ByMinute reports whether the view reads the rollups by the minute.
func (v View) ByMinute() bool { return v == ViewPageViews || v == ViewSources }

// RollupTable is the table of a column that stands in a rollup: of ViewDays its value, of the rollups by the minute a dimension.
const RollupTable Table = "rollup"

// Range is a half-open span in ms.
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Part is one statement's worth of a plan. Its rows are additive: rows of one group, from one part or several, add up
// (VisitorCount apart, which a plan asks of one part only). The rows' columns are the values of Dimensions, the index of
// the bucket where Edges are given, the Measures, the sums of Products, and where Relative the row's bucket and band.
type Part struct {
	Of         string     `json:"of"` // rows, or total: the visitors that percentages are of
	View       View       `json:"view"`
	WebsiteID  string     `json:"website_id"`
	Threshold  uint8      `json:"threshold"`
	Ranges     []Range    `json:"ranges"`
	Rollup     *string    `json:"rollup,omitempty"` // of ViewDays: the dimension, "" is the total
	Dimensions []Column   `json:"dimensions,omitempty"`
	Edges      []int64    `json:"edges,omitempty"`
	Where      *Predicate `json:"where,omitempty"`
	Measures   []Measure  `json:"measures"`
	// Sample is n when only one visitor in n is read: those with sample_key % n = 0. Rows are not scaled.
	Sample int `json:"sample,omitempty"`
	// Products are pairs of measures of a sample: the sum of a*b over its visitors comes as a double.
	Products [][2]Measure `json:"products,omitempty"`
}

// Relative reports whether the part reads sketches that may be told relative to the total of their day and band.
func (p *Part) Relative() bool {
	return slices.Contains(p.Measures, VisitorSketch) && (p.View == ViewQuarters || p.View == ViewDays && *p.Rollup != "")
}

// Rows are some rows of a part, by columns. They are borrowed: valid until the function they are given to returns.
type Rows struct {
	Len      int
	Values   [][][]byte // by dimension
	Buckets  []int64    // nil without Edges
	Ints     [][]int64  // by measure; nil for the measures that are text or sets
	Texts    [][][]byte // by measure; CurrencyMin, CurrencyMax; VisitorSketch
	Coupons  [][]uint32 // by row, of VisitorCoupons; of VisitorSketch where the store has them instead of a sketch
	Products [][]float64
}

// Reset takes the rows out and leaves their room, for a source that fills the same Rows again and again.
func (r *Rows) Reset() {
	r.Len, r.Buckets, r.Coupons = 0, r.Buckets[:0], r.Coupons[:0]
	for i := range r.Values {
		r.Values[i] = r.Values[i][:0]
	}
	for i := range r.Ints {
		r.Ints[i], r.Texts[i] = r.Ints[i][:0], r.Texts[i][:0]
	}
	for i := range r.Products {
		r.Products[i] = r.Products[i][:0]
	}
}

package query

import "slices"

// Metric is a number that can be asked for.
type Metric string

// The metrics of the language.
const (
	Visitors            Metric = "visitors"
	Visits              Metric = "visits"
	Pageviews           Metric = "pageviews"
	Events              Metric = "events"
	ViewsPerVisit       Metric = "views_per_visit"
	BounceRate          Metric = "bounce_rate"
	VisitDuration       Metric = "visit_duration"
	ScrollDepth         Metric = "scroll_depth"
	TimeOnPage          Metric = "time_on_page"
	Percentage          Metric = "percentage"
	TotalRevenue        Metric = "total_revenue"
	AverageRevenue      Metric = "average_revenue"
	ConversionRate      Metric = "conversion_rate"
	GroupConversionRate Metric = "group_conversion_rate"
)

var metrics = [...]Metric{
	Visitors, Visits, Pageviews, Events, ViewsPerVisit, BounceRate, VisitDuration, ScrollDepth, TimeOnPage, Percentage,
	TotalRevenue, AverageRevenue, ConversionRate, GroupConversionRate,
}

// ofSessions reports whether the metric is made of session rows.
func (m Metric) ofSessions() bool {
	return m == Visits || m == BounceRate || m == VisitDuration || m == ViewsPerVisit
}

// ofPages reports whether the metric is made of engagement events, which know their page and hostname and nothing else
// of an event.
func (m Metric) ofPages() bool { return m == ScrollDepth || m == TimeOnPage }

func (m Metric) ofGoals() bool { return m == ConversionRate || m == GroupConversionRate }

// Measure is an additive number of a part's row, or a set that unites.
type Measure string

// The measures. VisitorSketch stands in rollups only; VisitorCoupons is what rows of events bring to be united with it.
const (
	VisitorCount     Measure = "visitors" // distinct, exact; parts that deliver it are not merged
	VisitorSketch    Measure = "sketch"
	VisitorCoupons   Measure = "coupons"
	PageviewCount    Measure = "pageviews"
	EventCount       Measure = "events"
	EngagedMs        Measure = "engaged_ms"
	RevenueEvents    Measure = "revenue_events"
	RevenueSum       Measure = "revenue"
	CurrencyMin      Measure = "currency_min" // smallest and largest currency of events with revenue, "" without one
	CurrencyMax      Measure = "currency_max"
	VisitCount       Measure = "visits"
	BounceCount      Measure = "bounces"
	DurationMs       Measure = "duration_ms"
	SessionPageviews Measure = "session_pageviews"
	ScrollSum        Measure = "scroll_sum"
	ScrollCount      Measure = "scroll_count"
)

// measuresOf lists what each metric is computed from, its row's existence (a counted event or a visit) included.
var measuresOf = map[Metric][]Measure{
	Visitors:       {VisitorCount, EventCount},
	Percentage:     {VisitorCount, EventCount},
	Pageviews:      {PageviewCount, EventCount},
	Events:         {EventCount},
	TimeOnPage:     {EngagedMs, PageviewCount, EventCount},
	ScrollDepth:    {ScrollSum, ScrollCount, EventCount},
	TotalRevenue:   {RevenueEvents, RevenueSum, CurrencyMin, CurrencyMax, EventCount},
	AverageRevenue: {RevenueEvents, RevenueSum, CurrencyMin, CurrencyMax, EventCount},
	Visits:         {VisitCount},
	BounceRate:     {VisitCount, BounceCount},
	VisitDuration:  {VisitCount, DurationMs},
	ViewsPerVisit:  {VisitCount, SessionPageviews},
}

// measureOrder is the order of measures in a part.
var measureOrder = [...]Measure{
	VisitorCount, VisitorSketch, VisitorCoupons, PageviewCount, EventCount, EngagedMs, RevenueEvents, RevenueSum,
	CurrencyMin, CurrencyMax, VisitCount, BounceCount, DurationMs, SessionPageviews, ScrollSum, ScrollCount,
}

// OfSessions reports whether the measure is summed over session rows.
func (m Measure) OfSessions() bool {
	return m == VisitCount || m == BounceCount || m == DurationMs || m == SessionPageviews
}

// ofScroll reports whether the measure comes from the depths per session and page.
func (m Measure) ofScroll() bool { return m == ScrollSum || m == ScrollCount }

// IsText reports whether the measure's column holds text.
func (m Measure) IsText() bool { return m == CurrencyMin || m == CurrencyMax }

// measures returns what the metrics need, each once, in measureOrder.
func measures(of []Metric) []Measure {
	var out []Measure
	for _, measure := range measureOrder {
		if slices.ContainsFunc(of, func(m Metric) bool { return slices.Contains(measuresOf[m], measure) }) {
			out = append(out, measure)
		}
	}
	return out
}

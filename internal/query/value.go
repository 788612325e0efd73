package query

import (
	"math"

	"github.com/footfall-analytics/footfall/internal/event"
)

// value is a metric of one row. A null has no number.
type value struct {
	number float64
	null   bool
}

// answer is what values are computed from besides their group.
type answer struct {
	*merger
	scale float64 // of sums: n of a sample of one visitor in n
	total float64 // visitors that percentages are of
}

// value computes a metric. Rates of no visits are 0; means of nothing are null.
func (a *answer) value(g *group, m Metric) value {
	sum := func(of Measure) float64 { return float64(g.sum(of)) }
	switch m {
	case Visitors:
		return value{number: a.visitors(g)}
	case Percentage:
		return value{number: ratio(100*a.visitors(g), a.total).number}
	case Pageviews, Events, Visits:
		return value{number: a.scale * sum(countOf[m])}
	case BounceRate:
		return value{number: ratio(100*sum(BounceCount), sum(VisitCount)).number}
	case VisitDuration:
		return value{number: ratio(sum(DurationMs), sum(VisitCount)*1000).number}
	case ViewsPerVisit:
		return value{number: ratio(sum(SessionPageviews), sum(VisitCount)).number}
	case TimeOnPage:
		return ratio(sum(EngagedMs), sum(PageviewCount)*1000)
	case ScrollDepth:
		return ratio(sum(ScrollSum), sum(ScrollCount))
	case TotalRevenue:
		return g.money(value{number: a.scale * sum(RevenueSum) / moneyUnit})
	case AverageRevenue:
		return g.money(ratio(sum(RevenueSum), sum(RevenueEvents)*moneyUnit))
	}
	return value{null: true}
}

// moneyUnit is the number of stored units in one of the currency.
const moneyUnit = 10_000

var countOf = map[Metric]Measure{Pageviews: PageviewCount, Events: EventCount, Visits: VisitCount}

func ratio(of, by float64) value {
	if by == 0 {
		return value{null: true}
	}
	return value{number: of / by}
}

// money is null without revenue and over several currencies.
func (g *group) money(v value) value {
	if g.currency[0] == "" || g.mixed() {
		return value{null: true}
	}
	return v
}

func (g *group) mixed() bool {
	return g.currency[0] != g.currency[1] || g.currency[0] == event.MixedCurrency
}

// visitors is a whole number, whether counted or estimated.
func (a *answer) visitors(g *group) float64 {
	if g.visitors != nil {
		return math.Round(g.visitors.Estimate())
	}
	return a.scale * float64(g.sum(VisitorCount))
}

// present reports whether the group is a row of the answer: it has a counted event or a visit.
func (g *group) present() bool { return g.sum(EventCount) > 0 || g.sum(VisitCount) > 0 }

// interval returns the 95 % interval of a metric; false where the value is exact.
func (a *answer) interval(g *group, m Metric) (low, high float64, estimated bool) {
	v := a.value(g, m)
	switch {
	case v.null:
		return 0, 0, false
	case m == Visitors || m == Percentage:
		return a.visitorInterval(g, m)
	case a.scale == 1:
		return v.number, v.number, false
	}
	pair := productsOf[m]
	if pair[1] == "" {
		scale := v.number / max(float64(g.sum(pair[0])), 1)
		low, high = around(v.number, scale*math.Sqrt(a.dropped()*a.product(g, pair[0], pair[0])))
		return low, high, true
	}
	x := float64(g.sum(pair[1]))
	r := float64(g.sum(pair[0])) / x
	squares := a.product(g, pair[0], pair[0]) - 2*r*a.product(g, pair[0], pair[1]) + r*r*a.product(g, pair[1], pair[1])
	deviation := math.Sqrt(a.dropped()*max(squares, 0)) / x
	if r > 0 {
		deviation *= v.number / r // the metric's unit
	}
	low, high = around(v.number, deviation)
	return low, high, true
}

// dropped is the share of visitors outside the sample: the factor between the squares over the sampled visitors and the
// variance of their sum.
func (a *answer) dropped() float64 { return 1 - 1/a.scale }

func (a *answer) visitorInterval(g *group, m Metric) (low, high float64, estimated bool) {
	switch {
	case g.visitors != nil:
		low, high = g.visitors.Bounds95()
	case a.scale > 1:
		n := float64(g.sum(VisitorCount))
		low, high = around(a.scale*n, a.scale*math.Sqrt(a.dropped()*n))
		low = max(low, n)
	default:
		return 0, 0, false
	}
	if m == Percentage {
		low, high = 100*ratio(low, a.total).number, 100*ratio(high, a.total).number
	}
	return low, high, true
}

// around is the 95 % interval of a value that is never negative.
func around(value, deviation float64) (low, high float64) {
	return max(value-1.96*deviation, 0), value + 1.96*deviation
}

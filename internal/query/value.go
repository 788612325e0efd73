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
	whole *group  // those visitors

	pools map[Metric]pool // of a sample, by metric: see interval.go
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

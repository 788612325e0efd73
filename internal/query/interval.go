package query

import "math"

// normal95 is the number of standard deviations in 95 % of a normal distribution.
const normal95 = 1.96

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
		low, high = a.sumInterval(g, m, pair[0])
	} else {
		low, high = a.ratioInterval(g, m, v.number, pair)
	}
	return low, high, true
}

// dropped is the share of visitors outside the sample: the factor between the squares over the sampled visitors and the
// variance of their sum.
func (a *answer) dropped() float64 { return 1 - 1/a.scale }

// counted returns the interval of the mean that a count of n was drawn with, by Byar's approximation of the exact one of Poisson's
// distribution: about n +- deviations * sqrt(n) where n is large, and right where it is small. n need not be whole.
func counted(n, deviations float64) (low, high float64) {
	if n > 0 {
		low = n * cube(max(0, 1-1/(9*n)-deviations/(3*math.Sqrt(n))))
	}
	n++
	return low, n * cube(1-1/(9*n)+deviations/(3*math.Sqrt(n)))
}

func cube(x float64) float64 { return x * x * x }

// pool is what all groups of a sample say together about a metric: what a group of few visitors is judged by, as it cannot say
// itself how much its visitors differ.
type pool struct {
	size    float64 // of a visitor, as a unit of the sum meets it: the sum of squares by the sum
	ratio   float64 // of the sums
	squares float64 // of the deviations from that ratio, by the squares of what it is a ratio to
}

func (a *answer) pool(m Metric) pool {
	if p, ok := a.pools[m]; ok {
		return p
	}
	if a.pools == nil {
		a.pools = map[Metric]pool{}
	}
	p := a.poolOf(productsOf[m])
	a.pools[m] = p
	return p
}

func (a *answer) poolOf(pair [2]Measure) (p pool) {
	of, to := pair[0], pair[1]
	if to == "" {
		to = of
	}
	var x, xx, y, yy, xy float64
	for _, g := range a.groups {
		x, y = x+float64(g.sum(to)), y+float64(g.sum(of))
		xx, xy, yy = xx+a.product(g, to, to), xy+a.product(g, of, to), yy+a.product(g, of, of)
	}
	if x > 0 && xx > 0 {
		p.size, p.ratio = xx/x, y/x
		p.squares = max(0, yy-2*p.ratio*xy+p.ratio*p.ratio*xx) / xx
	}
	return p
}

// leftOver returns the sum of (y - r*x)^2 over the group's sampled visitors, where r is the group's ratio.
func (a *answer) leftOver(g *group, of, to Measure) float64 {
	r := float64(g.sum(of)) / float64(g.sum(to))
	return max(0, a.product(g, of, of)-2*r*a.product(g, of, to)+r*r*a.product(g, to, to))
}

// priorVisitors is how many visitors the pool counts for beside those of the group.
const priorVisitors = 2

// sumInterval takes the sum for a count of as many visitors, all of one size, as would vary as much.
func (a *answer) sumInterval(g *group, m Metric, of Measure) (low, high float64) {
	sum, squares, pool := float64(g.sum(of)), a.product(g, of, of), a.pool(m)
	size := 1.0
	if pool.size > 0 {
		size = (squares + priorVisitors*pool.size*pool.size) / (math.Abs(sum) + priorVisitors*pool.size)
	}
	low, high = counted(math.Abs(sum)/size, normal95*math.Sqrt(a.dropped()))
	low, high = max(low*size*a.scale, math.Abs(sum)), high*size*a.scale // at least what was seen
	if sum < 0 {
		low, high = -high, -low
	}
	if m == TotalRevenue {
		low, high = low/moneyUnit, high/moneyUnit
	}
	return low, high
}

// ratioInterval is Student's, with the deviations of the group's visitors and of some more that are as those of the pool.
func (a *answer) ratioInterval(g *group, m Metric, number float64, pair [2]Measure) (low, high float64) {
	x, pool := float64(g.sum(pair[1])), a.pool(m)
	unit := unitOf(m)
	if x == 0 {
		return 0, bounded(m, unit*(pool.ratio+2*normal95*math.Sqrt(pool.squares)))
	}
	xx := a.product(g, pair[1], pair[1])
	n := x * x / xx // visitors, all of one size, that would vary as much
	prior := priorVisitors * pool.size * pool.size
	squares := (a.leftOver(g, pair[0], pair[1]) + pool.squares*prior) / (xx*(1-1/n) + prior)
	if prior == 0 {
		squares = 0
	}
	deviation := unit * math.Sqrt(a.dropped()*squares/n) * student95(n-1+priorVisitors) / normal95
	low, high = around(number, deviation)
	switch {
	case m == BounceRate && n < fewVisitors:
		l, h := shareInterval(number/100, n, a.dropped())
		low, high = min(low, 100*l), max(high, 100*h)
	case m != BounceRate && m != ScrollDepth && number > 0: // who stays or pays most is seldom in a sample: towards e^d
		d := normal95 * deviation
		high += min(d, d*d/(2*number))
	}
	return low, bounded(m, high)
}

// fewVisitors are too few to show by themselves how much they differ.
const fewVisitors = 30

// unitOf is the metric of a ratio of 1.
func unitOf(m Metric) float64 {
	switch m {
	case BounceRate:
		return 100
	case VisitDuration, TimeOnPage:
		return 1.0 / 1000
	case AverageRevenue:
		return 1.0 / moneyUnit
	}
	return 1
}

// bounded cuts percents at 100.
func bounded(m Metric, high float64) float64 {
	if m == BounceRate || m == ScrollDepth || m == Percentage {
		return min(high, 100)
	}
	return high
}

// shareInterval is Agresti and Coull's interval of a share of n: it has a width where all of them are alike.
func shareInterval(share, n, dropped float64) (low, high float64) {
	m := n + 4
	p := (share*n + 2) / m
	deviation := math.Sqrt(dropped * p * (1 - p) / m)
	return max(0, p-normal95*deviation), min(1, p+normal95*deviation)
}

// student95 is the number of standard deviations in 95 % of Student's distribution, by the first terms of its expansion around
// the normal one; good from 2 degrees of freedom on.
func student95(freedom float64) float64 {
	const z = normal95
	v := max(freedom, 1)
	return z + (z*z*z+z)/(4*v) + (5*z*z*z*z*z+16*z*z*z+3*z)/(96*v*v) + (3*math.Pow(z, 7)+19*math.Pow(z, 5)+17*z*z*z-15*z)/(384*v*v*v)
}

func (a *answer) visitorInterval(g *group, m Metric) (low, high float64, estimated bool) {
	switch {
	case g.visitors != nil && m == Percentage:
		low, high = a.shareOfSketches(g)
	case g.visitors != nil:
		low, high = g.visitors.Bounds95()
	case a.scale > 1:
		low, high = a.sampledVisitors(g, m)
	default:
		return 0, 0, false
	}
	return low, bounded(m, high), true
}

// sampledVisitors counts visitors, or their share of the total's, in which they are contained.
func (a *answer) sampledVisitors(g *group, m Metric) (low, high float64) {
	n, total := float64(g.sum(VisitorCount)), a.total/a.scale
	if m == Visitors {
		low, high = counted(n, normal95*math.Sqrt(a.dropped()))
		return max(a.scale*low, n), a.scale * high
	}
	if total == 0 {
		return 0, 0
	}
	low, high = counted(n, normal95*math.Sqrt(a.dropped()*max(0, 1-n/total)))
	return 100 * min(low, n) / total, 100 * max(high, n) / total
}

// shareOfSketches adds up the relative errors of both sketches. That they have visitors in common makes the error less, not more.
func (a *answer) shareOfSketches(g *group) (low, high float64) {
	part, whole := g.visitors.Estimate(), a.total
	if part == 0 || whole == 0 || a.whole == nil || a.whole.visitors == nil {
		return 0, 0
	}
	partLow, partHigh := g.visitors.Bounds95()
	wholeLow, wholeHigh := a.whole.visitors.Bounds95()
	share := 100 * part / whole
	down := math.Hypot((part-partLow)/part, (wholeHigh-whole)/whole)
	up := math.Hypot((partHigh-part)/part, (whole-wholeLow)/whole)
	return max(0, share*(1-down)), share * (1 + up)
}

// around is the 95 % interval of a value; none is negative but that of refunds.
func around(value, deviation float64) (low, high float64) {
	low, high = value-normal95*deviation, value+normal95*deviation
	if value >= 0 {
		low = max(low, 0)
	}
	return low, high
}

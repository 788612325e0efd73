package query

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/sketch"
)

// person is one visitor of a group and what he did there.
type person struct {
	id   string
	sums [len(measureOrder)]float64
}

// crowd makes the visitors of a group: most do little, few do much. mood sets the group's own habits.
func crowd(r *rand.Rand, group, n int) []person {
	mood := 0.5 + r.Float64()
	people := make([]person, n)
	for i := range people {
		p := &people[i]
		p.id = fmt.Sprintf("visitor-%d-%d", group, i)
		set := func(m Measure, value float64) { p.sums[slot(m)] = value }
		visits := math.Ceil(mood * r.ExpFloat64() * 2)
		bounces, views, duration := 0.0, 0.0, 0.0
		for range int(visits) {
			if r.Float64() < 0.45*mood {
				bounces++
				views++
				continue
			}
			pages := 2 + math.Floor(r.ExpFloat64()*3*mood)
			views += pages
			duration += math.Floor(pages * 20_000 * math.Exp(r.NormFloat64()*0.9))
		}
		set(VisitCount, visits)
		set(BounceCount, bounces)
		set(PageviewCount, views)
		set(SessionPageviews, views)
		set(EventCount, views)
		set(DurationMs, duration)
		set(EngagedMs, math.Floor(duration*r.Float64()))
		if buys := math.Floor(r.ExpFloat64() * 0.7); buys > 0 {
			set(RevenueEvents, buys)
			set(RevenueSum, buys*math.Floor(200_000*math.Exp(r.NormFloat64()*0.7)))
		}
		set(VisitorCount, 1)
	}
	return people
}

// sampledSource answers from one visitor in ten, as the engines do: sums and sums of products by group.
func sampledSource(r *rand.Rand, groups [][]person) func(context.Context, []Part, func(int, *Rows) error) error {
	chosen := make([][]person, len(groups))
	for i, people := range groups {
		for _, p := range people {
			if r.IntN(SampleOneIn) == 0 {
				chosen[i] = append(chosen[i], p)
			}
		}
	}
	return func(_ context.Context, parts []Part, yield func(int, *Rows) error) error {
		for at := range parts {
			part := &parts[at]
			rows := &Rows{Values: make([][][]byte, len(part.Dimensions)), Ints: make([][]int64, len(part.Measures)), Texts: make([][][]byte, len(part.Measures)), Products: make([][]float64, len(part.Products))}
			for i, people := range chosen {
				if len(people) == 0 {
					continue
				}
				if rows.Len == 0 || len(part.Dimensions) > 0 {
					rows.Len++
					for d := range rows.Values {
						rows.Values[d] = append(rows.Values[d], fmt.Appendf(nil, "g%d", i))
					}
					for m := range rows.Ints {
						if part.Measures[m].IsText() {
							rows.Texts[m] = append(rows.Texts[m], []byte("EUR"))
						} else {
							rows.Ints[m] = append(rows.Ints[m], 0)
						}
					}
					for p := range rows.Products {
						rows.Products[p] = append(rows.Products[p], 0)
					}
				}
				for _, one := range people {
					for m, measure := range part.Measures {
						if rows.Ints[m] != nil {
							rows.Ints[m][rows.Len-1] += int64(one.sums[slot(measure)])
						}
					}
					for p, pair := range part.Products {
						rows.Products[p][rows.Len-1] += one.sums[slot(pair[0])] * one.sums[slot(pair[1])]
					}
				}
			}
			if err := yield(at, rows); err != nil {
				return err
			}
		}
		return nil
	}
}

// truth is a metric of a group, from everybody.
func truth(people []person, m Metric, everybody int) float64 {
	sum := func(of Measure) (total float64) {
		for _, p := range people {
			total += p.sums[slot(of)]
		}
		return total
	}
	switch m {
	case Visitors:
		return float64(len(people))
	case Percentage:
		return 100 * float64(len(people)) / float64(everybody)
	case Pageviews:
		return sum(PageviewCount)
	case Visits:
		return sum(VisitCount)
	case BounceRate:
		return 100 * sum(BounceCount) / sum(VisitCount)
	case VisitDuration:
		return sum(DurationMs) / 1000 / sum(VisitCount)
	case ViewsPerVisit:
		return sum(SessionPageviews) / sum(VisitCount)
	case TimeOnPage:
		return sum(EngagedMs) / 1000 / sum(PageviewCount)
	case TotalRevenue:
		return sum(RevenueSum) / moneyUnit
	case AverageRevenue:
		return sum(RevenueSum) / moneyUnit / sum(RevenueEvents)
	}
	return math.NaN()
}

// sizesOf draws how many visitors each group has: from least to most, as many of each order of magnitude.
func sizesOf(r *rand.Rand, groups int, least, most float64) []int {
	sizes := make([]int, groups)
	for i := range sizes {
		sizes[i] = int(least * math.Pow(most/least, r.Float64()))
	}
	return sizes
}

// hits counts the groups of an answer, and those whose intervals hold the truth, by metric.
func hits(t *testing.T, reply *Reply, groups [][]person) (shown, held map[Metric]int) {
	t.Helper()
	everybody := 0
	for _, people := range groups {
		everybody += len(people)
	}
	shown, held = map[Metric]int{}, map[Metric]int{}
	for row, result := range reply.Results {
		var group int
		if _, err := fmt.Sscanf(result.Dimensions[0], "g%d", &group); err != nil {
			t.Fatal(err)
		}
		for i, m := range reply.Query.Metrics {
			interval, ok := reply.Meta.Error[m]
			if result.Metrics[i] == nil {
				continue
			}
			if !ok {
				t.Fatalf("%s has no interval", m)
			}
			shown[m]++
			if want := truth(groups[group], m, everybody); interval.Low[row] <= want && want <= interval.High[row] {
				held[m]++
			}
		}
	}
	return shown, held
}

const coveredMetrics = "visitors,percentage,visits,pageviews,bounce_rate,visit_duration,views_per_visit,time_on_page,total_revenue,average_revenue"

// The stated 95 % intervals hold the truth in at least 93 % of the groups that are shown, large ones and small ones, in a sample.
func TestIntervalsOfSamples(t *testing.T) {
	f := func(name string, seeds uint64, least, most float64) {
		t.Helper()
		shown, held := map[Metric]int{}, map[Metric]int{}
		for seed := range seeds {
			r := rand.New(rand.NewPCG(seed, 17))
			var groups [][]person
			for i, n := range sizesOf(r, 120, least, most) {
				groups = append(groups, crowd(r, i, n))
			}
			f := &fakeStore{run: sampledSource(r, groups), facts: Facts{Estimate: SampleAbove + 1}}
			body := fmt.Sprintf(`{"site_id":"s","date_range":"7d","dimensions":["visit:os"],"metrics":["%s"]}`, strings.ReplaceAll(coveredMetrics, ",", `","`))
			reply := ask(t, fakeEngine(t, f, 0), body)
			s, h := hits(t, reply, groups)
			for m := range s {
				shown[m], held[m] = shown[m]+s[m], held[m]+h[m]
			}
		}
		for text := range strings.SplitSeq(coveredMetrics, ",") {
			m := Metric(text)
			share := float64(held[m]) / float64(shown[m])
			t.Logf("%-8s %-16s %4d of %4d: %.1f %%", name, m, held[m], shown[m], 100*share)
			if shown[m] < 200 || share < 0.93 {
				t.Errorf("%s: the interval of %s holds the truth in %d of %d groups, want 93 %%", name, m, held[m], shown[m])
			}
		}
	}
	f("large", 6, 1000, 5000)
	f("middle", 6, 200, 2000)
	f("small", 6, 20, 200)
	f("mixed", 6, 10, 5000)
	f("tiny", 12, 2, 20)
}

// So do those of sketches: visitors, and their share of the total's.
func TestIntervalsOfSketches(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	sizes := sizesOf(r, 400, 400, 30_000)
	groups := make([][]person, len(sizes))
	run := func(_ context.Context, parts []Part, yield func(int, *Rows) error) error {
		for at := range parts {
			part := &parts[at]
			rows := &Rows{Values: make([][][]byte, len(part.Dimensions)), Ints: make([][]int64, len(part.Measures)), Texts: make([][][]byte, len(part.Measures))}
			whole := sketch.New()
			add := func(value string, of *sketch.Sketch) {
				rows.Len++
				for d := range rows.Values {
					rows.Values[d] = append(rows.Values[d], []byte(value))
				}
				rows.Texts[0] = append(rows.Texts[0], of.AppendBinary(nil))
				rows.Ints[1] = append(rows.Ints[1], 1)
			}
			for i, n := range sizes {
				one := sketch.New()
				for v := range n {
					one.Add(sketch.Coupon(fmt.Sprintf("visitor-%d-%d", i, v)))
				}
				groups[i] = make([]person, n)
				whole.Merge(one)
				if len(part.Dimensions) > 0 {
					add(fmt.Sprintf("g%d", i), one)
				}
			}
			if len(part.Dimensions) == 0 {
				add("", whole)
			}
			if err := yield(at, rows); err != nil {
				return err
			}
		}
		return nil
	}
	f := &fakeStore{run: run, facts: Facts{Rollups: ByMinute, Clean: []Range{{0, testNow.UnixMilli()}}}}
	reply := ask(t, fakeEngine(t, f, 0), `{"site_id":"s","date_range":"30d","dimensions":["visit:source"],"metrics":["visitors","percentage"]}`)
	shown, held := hits(t, reply, groups)
	for m := range shown {
		t.Logf("%s: %d of %d", m, held[m], shown[m])
		if share := float64(held[m]) / float64(shown[m]); shown[m] < 200 || share < 0.93 {
			t.Errorf("the interval of %s holds the truth in %d of %d groups, want 93 %%", m, held[m], shown[m])
		}
	}
}

package demo

import (
	"math/rand/v2"
	"sort"
)

// picker chooses an index at random by weight.
type picker struct{ sums []float64 }

// newPicker returns a picker over n indexes. At least one weight must be above 0.
func newPicker(n int, weight func(i int) float64) picker {
	sums, sum := make([]float64, n), 0.0
	for i := range sums {
		sum += weight(i)
		sums[i] = sum
	}
	return picker{sums}
}

func (p picker) pick(rng *rand.Rand) int {
	at := rng.Float64() * p.sums[len(p.sums)-1]
	return sort.Search(len(p.sums)-1, func(i int) bool { return p.sums[i] > at })
}

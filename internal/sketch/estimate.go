package sketch

import "math"

// Estimate returns about how many visitors the sketch holds: the estimate of a DataSketches union's result, to the last digit.
func (s *Sketch) Estimate() float64 {
	if s.registers == nil {
		return couponEstimate(s.count)
	}
	return s.sums().composite()
}

// mostFactor is how many times its visitors a sketch of many can be estimated at. The estimate is over when the sum of the
// registers' 2^-value is under its mean: by Chernoff's bound for a sum of positive terms, here with a mean square of at most 2.1
// times the square of the mean, it is a third under with a probability of exp(-(1/3)^2 * 4096 / 4.2) = 1e-47.
const mostFactor = 1.5

// Most returns a number that the estimate of a sketch of at most that many visitors does not exceed. It is for skipping what
// cannot be much; ids made up to have high coupons can beat it.
func Most(visitors int64) float64 {
	if visitors <= maxCoupons {
		return couponEstimate(int(visitors))
	}
	return mostFactor * float64(visitors)
}

// Relative errors of two standard deviations: of a composite estimate at lgK 12, measured by the DataSketches project,
// and of a count of coupons, whose addresses of 26 bits may coincide.
const (
	composite95Low  = 0.032825719
	composite95High = -0.031827816
	coupon95        = 2 * 0.409 / (1 << (addressBits / 2))
)

// Bounds95 returns the interval that holds the true number with 95 % probability.
func (s *Sketch) Bounds95() (low, high float64) {
	if s.registers == nil {
		estimate := couponEstimate(s.count)
		return max(estimate/(1+coupon95), float64(s.count)), estimate / (1 - coupon95)
	}
	sums := s.sums()
	estimate := sums.composite()
	nonZero := float64(registerCount - sums.zeros) // so many there are at least
	return max(estimate/(1+composite95Low), nonZero), estimate / (1 + composite95High)
}

// Expected number of coupons for a number of visitors. Beyond 400 only the shape matters: it bends the last piece.
var (
	couponX = [...]float64{0, 1, 20, 400, 8000}
	couponY = [...]float64{0, 1, 20.00000094374026, 400.0003963713384, 8000.158929460209}
)

func couponEstimate(count int) float64 {
	x, from := float64(count), 0
	if x >= couponX[2] {
		from = 1
	}
	estimate := cubic([4]float64(couponX[from:]), [4]float64(couponY[from:]), x)
	return max(estimate, x)
}

// registerSums are the sums that estimates are made of. All additions are exact: powers of two within 43 bits.
type registerSums struct {
	low, high float64 // sum of 2^-value for values below 32 and from 32 on
	zeros     int
}

func (s *Sketch) sums() registerSums {
	var counts [256]int // of registers by value
	for _, value := range s.registers {
		counts[value]++
	}
	sums := registerSums{zeros: counts[0]}
	for value, count := range counts[:maxValue+1] {
		term := math.Ldexp(float64(count), -value)
		if value < 32 {
			sums.low += term
		} else {
			sums.high += term
		}
	}
	return sums
}

// composite corrects the bias of the raw estimate by a measured curve and prefers to count empty registers while there are many.
func (r registerSums) composite() float64 {
	const k = registerCount
	raw := (0.7213 / (1 + 1.079/k)) * k * k / (r.low + r.high)
	adjusted := unbias(raw)
	if adjusted > 3*k {
		return adjusted
	}
	linear := r.linear()
	if (adjusted+linear)/2 > 0.64*k {
		return adjusted
	}
	return linear
}

// compositeStride is the distance of the points of compositeX on the corrected axis.
const compositeStride = 160.0

func unbias(raw float64) float64 {
	last := len(compositeX) - 1
	switch {
	case raw < compositeX[0]:
		return 0
	case raw > compositeX[last]:
		return raw * (compositeStride * float64(last) / compositeX[last])
	case raw == compositeX[last]:
		return compositeStride * float64(last)
	}
	piece := 0
	for high := last; high-piece > 1; {
		if middle := (piece + high) / 2; compositeX[middle] <= raw {
			piece = middle
		} else {
			high = middle
		}
	}
	from := min(max(piece-1, 0), last-3)
	var y [4]float64
	for i := range y {
		y[i] = compositeStride * float64(from+i)
	}
	return cubic([4]float64(compositeX[from:from+4]), y, raw)
}

// linear estimates from the number of registers that are still empty.
func (r registerSums) linear() float64 {
	const k = registerCount
	if r.zeros == 0 {
		return k * math.Log(k/0.5)
	}
	return k * (harmonic(k) - harmonic(r.zeros))
}

// harmonic returns the sum of 1/i for i = 1 to n.
func harmonic(n int) float64 {
	if n < 25 {
		sum := 0.0
		for i := 1; i <= n; i++ {
			sum += 1 / float64(i)
		}
		return sum
	}
	const gamma = 0.577215664901532860606512090082402431042159335
	x := float64(n)
	inverse := 1 / (x * x)
	sum := math.Log(x) + gamma + 1/(2*x)
	power := inverse
	sum -= float64(power * (1.0 / 12)) // the conversions forbid fused operations, whose digits differ
	power *= inverse
	sum += float64(power * (1.0 / 120))
	power *= inverse
	sum -= float64(power * (1.0 / 252))
	power *= inverse
	return sum + float64(power*(1.0/240))
}

// cubic returns at x the cubic through four points, in Lagrange's form.
func cubic(xs, ys [4]float64, x float64) float64 {
	sum := 0.0
	for i := range xs {
		above, below := 1.0, 1.0
		for j := range xs {
			if j != i {
				above *= x - xs[j]
				below *= xs[i] - xs[j]
			}
		}
		sum += float64(ys[i]*above) / below
	}
	return sum
}

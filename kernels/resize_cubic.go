package kernels

import (
	"math"

	"github.com/infer-go/infer/asm"
)

// cubic is the sample of a coordinate of a map that has size rows or columns: a
// weighted sum of those with a weight, four at most. With ExcludeOutside, a
// coordinate so far outside that no neighbour is left has none, and its results
// are 0.
func (r *Resize) cubic(x float64, size int) (s asm.Sample) {
	low := math.Floor(x)
	weights := cubicWeights(x-low, float64(r.CubicA))
	// Farther away than this, all neighbours are outside; a float beyond the
	// integers must not become one.
	first := int(min(max(low, -4), float64(size)+4)) - 1
	sum := 1.0
	if r.ExcludeOutside {
		sum = 0
		for t := range weights {
			if at := first + t; at < 0 || at >= size {
				weights[t] = 0
			}
			sum += weights[t]
		}
	}
	for t, w := range weights {
		// A row without weight is not looked at: if it held an infinity, the sum
		// would be NaN.
		if w != 0 {
			s.At[s.Taps] = min(max(first+t, 0), size-1)
			s.Weight[s.Taps] = float32(w / sum)
			s.Taps++
		}
	}
	return s
}

// cubicWeights are Keys' weights of four neighbours; x is the distance from
// the second, 0 ≤ x < 1. Every product is rounded, so that no compiler fuses
// it with a sum, and all processors agree.
func cubicWeights(x, a float64) [4]float64 {
	near := func(d float64) float64 { // 0 ≤ d ≤ 1
		p := float64((a+2)*d) - (a + 3)
		return float64(float64(p*d)*d) + 1
	}
	far := func(d float64) float64 { // 1 ≤ d ≤ 2; a·(d³ − 5d² + 8d − 4) in factors
		return float64(float64(a*(d-1)) * float64((d-2)*(d-2)))
	}
	return [4]float64{far(1 + x), near(x), near(1 - x), far(2 - x)}
}

package kernels

import "math"

// A cubicSample is where a result's row or column comes from: the weighted sum
// of the operand's with a weight, at most four.
type cubicSample struct {
	at     [4]int
	weight [4]float64
	taps   int
}

// cubicSamples are where the rows (i = 0) or columns (i = 1) come from, of a
// map that has size of them. With ExcludeOutside, a coordinate so far outside
// that no neighbour is left has no samples, and its results are 0.
func (r *Resize) cubicSamples(i, size int) []cubicSample {
	s := make([]cubicSample, r.Size[i])
	for o := range s {
		x := r.coordinate(i, size, o)
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
			// A row without weight is not looked at: if it held an infinity, the
			// sum would be NaN.
			if w != 0 {
				s[o].at[s[o].taps] = min(max(first+t, 0), size-1)
				s[o].weight[s[o].taps] = w / sum
				s[o].taps++
			}
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

// cubicOp is a Resize with Cubic. A task is a row of results.
type cubicOp struct {
	scratchless
	maps, height, width, channels int
	rows, cols                    []cubicSample
}

func (op *cubicOp) Tasks(n int) int { return n * op.maps * len(op.rows) }

func (op *cubicOp) Run(_ *Workspace, in, out [][]byte, n, lo, hi int) {
	operand, result := floats(in[0]), floats(out[0])
	item := op.height * op.width * op.channels
	for task := lo; task < hi; task++ {
		x := operand[task/len(op.rows)*item:][:item]
		dst := result[task*len(op.cols)*op.channels:]
		row := &op.rows[task%len(op.rows)]
		for o := range op.cols {
			op.pixel(dst[o*op.channels:][:op.channels], x, row, &op.cols[o])
		}
	}
}

// pixel is the weighted sum of up to 16 pixels.
func (op *cubicOp) pixel(dst, x []float32, row, col *cubicSample) {
	for c := range dst {
		sum := 0.0
		for i, h := range row.at[:row.taps] {
			line := 0.0
			for j, w := range col.at[:col.taps] {
				line += float64(float64(x[(h*op.width+w)*op.channels+c]) * col.weight[j])
			}
			sum += float64(line * row.weight[i])
		}
		dst[c] = float32(sum)
	}
}

package onnx

import (
	"math"
	"testing"
)

// TestVolumes convolves and pools in three dimensions, with strides, dilation
// and padding that differ in each.
func TestVolumes(t *testing.T) {
	window := []attr{{"strides", []int64{2, 1, 2}}, {"pads", []int64{1, 0, 1, 1, 1, 0}}}
	// at is element (ci, d, h, w) of a volume [1, 2, 5, 4, 6], or what is outside.
	at := func(x []float64, ci, d, h, w int, outside float64) float64 {
		if d < 0 || d >= 5 || h < 0 || h >= 4 || w < 0 || w >= 6 {
			return outside
		}
		return x[((ci*5+d)*4+h)*6+w]
	}
	weights := make([]float32, 3*2*3*2*2)
	for i := range weights {
		weights[i] = float32(i*31%17)/8 - 1
	}
	m := newModel(13)
	m.floats("w", []int{3, 2, 3, 2, 2}, weights...)
	m.floats("b", []int{3}, 1, -2, 0.5)
	m.node("Conv", "x0 w b", "y", append(window, attr{"dilations", []int64{1, 2, 1}})...)
	runsTo(t, m, [][]int{{1, 2, 5, 4, 6}}, []int{1, 3, 3, 3, 3}, func(in [][]float64) (y []float64) {
		for o := range 3 {
			for i := range 27 {
				sum := []float64{1, -2, 0.5}[o]
				for k := range 24 {
					ci, d, h, w := k/12, k/4%3, k/2%2, k%2
					sum += float64(weights[o*24+k]) * at(in[0], ci, i/9*2+d-1, i/3%3+2*h, i%3*2+w-1, 0)
				}
				y = append(y, sum)
			}
		}
		return y
	})
	for op, outside := range map[string]float64{"MaxPool": math.Inf(-1), "AveragePool": 0} {
		m := newModel(13)
		attrs := append(window, attr{"kernel_shape", []int64{3, 2, 2}})
		if op == "AveragePool" {
			attrs = append(attrs, attr{"count_include_pad", 1})
		}
		m.node(op, "x0", "y", attrs...)
		runsTo(t, m, [][]int{{1, 2, 5, 4, 6}}, []int{1, 2, 3, 4, 3}, func(in [][]float64) (y []float64) {
			for i := range 72 {
				largest, sum := outside, 0.0
				for k := range 12 {
					v := at(in[0], i/36, i/12%3*2+k/4-1, i/3%4+k/2%2, i%3*2+k%2-1, outside)
					largest = max(largest, v)
					sum += v / 12
				}
				if op == "MaxPool" {
					sum = largest
				}
				y = append(y, sum)
			}
			return y
		})
	}

	// Groups of one channel, each with two results.
	m = newModel(13)
	m.floats("w", []int{4, 1, 3, 2, 1}, weights[:24]...)
	m.node("Conv", "x0 w", "y", attr{"group", 2}, attr{"pads", []int64{1, 0, 0, 0, 0, 0}})
	runsTo(t, m, [][]int{{1, 2, 5, 4, 6}}, []int{1, 4, 4, 3, 6}, func(in [][]float64) (y []float64) {
		for i := range 4 * 72 {
			sum := 0.0
			for k := range 6 {
				sum += float64(weights[i/72*6+k]) * at(in[0], i/144, i/18%4+k/2-1, i/6%3+k%2, i%6, 0)
			}
			y = append(y, sum)
		}
		return y
	})

	// Windows that ceil_mode lets reach beyond the depth and the width.
	m = newModel(13)
	m.node("MaxPool", "x0", "y", attr{"kernel_shape", []int64{2, 2, 4}}, attr{"strides", []int64{2, 2, 4}}, attr{"ceil_mode", 1})
	runsTo(t, m, [][]int{{1, 2, 5, 4, 6}}, []int{1, 2, 3, 2, 2}, func(in [][]float64) (y []float64) {
		for i := range 24 {
			largest := math.Inf(-1)
			for k := range 16 {
				largest = max(largest, at(in[0], i/12, i/4%3*2+k/8, i/2%2*2+k/4%2, i%2*4+k%4, math.Inf(-1)))
			}
			y = append(y, largest)
		}
		return y
	})

	// The roots of sums of squares of windows, and of all.
	m = newModel(18)
	m.node("LpPool", "x0", "l", attr{"kernel_shape", []int64{3, 2, 2}}, attr{"pads", []int64{1, 0, 0, 0, 0, 0}})
	m.node("GlobalLpPool", "x0", "g", attr{"p", 1})
	m.node("Mul", "l g", "y")
	runsTo(t, m, [][]int{{1, 2, 5, 4, 6}}, []int{1, 2, 4, 3, 5}, func(in [][]float64) (y []float64) {
		for i := range 120 {
			sum := 0.0
			for k := range 12 {
				sum += square(at(in[0], i/60, i/15%4+k/4-1, i/5%3+k/2%2, i%5+k%2, 0))
			}
			y = append(y, math.Sqrt(sum)*total(in[0][i/60*120:][:120], math.Abs))
		}
		return y
	})
}

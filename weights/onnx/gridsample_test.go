package onnx

import (
	"math"
	"testing"
)

// TestGridSampleOperator reads the nearest elements, the border's outside.
func TestGridSampleOperator(t *testing.T) {
	m := newModel(16)
	m.node("GridSample", "x0 x1", "y", attr{"mode", "nearest"}, attr{"padding_mode", "border"}, attr{"align_corners", 1})
	runsTo(t, m, [][]int{{1, 2, 4, 3}, {1, 3, 2, 2}}, []int{1, 2, 3, 2}, func(in [][]float64) (y []float64) {
		at := func(v float64, size int) int {
			x := math.RoundToEven((v + 1) / 2 * float64(size-1))
			return int(min(max(x, 0), float64(size-1)))
		}
		for c := range 2 {
			for i := range 6 {
				y = append(y, in[0][(c*4+at(in[1][2*i+1], 4))*3+at(in[1][2*i], 3)])
			}
		}
		return y
	})
}

package onnx

import (
	"math"
	"testing"
)

// TestGridSampleVolumes turns a volume round: places between −1 and 1 along each
// dimension stand for elements of another.
func TestGridSampleVolumes(t *testing.T) {
	m := newModel(20)
	m.floats("theta", []int{1, 3, 4}, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0)
	m.ints("size", 1, 2, 4, 2, 3)
	m.node("AffineGrid", "theta size", "grid")
	m.node("GridSample", "x0 grid", "y", attr{"mode", "nearest"})
	runsTo(t, m, [][]int{{1, 2, 2, 3, 4}}, []int{1, 2, 4, 2, 3}, func(in [][]float64) (y []float64) {
		for c := range 2 {
			for d := range 4 {
				for h := range 2 {
					for w := range 3 {
						// The place's x is z of the result, its y is x, and its z is y.
						y = append(y, in[0][((c*2+h)*3+w)*4+d])
					}
				}
			}
		}
		return y
	})
}

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

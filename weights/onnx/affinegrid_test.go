package onnx

import (
	"slices"
	"strings"
	"testing"
)

// TestAffineGrid compares grids with their definition, place by place.
func TestAffineGrid(t *testing.T) {
	for _, c := range []struct {
		size  []int64 // of the map
		align bool
	}{
		{[]int64{2, 3, 4, 5}, false},
		{[]int64{2, 3, 4, 5}, true},
		{[]int64{2, 1, 1, 3}, false},
		{[]int64{1, 3, 2, 4, 5}, false},
		{[]int64{3, 3, 4, 2, 3}, true},
	} {
		k := len(c.size) - 2
		n := int(c.size[0])
		m := newModel(20)
		m.ints("size", c.size...)
		align := 0
		if c.align {
			align = 1
		}
		m.node("AffineGrid", "x0 size", "y", attr{"align_corners", align})
		var shape []int
		for _, d := range c.size[2:] {
			shape = append(shape, int(d))
		}
		shape = slices.Concat([]int{n}, shape, []int{k})
		runsTo(t, m, [][]int{{n, k, k + 1}}, shape, func(in [][]float64) []float64 {
			var y []float64
			at := make([]int, len(shape))
			for range product(shape) {
				theta := in[0][(at[0]*k+at[k+1])*(k+1):][:k+1]
				sum := theta[k]
				for d := range k {
					size, i := float64(shape[k-d]), float64(at[k-d])
					place := (2*i+1)/size - 1
					if c.align {
						place = 2*i/(size-1) - 1
					}
					sum += theta[d] * place
				}
				y = append(y, sum)
				next(at, shape)
			}
			return y
		})
	}
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func TestBadAffineGrid(t *testing.T) {
	for _, c := range []struct {
		theta []int
		size  []int64
		want  string
	}{
		{[]int{1, 2, 3}, []int64{1, 3, 4}, "the size [1 3 4] is not that of maps of two or three spatial dimensions"},
		{[]int{1, 2, 3}, []int64{1, 3, 4, 4, 4}, `theta, "x", of shape 1×2×3 for a grid of 3 dimensions, where it is N×3×4`},
		{[]int{2, 2, 3}, []int64{3, 3, 4, 4}, "2 matrices for a size of 3 items"},
		{[]int{1, 2, 3}, []int64{1, 3, 4, 0}, "has no elements"},
		{[]int{1, 2, 3}, []int64{1, 3, 4, -1}, "-1 is negative, or too large"},
		{[]int{1, 2, 3}, []int64{1, 3, 1 << 30, 1}, "too large"},
		{[]int{1, 2, 3}, []int64{1, 3, 1 << 20, 1 << 20}, "too large"},
		{[]int{1, 2, 3}, []int64{1, 1 << 62, 4, 4}, "too large"},
	} {
		m := newModel(20)
		m.input("x", c.theta...)
		m.ints("size", c.size...)
		m.node("AffineGrid", "x size", "y")
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `AffineGrid "AffineGridy"`) {
			t.Errorf("theta %v, size %v: error %v, want one that contains %q", c.theta, c.size, err, c.want)
		}
	}
}

// TestCenterCropPad cuts and pads, and both.
func TestCenterCropPad(t *testing.T) {
	for _, c := range []struct {
		axes  []int64
		shape []int64
		want  []int
	}{
		{nil, []int64{1, 2, 3}, []int{1, 2, 3}},
		{nil, []int64{4, 6, 1}, []int{4, 6, 1}},
		{[]int64{2}, []int64{3}, []int{2, 5, 3}},
		{[]int64{-1, 0}, []int64{7, 3}, []int{3, 5, 7}},
	} {
		m := newModel(18)
		m.ints("shape", c.shape...)
		var attrs []attr
		if c.axes != nil {
			attrs = []attr{{"axes", c.axes}}
		}
		m.node("CenterCropPad", "x0 shape", "y", attrs...)
		from := []int{2, 5, 4}
		runsTo(t, m, [][]int{from}, c.want, func(in [][]float64) []float64 {
			var y []float64
			at := make([]int, 3)
			for range product(c.want) {
				flat, inside := 0, true
				for d, i := range at {
					// The middle of both shapes, a half of what is left over to the front.
					if have, want := from[d], c.want[d]; have > want {
						i += (have - want) / 2
					} else {
						i -= (want - have) / 2
					}
					inside = inside && i >= 0 && i < from[d]
					flat = flat*from[d] + i
				}
				v := 0.0
				if inside {
					v = in[0][flat]
				}
				y = append(y, v)
				next(at, c.want)
			}
			return y
		})
	}
}

// TestDet compares determinants with the sum over all permutations.
func TestDet(t *testing.T) {
	for n := 1; n <= 3; n++ {
		m := newModel(11)
		m.node("Det", "x0", "y")
		runsTo(t, m, [][]int{{2, 2, n, n}}, []int{2, 2}, func(in [][]float64) (y []float64) {
			for i := range 4 {
				y = append(y, refDet(in[0][i*n*n:][:n*n], n))
			}
			return y
		})
	}
}

// refDet is the determinant by its first row.
func refDet(x []float64, n int) float64 {
	if n == 0 {
		return 1
	}
	sum, sign := 0.0, 1.0
	for column := range n {
		var minor []float64
		for i := n; i < n*n; i++ {
			if i%n != column {
				minor = append(minor, x[i])
			}
		}
		sum += sign * x[column] * refDet(minor, n-1)
		sign = -sign
	}
	return sum
}

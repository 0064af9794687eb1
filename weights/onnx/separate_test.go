package onnx

import (
	"math"
	"testing"
)

// inMap is element (c, h, w) of a map [1, C, H, W], or what is outside.
func inMap(x []float64, height, width, c, h, w int, outside float64) float64 {
	if h < 0 || h >= height || w < 0 || w >= width {
		return outside
	}
	return x[(c*height+h)*width+w]
}

// TestDepthwiseCopies convolves maps of which each channel has several results.
func TestDepthwiseCopies(t *testing.T) {
	for _, copies := range []int{2, 3, mostCopies + 1} {
		channels := 3 * copies
		weights, bias := make([]float32, channels*6), make([]float32, channels)
		for i := range weights {
			weights[i] = float32(i*31%17)/8 - 1
		}
		for i := range bias {
			bias[i] = float32(i%5) - 2
		}
		m := newModel(13)
		m.floats("w", []int{channels, 1, 3, 2}, weights...)
		m.floats("b", []int{channels}, bias...)
		m.node("Conv", "x0 w b", "y", attr{"group", 3}, attr{"strides", []int64{2, 1}}, attr{"pads", []int64{1, 0, 1, 1}})
		runsTo(t, m, [][]int{{1, 3, 7, 5}}, []int{1, channels, 4, 5}, func(in [][]float64) (y []float64) {
			for i := range channels * 20 {
				o := i / 20
				sum := float64(bias[o])
				for k := range 6 {
					sum += float64(weights[o*6+k]) * inMap(in[0], 7, 5, o/copies, i/5%4*2+k/2-1, i%5+k%2, 0)
				}
				y = append(y, sum)
			}
			return y
		})
	}
}

// TestLargeWindows takes maxima of windows that are two pools, also of windows
// that are cut off at the edge.
func TestLargeWindows(t *testing.T) {
	for ceil := range 2 {
		rows := 3 + ceil
		m := newModel(13)
		m.node("MaxPool", "x0", "y", attr{"kernel_shape", []int64{5, 6}}, attr{"strides", []int64{2, 1}},
			attr{"dilations", []int64{1, 2}}, attr{"pads", []int64{1, 3, 0, 2}}, attr{"ceil_mode", ceil})
		runsTo(t, m, [][]int{{1, 2, 9, 12}}, []int{1, 2, rows, 7}, func(in [][]float64) (y []float64) {
			for i := range 14 * rows {
				largest := math.Inf(-1)
				for k := range 30 {
					largest = max(largest, inMap(in[0], 9, 12, i/(7*rows), i/7%rows*2+k/6-1, i%7+k%6*2-3, math.Inf(-1)))
				}
				y = append(y, largest)
			}
			return y
		})
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		pools := 0
		for _, s := range net.Steps {
			if s.Spec.Op() == "Pool" {
				pools++
			}
		}
		if pools != 2 {
			t.Errorf("%d pools, want 2", pools)
		}
	}
}

// TestMeansInVolumes takes means of windows that reach beyond the depth.
func TestMeansInVolumes(t *testing.T) {
	m := newModel(13)
	m.node("AveragePool", "x0", "y", attr{"kernel_shape", []int64{3, 2, 1}}, attr{"strides", []int64{2, 1, 1}}, attr{"pads", []int64{1, 0, 0, 2, 1, 0}})
	runsTo(t, m, [][]int{{1, 2, 4, 3, 2}}, []int{1, 2, 3, 3, 2}, func(in [][]float64) (y []float64) {
		for i := range 36 {
			sum, count := 0.0, 0.0
			for k := range 6 {
				d, h := i/6%3*2+k/2-1, i/2%3+k%2
				if d >= 0 && d < 4 && h < 3 {
					sum += in[0][((i/18*4+d)*3+h)*2+i%2]
					count++
				}
			}
			y = append(y, sum/count)
		}
		return y
	})
}

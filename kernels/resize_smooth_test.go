package kernels

import (
	"math"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestSmoothResize compares with a sum over all of a map and far beyond its edge,
// in float64, of the filters as they are mostly written.
func TestSmoothResize(t *testing.T) {
	g := newGenerator(94)
	for range 200 {
		shape := []int{1 + g.IntN(2), 1 + g.IntN(12), 1 + g.IntN(12), 1 + g.IntN(3)}
		r := &Resize{Mode: SmoothLinear + ResizeMode(g.IntN(2)), Coordinates: []Coordinates{HalfPixel, AlignCorners, Asymmetric}[g.IntN(3)], ExcludeOutside: g.IntN(2) == 0}
		if r.Mode == SmoothCubic {
			r.CubicA = -0.5
		}
		for i := range 2 {
			r.Size[i] = 1 + g.IntN(12)
			r.Scale[i] = float32(float64(r.Size[i]) / float64(shape[1+i]))
		}
		x := make([]float32, tensor.Shape(shape).Volume())
		for i := range x {
			x[i] = g.Float32()*2 - 1
		}
		out, _ := runOnce(t, r, []tensor.Type{tensor.Floats(shape...)}, elements(x...))
		got := floats(out[0])
		var weights [2][][]float64
		for i := range 2 {
			weights[i] = referenceFilter(r, i, shape[1+i])
		}
		for at, v := range got {
			c, col, row, n := at%shape[3], at/shape[3]%r.Size[1], at/shape[3]/r.Size[1]%r.Size[0], at/shape[3]/r.Size[1]/r.Size[0]
			want := 0.0
			for y, wy := range weights[0][row] {
				for x2, wx := range weights[1][col] {
					want += wy * wx * float64(x[((n*shape[1]+y)*shape[2]+x2)*shape[3]+c])
				}
			}
			if !(math.Abs(float64(v)-want) <= 1e-5) {
				t.Fatalf("%+v of %v: element %d is %v, want %v", r, shape, at, v, want)
			}
		}
	}
	// A map cannot be made of less than a pixel, nor its table of all of it for
	// each of a million rows.
	in := []tensor.Type{tensor.Floats(1, 1<<20, 1, 1)}
	if _, err := (&Resize{Mode: SmoothLinear, Scale: [2]float32{1e-30, 1}, Size: [2]int{1, 1}}).Infer(in, nil); err == nil {
		t.Error("a scale of 1e-30 is accepted")
	}
	wide := &Resize{Mode: SmoothLinear, Scale: [2]float32{1e-6, 1}, Size: [2]int{1 << 20, 1}}
	if n := wide.Traits(in, nil).TableEntries; n < 1<<30 {
		t.Errorf("%d entries", n)
	}
}

// referenceFilter is the weight of every element of a map for each of the
// result's rows or columns.
func referenceFilter(r *Resize, i, size int) (weights [][]float64) {
	stretch := max(float64(size)/float64(r.Size[i]), 1)
	for o := range r.Size[i] {
		x := (float64(o)+0.5)*float64(size)/float64(r.Size[i]) - 0.5
		switch r.Coordinates {
		case AlignCorners:
			x = 0
			if r.Size[i] > 1 {
				x = float64(o*(size-1)) / float64(r.Size[i]-1)
			}
		case Asymmetric:
			x = float64(o) * float64(size) / float64(r.Size[i])
		}
		w, sum := make([]float64, size), 0.0
		for k := -4 * size; k < 5*size; k++ {
			d, v := math.Abs(float64(k)-x)/stretch, 0.0
			switch {
			case r.Mode == SmoothLinear:
				v = max(1-d, 0)
			case d < 1:
				v = 1.5*d*d*d - 2.5*d*d + 1
			case d < 2:
				v = -0.5*d*d*d + 2.5*d*d - 4*d + 2
			}
			if r.ExcludeOutside && (k < 0 || k >= size) {
				continue
			}
			w[min(max(k, 0), size-1)] += v
			sum += v
		}
		for k := range w {
			w[k] /= sum
		}
		weights = append(weights, w)
	}
	return weights
}

// TestCropAndResize has parts of a map and what is outside of it, worked out by
// hand.
func TestCropAndResize(t *testing.T) {
	x := []float32{0, 1, 2, 3, 4}
	for _, c := range []struct {
		mode  ResizeMode
		size  int
		left  float32
		right float32
		want  []float32
	}{
		{Linear, 3, 0, 1, []float32{0, 2, 4}},
		{Linear, 3, 0.25, 0.5, []float32{1, 1.5, 2}},
		{Linear, 1, 0.25, 0.5, []float32{1.5}},
		{Linear, 5, -0.25, 0.75, []float32{9, 0, 1, 2, 3}},
		{Linear, 3, 0.5, 1.5, []float32{2, 4, 9}},
		{Nearest, 4, 1, 0.25, []float32{4, 3, 2, 1}},
		{Cubic, 2, 0.25, 1.25, []float32{1, 9}},
	} {
		r := &Resize{Mode: c.mode, Coordinates: CropAndResize, Scale: [2]float32{1, 1}, Size: [2]int{1, c.size},
			Crop: [4]float32{0, c.left, 1, c.right}, Extrapolation: 9}
		out, _ := runOnce(t, r, []tensor.Type{tensor.Floats(1, 1, 5, 1)}, elements(x...))
		for i, v := range floats(out[0]) {
			if v != c.want[i] {
				t.Errorf("%+v: %v, want %v", r, floats(out[0]), c.want)
				break
			}
		}
		if c.mode != Nearest {
			continue
		}
		out, _ = runOnce(t, r, []tensor.Type{{Elem: tensor.I64, Shape: tensor.Shape{1, 1, 5, 1}}}, elements[int64](0, 1, 2, 3, 4))
		for i, v := range tensor.Slice[int64](out[0]) {
			if v != int64(c.want[i]) {
				t.Errorf("%+v of integers: element %d is %v, want %v", r, i, v, c.want[i])
			}
		}
	}
}

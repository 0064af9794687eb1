package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

func TestResize(t *testing.T) {
	g := newGenerator(50)
	for mode := Nearest; mode <= Linear; mode++ {
		for coordinates := HalfPixel; coordinates <= HalfPixelSymmetric; coordinates++ {
			for rounding := RoundPreferFloor; rounding <= RoundCeil; rounding++ {
				for range 8 {
					shape := g.shape(4, 7)
					shape[3] = g.between(1, 20)
					r := &Resize{Mode: mode, Coordinates: coordinates, Rounding: rounding}
					for i := range 2 {
						if coordinates == HalfPixelSymmetric {
							// It takes the scale as it is: only such have exact ones.
							shape[1+i] = 1 << g.between(0, 2)
						}
						r.Size[i] = g.between(1, 15)
						if r.Scale[i] = 0; g.between(0, 1) == 0 {
							r.Scale[i] = float32(r.Size[i]) / float32(shape[1+i])
						}
					}
					bounds := &array{}
					trial{spec: r, in: [][]int{shape}, bounds: bounds, ref: func(in, out []array) { *bounds = refResize(r, in[0], out[0]) }}.run(t, g)
				}
			}
		}
	}
}

// refResize samples as ONNX's own reference does: it finds the neighbours on
// both sides of a coordinate, which the map's edge repeats, and mixes them. It
// returns what the results may be off.
func refResize(r *Resize, in, out array) (bounds array) {
	bounds = newArray(out.shape...)
	for index := range out.indices() {
		sum, size := 0.0, 0.0
		for side := range indices([]int{2, 2}) {
			weight := 1.0
			at := slices.Clone(index)
			for i := range 2 {
				x := refCoordinate(r.Coordinates, index[1+i], in.shape[1+i], out.shape[1+i])
				ratio := x - math.Floor(x)
				if r.Mode == Nearest {
					ratio = refNearest(r.Rounding, ratio)
				}
				if side[i] == 0 {
					weight *= 1 - ratio
				} else {
					weight *= ratio
				}
				at[1+i] = min(max(int(math.Floor(x))+side[i], 0), in.shape[1+i]-1)
			}
			if weight != 0 {
				sum += weight * in.at(at...)
				size += math.Abs(weight * in.at(at...))
			}
		}
		out.set(sum, index...)
		bounds.set(16*0x1p-24*size, index...)
	}
	return bounds
}

func TestResizeCubic(t *testing.T) {
	g := newGenerator(51)
	for coordinates := HalfPixel; coordinates <= Asymmetric; coordinates++ {
		for _, exclude := range []bool{false, true} {
			for range 8 {
				shape := g.shape(4, 7)
				r := &Resize{Mode: Cubic, Coordinates: coordinates, CubicA: -float32(g.between(1, 8)) / 8, ExcludeOutside: exclude}
				for i := range 2 {
					r.Size[i] = g.between(1, 15)
					r.Scale[i] = float32(r.Size[i]) / float32(shape[1+i])
				}
				trial{spec: r, in: [][]int{shape}, slack: 4, ref: func(in, out []array) { refCubic(r, in[0], out[0]) }}.run(t, g)
			}
		}
	}
}

// refCubic weighs all elements that are less than 2 away, by the formula of
// Keys with its powers written out.
func refCubic(r *Resize, in, out array) {
	a := float64(r.CubicA)
	weigh := func(i, o, at int) float64 {
		d := math.Abs(refCoordinate(r.Coordinates, o, in.shape[1+i], out.shape[1+i]) - float64(at))
		switch {
		case r.ExcludeOutside && (at < 0 || at >= in.shape[1+i]), d >= 2:
			return 0
		case d <= 1:
			return (a+2)*d*d*d - (a+3)*d*d + 1
		}
		return a*d*d*d - 5*a*d*d + 8*a*d - 4*a
	}
	for index := range out.indices() {
		sum, weights := 0.0, 0.0
		at := slices.Clone(index)
		for y := -8; y < in.shape[1]+8; y++ {
			for x := -8; x < in.shape[2]+8; x++ {
				w := weigh(0, index[1], y) * weigh(1, index[2], x)
				at[1], at[2] = min(max(y, 0), in.shape[1]-1), min(max(x, 0), in.shape[2]-1)
				sum += w * in.at(at...)
				weights += w
			}
		}
		out.set(sum/weights, index...)
	}
}

// refCoordinate multiplies before it divides, in whole numbers where it can,
// so that no rounding hides a tie. HalfPixelSymmetric has single precision.
func refCoordinate(c Coordinates, o, in, out int) float64 {
	switch {
	case c == AlignCorners && out == 1, c == PytorchHalfPixel && out == 1:
		return 0
	case c == AlignCorners:
		return float64(o*(in-1)) / float64(out-1)
	case c == Asymmetric:
		return float64(o*in) / float64(out)
	}
	x := float64((2*o+1)*in-out) / float64(2*out)
	if c == HalfPixelSymmetric {
		return float64(float32(x))
	}
	return x
}

func refNearest(r Rounding, ratio float64) float64 {
	up := false
	switch r {
	case RoundPreferFloor:
		up = ratio > 0.5
	case RoundPreferCeil:
		up = ratio >= 0.5
	case RoundCeil:
		up = ratio > 0
	}
	if up {
		return 1
	}
	return 0
}

// TestResizeExamples are results that ONNX's operator documentation gives,
// except where ONNX Runtime's differ.
func TestResizeExamples(t *testing.T) {
	ramp := func(h, w int) array {
		x := newArray(1, h, w, 1)
		for i := range x.data {
			x.data[i] = float64(i + 1)
		}
		return x
	}
	for _, c := range []struct {
		name string
		spec Resize
		in   array
		want []float32
	}{
		{"downsample_scales_linear", Resize{Mode: Linear, Scale: [2]float32{0.6, 0.6}, Size: [2]int{1, 2}}, ramp(2, 4), []float32{2.6666665, 4.3333331}},
		// ONNX's reference implementation takes 3.142857 for the last corner, 4.
		{"downsample_scales_linear_align_corners", Resize{Mode: Linear, Coordinates: AlignCorners, Scale: [2]float32{0.6, 0.6}, Size: [2]int{1, 2}}, ramp(2, 4), []float32{1, 4}},
		// Plain half pixels would give 1.3333333 and 3, which is not symmetric.
		{"half_pixel_symmetric_0.6", Resize{Mode: Linear, Coordinates: HalfPixelSymmetric, Scale: [2]float32{1, 0.6}, Size: [2]int{1, 2}}, ramp(1, 4), []float32{1.6666667, 3.3333333}},
		{"downsample_scales_nearest", Resize{Scale: [2]float32{0.6, 0.6}, Size: [2]int{1, 2}}, ramp(2, 4), []float32{1, 3}},
		{"upsample_scales_nearest", Resize{Scale: [2]float32{2, 3}, Size: [2]int{4, 6}}, ramp(2, 2), []float32{
			1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4}},
		{"upsample_scales_linear", Resize{Mode: Linear, Scale: [2]float32{2, 2}, Size: [2]int{4, 4}}, ramp(2, 2), []float32{
			1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4}},
		// ONNX Runtime's results, of scales that float32 does not hold exactly.
		{"nearest_floor", Resize{Rounding: RoundFloor, Scale: [2]float32{1, 0.6}, Size: [2]int{1, 8}}, ramp(1, 14), []float32{1, 3, 4, 6, 7, 9, 11, 12}},
		{"linear_pytorch_half_pixel_of_one", Resize{Mode: Linear, Coordinates: PytorchHalfPixel, Scale: [2]float32{1, 0.25}, Size: [2]int{1, 1}}, ramp(1, 6), []float32{1}},
		{"downsample_sizes_linear_pytorch_half_pixel", Resize{Mode: Linear, Coordinates: PytorchHalfPixel, Scale: [2]float32{0.75, 0.25}, Size: [2]int{3, 1}}, ramp(4, 4), []float32{
			1.6666666, 7, 12.333333}},
	} {
		t.Run(c.name, func(t *testing.T) {
			op, err := bind(&c.spec, Tiers()[0], [][]int{c.in.shape}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, len(c.want))
			runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{c.in.floats()}, [][]float32{got}, 1, 0, op.Tasks(1))
			if !slices.EqualFunc(got, c.want, func(a, b float32) bool { return near(a, b, false) }) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestResizeFarOutside has coordinates that no integer holds.
func TestResizeFarOutside(t *testing.T) {
	for _, exclude := range []bool{false, true} {
		r := &Resize{Mode: Cubic, CubicA: -0.75, ExcludeOutside: exclude, Coordinates: Asymmetric, Scale: [2]float32{1, 1e-30}, Size: [2]int{1, 2}}
		op, err := bind(r, Tiers()[0], [][]int{{1, 1, 3, 1}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, 2)
		runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{{1, 2, 3}}, [][]float32{got}, 1, 0, op.Tasks(1))
		want := []float32{1, 3}
		if exclude {
			want[1] = 0
		}
		if !slices.Equal(got, want) {
			t.Errorf("exclude %v: got %v, want %v", exclude, got, want)
		}
	}
}

// TestResizeIgnoresWhatHasNoWeight has an infinity beside a pixel that is
// taken as it is.
func TestResizeIgnoresWhatHasNoWeight(t *testing.T) {
	inf := float32(math.Inf(1))
	r := &Resize{Mode: Linear, Coordinates: AlignCorners, Scale: [2]float32{1, 5. / 3}, Size: [2]int{1, 5}}
	op, err := bind(r, Tiers()[0], [][]int{{1, 1, 3, 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 5)
	runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{{1, inf, 3}}, [][]float32{got}, 1, 0, op.Tasks(1))
	if want := []float32{1, inf, inf, inf, 3}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestResizeSame has a map keep its size at a scale that is not quite 1, so that
// it is copied; along one dimension alone it is not.
func TestResizeSame(t *testing.T) {
	g := newGenerator(54)
	x := g.elements(tensor.F32, 3*3*2)
	for mode := Nearest; mode <= Cubic; mode++ {
		r := &Resize{Mode: mode, Coordinates: Asymmetric, Scale: [2]float32{1.25, 1.25}, Size: [2]int{3, 3}}
		out, _, _ := g.runTyped(t, r, []tensor.Type{tensor.Floats(1, 3, 3, 2)}, nil, [][]byte{x}, 1)
		if !slices.Equal(out[0], x) {
			t.Errorf("mode %d: %v, want %v", mode, floats(out[0]), floats(x))
		}
	}
	r := &Resize{Coordinates: Asymmetric, Rounding: RoundFloor, Scale: [2]float32{1.25, 2}, Size: [2]int{3, 6}}
	column := []float32{1, 2, 3}
	out, _, _ := g.runTyped(t, r, []tensor.Type{tensor.Floats(1, 3, 1, 1)}, nil, [][]byte{tensor.Bytes(column)}, 1)
	// Rows 0, 0.8 and 1.6, rounded down.
	if want := slices.Concat(slices.Repeat([]float32{1}, 12), slices.Repeat([]float32{2}, 6)); !slices.Equal(floats(out[0]), want) {
		t.Errorf("%v, want %v", floats(out[0]), want)
	}
}

// TestResizeNearHalf has a coordinate of 0.4999998, by its formula a half, which ONNX
// Runtime rounds as one.
func TestResizeNearHalf(t *testing.T) {
	line := make([]float32, 18)
	for i := range line {
		line[i] = float32(i)
	}
	g := newGenerator(55)
	for rounding, want := range map[Rounding][]float32{
		RoundPreferCeil:  {1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17},
		RoundPreferFloor: {0, 2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16},
	} {
		r := &Resize{Coordinates: HalfPixelSymmetric, Rounding: rounding, Scale: [2]float32{1, 0.75}, Size: [2]int{1, 13}}
		out, _, _ := g.runTyped(t, r, []tensor.Type{tensor.Floats(1, 1, 18, 1)}, nil, [][]byte{tensor.Bytes(line)}, 1)
		if !slices.Equal(floats(out[0]), want) {
			t.Errorf("rounding %d: %v, want %v", rounding, floats(out[0]), want)
		}
	}
}

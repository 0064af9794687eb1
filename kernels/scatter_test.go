package kernels

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// runOnce binds a spec on the portable tier and runs it once, task by task.
func runOnce(t *testing.T, s Spec, in []tensor.Type, data ...[]byte) ([][]byte, error) {
	t.Helper()
	return runOn(t, portable, s, in, data...)
}

// runOn is runOnce on a tier.
func runOn(t *testing.T, tier *Tier, s Spec, in []tensor.Type, data ...[]byte) ([][]byte, error) {
	t.Helper()
	types, err := s.Infer(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	op, err := s.Bind(tier, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, y := range types {
		b := tensor.AlignedBytes(y.Bytes())
		for i := range b {
			b[i] = 0xaa
		}
		out = append(out, b)
	}
	w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
	for task := op.Tasks(1) - 1; task >= 0; task-- {
		op.Run(w, data, out, 1, task, task+1)
	}
	return out, w.Fault
}

func elements[T tensor.Number](x ...T) []byte {
	b := tensor.AlignedBytes(len(tensor.Bytes(x)))
	copy(b, tensor.Bytes(x))
	return b
}

// TestScatter writes to random places and compares with the definition.
func TestScatter(t *testing.T) {
	g := newGenerator(90)
	folds := []func(a, b float64) float64{
		func(_, b float64) float64 { return b },
		func(a, b float64) float64 { return a + b },
		func(a, b float64) float64 { return a * b },
		math.Max, math.Min,
	}
	for range 500 {
		rank := 1 + g.IntN(4)
		axis, kind := g.IntN(rank), ScatterKind(g.IntN(5))
		var shape, places tensor.Shape
		for d := range rank {
			shape = append(shape, 1+g.IntN(4))
			places = append(places, 1+g.IntN(shape[d]))
		}
		places[axis] = 1 + g.IntN(5)
		values := slices.Clone(places)
		if g.IntN(2) == 0 { // a place for each row
			for d := axis + 1; d < rank; d++ {
				places[d] = 1
			}
		}
		zeros := g.IntN(2) == 0
		s := &Scatter{Axis: axis, Kind: kind}
		if zeros {
			s.Size = shape[axis]
			shape = slices.Clone(values)
			shape[axis] = s.Size
		}
		x, p, u := make([]int32, shape.Volume()), make([]int32, places.Volume()), make([]int32, values.Volume())
		for i := range x {
			x[i] = int32(g.IntN(9) - 4)
			if zeros {
				x[i] = 0
			}
		}
		for i := range p {
			p[i] = int32(g.IntN(2*shape[axis]) - shape[axis])
		}
		for i := range u {
			u[i] = int32(1 + g.IntN(4))
		}
		want := make([]float64, len(x))
		for i, v := range x {
			want[i] = float64(v)
		}
		at := make([]int, rank)
		for i := range u {
			to := slices.Clone(at)
			to[axis] = int(p[broadcastAt(at, places)]+int32(shape[axis])) % shape[axis]
			k := 0
			for d, n := range shape {
				k = k*n + to[d]
			}
			want[k] = folds[kind](want[k], float64(u[i]))
			for d := rank - 1; d >= 0; d-- {
				if at[d]++; at[d] < values[d] {
					break
				}
				at[d] = 0
			}
		}
		for _, e := range []tensor.Elem{tensor.I8, tensor.I16, tensor.I32, tensor.I64, tensor.F32} {
			convert := func(x []int32) []byte {
				b := tensor.AlignedBytes(len(x) * e.Size())
				for i, v := range x {
					putNumber(b[i*e.Size():][:e.Size()], e, int(v))
				}
				return b
			}
			in := []tensor.Type{{Elem: tensor.I32, Shape: places}, {Elem: e, Shape: values}}
			data := [][]byte{elements(p...), convert(u)}
			if g.IntN(2) == 0 {
				in[0].Elem, data[0] = tensor.I64, long(p)
			}
			if !zeros {
				in, data = append([]tensor.Type{{Elem: e, Shape: shape}}, in...), append([][]byte{convert(x)}, data...)
			}
			out, fault := runOnce(t, s, in, data...)
			if fault != nil {
				t.Fatalf("%+v: %v", s, fault)
			}
			rounded := make([]int32, len(want))
			for i, v := range want {
				rounded[i] = int32(v)
				if e == tensor.I8 {
					rounded[i] = int32(int8(rounded[i]))
				}
			}
			if !slices.Equal(out[0], convert(rounded)) {
				t.Fatalf("%+v of %v: % x, want %v", s, in, out[0], want)
			}
		}
	}
	for _, place := range []int64{3, -4, 1 << 40, math.MinInt64, math.MaxInt64} {
		in := []tensor.Type{{Elem: tensor.I64, Shape: tensor.Shape{1}}, tensor.Floats(1)}
		if _, fault := runOnce(t, &Scatter{Size: 3}, in, elements(place), elements(float32(1))); !errors.Is(fault, ErrIndex) {
			t.Errorf("place %d of 3: fault %v", place, fault)
		}
		in = []tensor.Type{{Elem: tensor.I64, Shape: tensor.Shape{1, 1}}, tensor.Floats(1, 2)}
		if _, fault := runOnce(t, &Scatter{Size: 3}, in, elements(place), elements[float32](1, 2)); !errors.Is(fault, ErrIndex) {
			t.Errorf("row %d of 3: fault %v", place, fault)
		}
	}
}

// long are integers as int64.
func long(x []int32) []byte {
	out := make([]int64, len(x))
	for i, v := range x {
		out[i] = int64(v)
	}
	return elements(out...)
}

// TestGatherElements reads from random places.
func TestGatherElements(t *testing.T) {
	x := elements[int16](0, 1, 2, 10, 11, 12, 20, 21, 22)
	in := []tensor.Type{{Elem: tensor.I16, Shape: tensor.Shape{3, 3}}, {Elem: tensor.I64, Shape: tensor.Shape{2, 2}}}
	for _, c := range []struct {
		axis   int
		places []int64
		want   []int16
	}{
		{0, []int64{2, -3, 0, 1}, []int16{20, 1, 0, 11}},
		{1, []int64{2, -3, 0, 1}, []int16{2, 0, 10, 11}},
	} {
		out, fault := runOnce(t, &GatherElements{Axis: c.axis}, in, x, elements(c.places...))
		if got := tensor.Slice[int16](out[0]); fault != nil || !slices.Equal(got, c.want) {
			t.Errorf("axis %d: %v and %v, want %v", c.axis, got, fault, c.want)
		}
	}
	g := newGenerator(98)
	for range 300 {
		rank := 1 + g.IntN(4)
		axis := g.IntN(rank)
		var shape, places tensor.Shape
		for d := range rank {
			shape = append(shape, 1+g.IntN(5))
			places = append(places, 1+g.IntN(shape[d]))
		}
		places[axis] = 1 + g.IntN(6)
		e := []tensor.Elem{tensor.U8, tensor.I16, tensor.F32, tensor.I64}[g.IntN(4)]
		x, p := g.elements(e, shape.Volume()), make([]int32, places.Volume())
		for i := range p {
			p[i] = int32(g.IntN(2*shape[axis]) - shape[axis])
		}
		in, data := []tensor.Type{{Elem: e, Shape: shape}, {Elem: tensor.I32, Shape: places}}, elements(p...)
		if g.IntN(2) == 0 {
			in[1].Elem, data = tensor.I64, long(p)
		}
		out, fault := runOnce(t, &GatherElements{Axis: axis}, in, x, data)
		if fault != nil {
			t.Fatal(fault)
		}
		i := 0
		for at := range indices(places) {
			from := slices.Clone(at)
			from[axis] = (int(p[i]) + shape[axis]) % shape[axis]
			k := broadcastAt(from, shape)
			if n := e.Size(); !slices.Equal(out[0][i*n:][:n], x[k*n:][:n]) {
				t.Fatalf("%v of %v along %d: element %v is not that at %v", places, shape, axis, at, from)
			}
			i++
		}
	}
	if _, fault := runOnce(t, &GatherElements{Axis: 1}, in, x, elements[int64](0, 0, 3, 0)); !errors.Is(fault, ErrIndex) {
		t.Errorf("place 3 of 3: fault %v", fault)
	}
}

// TestMaxPlaces compares with all windows of random maps, tap by tap.
func TestMaxPlaces(t *testing.T) {
	g := newGenerator(91)
	for range 500 {
		k := 1 + g.IntN(3)
		shape := tensor.Shape{1 + g.IntN(2), 1 + g.IntN(3)}
		m := &MaxPlaces{ColumnMajor: g.IntN(2) == 0}
		for range k {
			shape = append(shape, 1+g.IntN(6))
			m.Kernel, m.Stride, m.Dilation = append(m.Kernel, 1+g.IntN(3)), append(m.Stride, 1+g.IntN(3)), append(m.Dilation, 1+g.IntN(2))
			m.Before, m.Size = append(m.Before, g.IntN(3)), append(m.Size, 1+g.IntN(3))
		}
		x := make([]float32, shape.Volume())
		for i := range x {
			x[i] = float32(g.IntN(5)) // often equal
			if g.IntN(20) == 0 {
				x[i] = float32(math.NaN())
			}
		}
		out, _ := runOnce(t, m, []tensor.Type{tensor.Floats(shape...)}, elements(x...))
		got := tensor.Slice[int64](out[0])
		area := shape[2:].Volume()
		for i, place := range got {
			window := i % tensor.Shape(m.Size).Volume()
			channel := i / tensor.Shape(m.Size).Volume()
			best, found := 0, false
			for tap := range tensor.Shape(m.Kernel).Volume() {
				rest, restWindow, inside := tap, window, true
				at := make([]int, k)
				for d := k - 1; d >= 0; d-- {
					at[d] = restWindow%m.Size[d]*m.Stride[d] - m.Before[d] + rest%m.Kernel[d]*m.Dilation[d]
					rest, restWindow = rest/m.Kernel[d], restWindow/m.Size[d]
					inside = inside && at[d] >= 0 && at[d] < shape[d+2]
				}
				if !inside {
					continue
				}
				flat := 0
				for d := range k {
					flat = flat*shape[d+2] + at[d]
				}
				v, b := x[channel*area+flat], x[channel*area+best]
				if !found || v > b || v != v && b == b {
					best, found = flat, true
				}
			}
			want := best
			if m.ColumnMajor {
				at, rest := make([]int, k), best
				for d := k - 1; d >= 0; d-- {
					at[d] = rest % shape[d+2]
					rest /= shape[d+2]
				}
				want = 0
				for d := k - 1; d >= 0; d-- {
					want = want*shape[d+2] + at[d]
				}
			}
			if want += channel % shape[1] * area; place != int64(want) {
				t.Fatalf("%+v of %v: place %d is %d, want %d", m, shape, i, place, want)
			}
		}
	}
}

// TestIndicesDoNotAllocate runs operations whose operands TestNoAllocation cannot
// make.
func TestIndicesDoNotAllocate(t *testing.T) {
	places := tensor.Type{Elem: tensor.I64, Shape: tensor.Shape{2, 2}}
	for _, c := range []struct {
		spec   Spec
		in     []tensor.Type
		params []Param
	}{
		{&Scatter{Axis: 1}, []tensor.Type{tensor.Floats(2, 3), places, tensor.Floats(2, 2)}, nil},
		{&Scatter{Axis: 1, Size: 5, Kind: ScatterMax}, []tensor.Type{places, tensor.Floats(2, 2)}, nil},
		{&GatherElements{}, []tensor.Type{tensor.Floats(2, 3), places}, nil},
		{&MaxPlaces{Kernel: []int{2}, Stride: []int{1}, Dilation: []int{1}, Before: []int{0}, Size: []int{3}}, []tensor.Type{tensor.Floats(1, 2, 4)}, nil},
		{&NonMaxSuppression{Most: 3}, []tensor.Type{tensor.Floats(1, 40, 4), tensor.Floats(1, 2, 40)}, nil},
		{&RoiAlign{Size: [2]int{2, 2}, Scale: 1}, []tensor.Type{tensor.Floats(1, 4, 4, 3), tensor.Floats(2, 4), {Elem: tensor.I32, Shape: tensor.Shape{2}}}, nil},
		{&GridSample{Mode: Cubic}, []tensor.Type{tensor.Floats(1, 4, 4, 3), tensor.Floats(1, 2, 2, 2)}, nil},
		{&Scatter{}, []tensor.Type{tensor.Floats(2, 3), {Elem: tensor.I64, Shape: tensor.Shape{2, 1}}, tensor.Floats(2, 3)}, nil},
		{&RoiAlign{Max: true, Size: [2]int{2, 2}, Scale: 1}, []tensor.Type{tensor.Floats(1, 4, 4, 3), tensor.Floats(2, 4), {Elem: tensor.I32, Shape: tensor.Shape{2}}}, nil},
		{&Resize{Mode: SmoothLinear, Scale: [2]float32{0.5, 0.5}, Size: [2]int{2, 2}}, []tensor.Type{tensor.Floats(1, 4, 4, 3)}, nil},
		{&Resize{Coordinates: CropAndResize, Scale: [2]float32{1, 1}, Size: [2]int{2, 2}, Crop: [4]float32{0, 0, 2, 2}}, []tensor.Type{tensor.Floats(1, 4, 4, 3)}, nil},
		{&Constant{}, nil, []Param{sized(FormPlain, 1, 5)}},
	} {
		types, err := c.spec.Infer(c.in, c.params)
		if err != nil {
			t.Fatal(err)
		}
		op, err := c.spec.Bind(Tiers()[0], c.in, c.params)
		if err != nil {
			t.Fatal(err)
		}
		var in, out [][]byte
		for _, x := range c.in {
			in = append(in, tensor.AlignedBytes(x.Bytes()))
		}
		for _, y := range types {
			out = append(out, tensor.AlignedBytes(y.Bytes()))
		}
		w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
		if n := testing.AllocsPerRun(10, func() { op.Run(w, in, out, 1, 0, op.Tasks(1)) }); n > 0 {
			t.Errorf("%s allocates %v times", c.spec.Op(), n)
		}
	}
}

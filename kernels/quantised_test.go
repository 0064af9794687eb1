package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/internal/guard"
	"github.com/infer-go/infer/tensor"
)

// A quantisedTensor is elements of a type in row-major order, as integers.
type quantisedTensor struct {
	tensor.Type
	q []int64
}

// quantised are random elements.
func (g *generator) quantised(shape ...int) quantisedTensor {
	x := quantisedTensor{g.quantisedElements().Of(shape...), make([]int64, tensor.Shape(shape).Volume())}
	for i := range x.q {
		x.q[i] = int64(g.IntN(256))
		if g.IntN(8) == 0 {
			x.q[i] = int64(255 * g.IntN(2))
		}
	}
	return x
}

// quantisedElements are random quantised uint8.
func (g *generator) quantisedElements() Elements {
	zeros := []int32{0, 128, 255, int32(g.IntN(256))}
	return Elements{tensor.U8, 0.01 + g.Float32()/16, zeros[g.IntN(len(zeros))]}
}

// result are random elements of a result whose real numbers are about so large.
func (g *generator) result(size float64) Elements {
	if g.IntN(4) == 0 {
		return Elements{}
	}
	e := g.quantisedElements()
	e.Scale = float32(size/64) * (0.5 + g.Float32())
	return e
}

// relu is a random clamp, or none.
func (g *generator) clamps() Act {
	switch g.IntN(3) {
	case 0:
		return Act{}
	case 1:
		return Act{Kind: Clamp, Hi: float32(math.Inf(1))}
	}
	return Act{Kind: Clamp, Lo: -g.Float32(), Hi: g.Float32()}
}

func (x quantisedTensor) bytes() []byte {
	b := tensor.AlignedBytes(len(x.q))
	for i, q := range x.q {
		b[i] = byte(q)
	}
	return b
}

// real is an element less its zero point, the zero of padding outside of a map.
func (x quantisedTensor) real(index ...int) int64 {
	at := 0
	for i, d := range x.Shape {
		if index[i] < 0 || index[i] >= d {
			return 0
		}
		at = at*d + index[i]
	}
	return x.q[at] - int64(x.Zero)
}

// rounded is an exact number rounded to float32, by another way than the
// processor's.
func rounded(x *big.Float) float32 {
	f, _ := x.Float32()
	return f
}

func exact[T int64 | float32](x T) *big.Float {
	return new(big.Float).SetPrec(200).SetFloat64(float64(x))
}

// times is the rounded product of an integer, rounded, and a factor.
func times(n int64, factor float32) float32 {
	return rounded(new(big.Float).SetPrec(200).Mul(exact(rounded(exact(n))), exact(factor)))
}

func plus(a, b float32) float32 {
	return rounded(new(big.Float).SetPrec(200).Add(exact(a), exact(b)))
}

// ratio is the rounded product of scales, over another.
func ratio(a, b float32, e Elements) float32 {
	p := rounded(new(big.Float).SetPrec(200).Mul(exact(a), exact(b)))
	if e.Elem == tensor.F32 {
		return p
	}
	return rounded(new(big.Float).SetPrec(400).Quo(exact(p), exact(e.Scale)))
}

// nearest is the integer next to x, ties to even.
func nearest(x float64) float64 {
	low := math.Floor(x)
	switch d := x - low; {
	case d < 0.5 || d == 0.5 && math.Mod(low, 2) == 0:
		return low
	}
	return low + 1
}

// store appends the bytes of a result v.
func store(y []byte, e Elements, a Act, v float32) []byte {
	if e.Elem == tensor.F32 {
		if a.Kind == Clamp {
			v = min(max(v, a.Lo), a.Hi)
		}
		return binary.LittleEndian.AppendUint32(y, math.Float32bits(v))
	}
	encode := func(x float64) float64 {
		return min(max(nearest(x)+float64(e.Zero), 0), 255)
	}
	q := encode(float64(v))
	if a.Kind == Clamp {
		lo, hi := encode(float64(a.Lo/e.Scale)), encode(float64(a.Hi/e.Scale))
		q = min(max(q, lo), hi)
	}
	return append(y, byte(q))
}

// testQuantised runs a Spec on every tier for batches of 1 and 3, with tasks in
// two halves, and compares bytes. All memory ends at unmapped pages.
func testQuantised(t *testing.T, what string, s Spec, in []quantisedTensor, params []Param, want []byte) {
	t.Helper()
	var types []tensor.Type
	for _, x := range in {
		types = append(types, x.Type)
	}
	out, err := s.Infer(types, params)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for _, tier := range Tiers() {
		if !tier.Supported {
			continue
		}
		op, err := s.Bind(tier, types, params)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, n := range []int{1, 3} {
			memory := guard.New(t)
			ins := make([][]byte, len(in))
			for i, x := range in {
				ins[i] = guard.Make[byte](memory, n*len(x.q), guard.End)
				copy(ins[i], slices.Repeat(x.bytes(), n))
			}
			got := guard.Make[byte](memory, n*out[0].Bytes(), guard.End)
			for i := range got {
				got[i] = 0xa5
			}
			w := &Workspace{Scratch: guard.Make[byte](memory, op.Scratch(), guard.End)}
			half := op.Tasks(n) / 2
			op.Run(w, ins, [][]byte{got}, n, half, op.Tasks(n))
			op.Run(w, ins, [][]byte{got}, n, 0, half)
			if all := slices.Repeat(want, n); !slices.Equal(got, all) {
				i := 0
				for got[i] == all[i] {
					i++
				}
				t.Fatalf("%s on %s, %d items: byte %d of %d is %d, want %d", what, tier.Name, n, i, len(got), got[i], all[i])
			}
			memory.Release()
		}
	}
}

// quantisedWeights are random int8 with scales and biases for each column.
type quantisedWeights struct {
	w     func(k, n int) int64 // of a group's row and a column of all groups
	scale []float32
	bias  []int64
}

func (g *generator) quantisedWeights(k, n int) quantisedWeights {
	w := make([]int64, k*n)
	for i := range w {
		w[i] = int64(g.IntN(256)) - 128
	}
	q := quantisedWeights{w: func(i, j int) int64 { return w[i*n+j] }}
	for range n {
		q.scale = append(q.scale, 0.001+g.Float32()/256)
		q.bias = append(q.bias, int64(g.IntN(20000))-10000)
	}
	return q
}

func (q quantisedWeights) panels(groups, k, n int) Param {
	return QuantisedPanelsParam(Panels{Groups: groups, K: k, N: n},
		func(g, i, j int) int8 { return int8(q.w(i, g*n+j)) },
		func(g, j int) float32 { return q.scale[g*n+j] },
		func(g, j int) int32 { return int32(q.bias[g*n+j]) })
}

func (q quantisedWeights) taps(taps, c int) Param {
	return QuantisedTapsParam(taps, c,
		func(i, j int) int8 { return int8(q.w(i, j)) },
		func(j int) float32 { return q.scale[j] },
		func(j int) int32 { return int32(q.bias[j]) })
}

// refQuantisedConv is a convolution of integers, sum by sum.
func refQuantisedConv(c *Conv, in []quantisedTensor, q quantisedWeights, out tensor.Shape) (y []byte) {
	x := in[0]
	cin, cout := x.Shape[3]/c.Groups, c.Channels/c.Groups
	sum := func(n, oy, ox, ch int) int64 {
		s := q.bias[ch]
		for ky := range c.Kernel[0] {
			for kx := range c.Kernel[1] {
				for ci := range cin {
					iy, ix := oy*c.Stride[0]+ky*c.Dilation[0]-c.Pad[0], ox*c.Stride[1]+kx*c.Dilation[1]-c.Pad[1]
					s += x.real(n, iy, ix, ch/cout*cin+ci) * q.w((ky*c.Kernel[1]+kx)*cin+ci, ch)
				}
			}
		}
		return s
	}
	for index := range indices(out) {
		n, oy, ox, ch := index[0], index[1], index[2], index[3]
		var s int64
		if c.Pool {
			s = max(sum(n, 2*oy, 2*ox, ch), sum(n, 2*oy, 2*ox+1, ch), sum(n, 2*oy+1, 2*ox, ch), sum(n, 2*oy+1, 2*ox+1, ch))
		} else {
			s = sum(n, oy, ox, ch)
		}
		v := times(s, ratio(x.Scale, q.scale[ch], c.Result))
		if len(in) > 1 {
			v = plus(v, times(in[1].real(index...), ratio(in[1].Scale, 1, c.Result)))
		}
		y = store(y, c.Result, c.Act, v)
	}
	return y
}

// TestQuantisedConv compares convolutions with sums of integers, on every tier.
func TestQuantisedConv(t *testing.T) {
	g := newGenerator(1)
	cases := 400
	if brief() {
		cases = 60
	}
	for done := 0; done < cases; {
		w, size := g.window(false)
		c := &Conv{Window: w, Groups: 1, Channels: g.between(1, 40), Act: g.clamps(), Pool: g.IntN(3) == 0}
		cin := g.between(1, 20)
		depthwise := false
		switch g.IntN(4) {
		case 0:
			c.Groups = g.between(2, 3)
			cin, c.Channels = c.Groups*g.between(1, 6), c.Groups*g.between(1, 40)
		case 1:
			depthwise = true
			cin = g.between(1, 40)
			c.Groups, c.Channels = cin, cin
		}
		x := g.quantised(g.between(1, 2), size[0], size[1], cin)
		k := c.Kernel[0] * c.Kernel[1] * cin / c.Groups
		q := g.quantisedWeights(k, c.Channels)
		c.Result = g.result(math.Sqrt(float64(k)) * 64 * float64(x.Scale) / 4)
		p := q.panels(c.Groups, k, c.Channels/c.Groups)
		if depthwise {
			p = q.taps(k, cin)
		}
		in := []quantisedTensor{x}
		out, err := c.Infer([]tensor.Type{x.Type}, []Param{p})
		if err != nil {
			continue
		}
		if !c.Pool && g.IntN(2) == 0 {
			in = append(in, g.quantised(out[0].Shape...))
		}
		testQuantised(t, fmt.Sprintf("case %d: %+v of %v", done, c, x.Type), c, in, []Param{p}, refQuantisedConv(c, in, q, out[0].Shape))
		done++
	}
}

// TestQuantisedConvLarge has maps of several strips, blocks of panels and tiles.
func TestQuantisedConvLarge(t *testing.T) {
	g := newGenerator(2)
	for _, s := range []struct {
		size, cin, cout, kernel, stride, pad int
		pool                                 bool
	}{
		{24, 16, 100, 3, 1, 1, true},
		{40, 96, 40, 1, 1, 0, false},
		{15, 1024, 33, 1, 2, 0, false},
		{9, 1024, 40, 1, 1, 0, false},
		{33, 3, 32, 7, 2, 3, false},
		{28, 1, 32, 3, 1, 1, true},
	} {
		c := &Conv{Window: square(s.kernel, s.stride, s.pad), Groups: 1, Channels: s.cout, Act: g.clamps(), Pool: s.pool}
		x := g.quantised(1, s.size, s.size, s.cin)
		k := s.kernel * s.kernel * s.cin
		q := g.quantisedWeights(k, s.cout)
		c.Result = Elements{tensor.U8, float32(math.Sqrt(float64(k))) * x.Scale, 3}
		p := q.panels(1, k, s.cout)
		out, err := c.Infer([]tensor.Type{x.Type}, []Param{p})
		if err != nil {
			t.Fatal(err)
		}
		in := []quantisedTensor{x}
		testQuantised(t, fmt.Sprintf("%+v", s), c, in, []Param{p}, refQuantisedConv(c, in, q, out[0].Shape))
	}
}

// TestQuantisedDepthwiseResidual has maps of several strips, and rows of several
// calls, to which a residual is added.
func TestQuantisedDepthwiseResidual(t *testing.T) {
	g := newGenerator(3)
	for _, s := range []struct{ height, width, channels, kernel, stride, pad int }{
		{40, 40, 72, 3, 1, 1},
		{41, 37, 130, 3, 2, 1},
		{4, 700, 67, 3, 1, 0},
		{30, 30, 40, 5, 1, 2},
		{4, 300, 150, 2, 1, 0},
	} {
		c := &Conv{Window: square(s.kernel, s.stride, s.pad), Groups: s.channels, Channels: s.channels, Act: g.clamps()}
		x := g.quantised(2, s.height, s.width, s.channels)
		k := s.kernel * s.kernel
		q := g.quantisedWeights(k, s.channels)
		c.Result = Elements{tensor.U8, float32(math.Sqrt(float64(k))) * 64 * x.Scale, 100}
		p := q.taps(k, s.channels)
		out, err := c.Infer([]tensor.Type{x.Type}, []Param{p})
		if err != nil {
			t.Fatal(err)
		}
		in := []quantisedTensor{x, g.quantised(out[0].Shape...)}
		testQuantised(t, fmt.Sprintf("%+v", s), c, in, []Param{p}, refQuantisedConv(c, in, q, out[0].Shape))
	}
}

// TestQuantisedPlane compares convolutions of maps of one channel, pooled, in one
// strip and in several, of rows that take several calls, with padding on any side.
func TestQuantisedPlane(t *testing.T) {
	g := newGenerator(8)
	for _, s := range []struct {
		maps, height, width, channels int
		pad                           [4]int
	}{
		{1, 4, 4, 1, [4]int{}},
		{2, 9, 12, 16, [4]int{}},
		{1, 28, 28, 33, [4]int{1, 1, 1, 1}},
		{1, 11, 6, 40, [4]int{0, 2, 1, 0}},
		{2, 7, 8, 15, [4]int{2, 0, 0, 1}},
		{1, 5, 4003, 18, [4]int{1, 0, 0, 1}},
		{1, 300, 301, 3, [4]int{0, 1, 1, 0}},
	} {
		c := &Conv{Window: square(3, 1, 0), Groups: 1, Channels: s.channels, Act: g.clamps(), Pool: true}
		c.Pad = s.pad
		x := g.quantised(s.maps, s.height, s.width, 1)
		q := g.quantisedWeights(9, s.channels)
		c.Result = Elements{tensor.U8, 3 * x.Scale, 7}
		p := q.panels(1, 9, s.channels)
		out, err := c.Infer([]tensor.Type{x.Type}, []Param{p})
		if err != nil {
			t.Fatal(err)
		}
		want := refQuantisedConv(c, []quantisedTensor{x}, q, out[0].Shape)
		testQuantised(t, fmt.Sprintf("%+v", s), c, []quantisedTensor{x}, []Param{p}, want)
	}
}

// TestPlacedQuantised compares results among the channels of others with the same
// alone.
func TestPlacedQuantised(t *testing.T) {
	const first, few, whole = 5, 20, 64 // channels
	g := newGenerator(9)
	narrow, result, linear := Elements{tensor.U8, 0.02, 3}, Elements{tensor.U8, 0.05, 9}, Elements{tensor.U8, 0.031, 9}
	plane := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: few, Pool: true, Result: result}
	conv := &Conv{Window: square(3, 1, 1), Groups: 1, Channels: whole, Result: result}
	table := &Unary{Act: Act{Kind: ActSigmoid}, Result: result}
	for _, c := range []struct {
		spec   Spec
		x      tensor.Type
		params []Param
	}{
		{plane, narrow.Of(1, 22, 18, 1), []Param{g.quantisedWeights(9, few).panels(1, 9, few)}},
		{conv, narrow.Of(1, 22, 18, 5), []Param{g.quantisedWeights(45, whole).panels(1, 45, whole)}},
		{table, narrow.Of(1, 31, 19, few), []Param{TableParam(narrow, result, table.Of)}},
		{&Convert{Result: result}, narrow.Of(1, 31, 19, few), nil},
		{&Convert{Result: linear}, narrow.Of(1, 131, 19, whole), nil}, // several tasks
	} {
		eachTier(t, func(t *testing.T, tier *Tier) {
			op, err := c.spec.Bind(tier, []tensor.Type{c.x}, c.params)
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.spec.Infer([]tensor.Type{c.x}, c.params)
			if err != nil {
				t.Fatal(err)
			}
			const items = 2
			placer, ok := op.(Placer)
			if !ok {
				t.Fatalf("%T is not a Placer", op)
			}
			x := make([]byte, items*c.x.Shape.Volume())
			for i := range x {
				x[i] = byte(g.IntN(256))
			}
			own := out[0].Shape[3]
			channels := own + 30
			pixels := items * out[0].Shape.Volume() / own
			alone, among := make([]byte, pixels*own), make([]byte, pixels*channels)
			run := func(op Op, y []byte) {
				w := &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}
				op.Run(w, [][]byte{x}, [][]byte{y}, items, 0, op.Tasks(items))
			}
			run(op, alone)
			placed := placer.Place(first, channels)
			run(placed, among)
			for i, v := range among {
				want := byte(0)
				if ch := i%channels - first; ch >= 0 && ch < own {
					want = alone[i/channels*own+ch]
				}
				if v != want {
					t.Fatalf("%s: byte %d is %d, want %d", c.spec.Op(), i, v, want)
				}
			}
			byRows := c.params == nil && own == whole && tier != portable && lookup[asm.RescaleArgs](tier.kernels, rescaleKernel) != nil
			if _, ok := placed.(*placedRows); ok != byRows {
				t.Errorf("%s of %d channels is placed by a %T", c.spec.Op(), own, placed)
			}
		})
	}
}

// TestQuantisedFully compares fully connected layers with sums of integers.
func TestQuantisedFully(t *testing.T) {
	g := newGenerator(3)
	for _, s := range [][3]int{{1, 1, 1}, {1, 5, 17}, {2, 128, 10}, {7, 33, 100}, {1, 2048, 70}, {1, 100, 150}, {1, 8196, 64}, {230, 12, 20}, {500, 5, 9}, {70, 1024, 20}} {
		f := &FullyConnected{Channels: s[2], Act: g.clamps()}
		x := g.quantised(1, s[0], s[1])
		q := g.quantisedWeights(s[1], s[2])
		f.Result = g.result(math.Sqrt(float64(s[1])) * 16 * float64(x.Scale))
		var want []byte
		for i := range s[0] {
			for j := range s[2] {
				sum := q.bias[j]
				for k := range s[1] {
					sum += x.real(0, i, k) * q.w(k, j)
				}
				want = store(want, f.Result, f.Act, times(sum, ratio(x.Scale, q.scale[j], f.Result)))
			}
		}
		testQuantised(t, fmt.Sprint(s), f, []quantisedTensor{x}, []Param{q.panels(1, s[1], s[2])}, want)
	}
}

// TestQuantisedSumsWrap has sums that no int32 holds: they are modulo 2³².
func TestQuantisedSumsWrap(t *testing.T) {
	const k = 70000
	x := quantisedTensor{Elements{tensor.U8, 1, 0}.Of(1, k), slices.Repeat([]int64{255}, k)}
	p := QuantisedPanelsParam(Panels{Groups: 1, K: k, N: 1}, func(_, _, _ int) int8 { return 127 },
		func(_, _ int) float32 { return 1 }, func(_, _ int) int32 { return 5 })
	sum := int64(k)*255*127 + 5
	want := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(int32(sum))))
	testQuantised(t, "k of 70000", &FullyConnected{Channels: 1}, []quantisedTensor{x}, []Param{p}, want)
}

// TestQuantisedPool compares pools with sums of integers.
func TestQuantisedPool(t *testing.T) {
	g := newGenerator(4)
	for done := 0; done < 300; {
		w, size := g.window(false)
		p := &Pool{Window: w, Kind: PoolKind(g.IntN(3)), Ceil: g.IntN(2) == 0}
		x := g.quantised(g.between(1, 2), size[0], size[1], g.between(1, 40))
		p.Result = g.result(float64(x.Scale) * 64)
		if p.Kind == MaxPool {
			p.Result = ElementsOf(x.Type)
		}
		out, err := p.Infer([]tensor.Type{x.Type}, nil)
		if err != nil {
			continue
		}
		var want []byte
		for i := range indices(out[0].Shape) {
			sum, count, taps, most := int64(0), 0, 0, int64(0)
			for ky := range p.Kernel[0] {
				for kx := range p.Kernel[1] {
					iy, ix := i[1]*p.Stride[0]+ky*p.Dilation[0]-p.Pad[0], i[2]*p.Stride[1]+kx*p.Dilation[1]-p.Pad[1]
					if iy < size[0]+p.Pad[2] && ix < size[1]+p.Pad[3] {
						count++
					}
					if iy >= 0 && iy < size[0] && ix >= 0 && ix < size[1] {
						taps++
						most = max(most, x.real(i[0], iy, ix, i[3])+int64(x.Zero))
						sum += x.real(i[0], iy, ix, i[3])
					}
				}
			}
			if p.Kind == MaxPool {
				want = append(want, byte(most))
				continue
			}
			if p.Kind == AveragePool {
				count = taps
			}
			v := float32(0)
			if taps > 0 {
				v = times(sum, rounded(new(big.Float).SetPrec(400).Quo(exact(ratio(x.Scale, 1, p.Result)), exact(int64(count)))))
			}
			want = store(want, p.Result, Act{}, v)
		}
		testQuantised(t, fmt.Sprintf("case %d: %+v of %v", done, p, x.Type), p, []quantisedTensor{x}, nil, want)
		done++
	}
}

// TestQuantisedBinary compares sums, differences and products, broadcast too.
func TestQuantisedBinary(t *testing.T) {
	g := newGenerator(5)
	for i := range 300 {
		shape := []int{g.between(1, 3), g.between(1, 5), g.between(1, 40)}
		other := slices.Clone(shape)
		for d := range other {
			if g.IntN(3) == 0 {
				other[d] = 1
			}
		}
		x, y := g.quantised(shape...), g.quantised(other...)
		if g.IntN(2) == 0 {
			x, y = y, x
		}
		b := &Binary{Kind: BinaryKind(g.IntN(3)), Act: g.clamps(), Result: g.result(4)}
		var want []byte
		broadcast := func(x quantisedTensor, index []int) int64 {
			at := make([]int, len(index))
			for d := range at {
				at[d] = index[d] % x.Shape[d]
			}
			return x.real(at...)
		}
		for index := range indices(shape) {
			p, q := broadcast(x, index), broadcast(y, index)
			var v float32
			switch b.Kind {
			case Mul:
				v = times(p*q, ratio(x.Scale, y.Scale, b.Result))
			case Sub:
				v = plus(times(p, ratio(x.Scale, 1, b.Result)), -times(q, ratio(y.Scale, 1, b.Result)))
			default:
				v = plus(times(p, ratio(x.Scale, 1, b.Result)), times(q, ratio(y.Scale, 1, b.Result)))
			}
			want = store(want, b.Result, b.Act, v)
		}
		testQuantised(t, fmt.Sprintf("case %d: %+v of %v and %v", i, b, x.Type, y.Type), b, []quantisedTensor{x, y}, nil, want)
	}
}

// TestConvertQuantised converts every element of one quantised type to another, and
// numbers about every element's from float32 and to it.
func TestConvertQuantised(t *testing.T) {
	g := newGenerator(6)
	for range 40 {
		x := g.quantised(1, 256)
		for i := range x.q {
			x.q[i] = int64(i)
		}
		to := g.result(float64(x.Scale) * 64 * (0.25 + float64(g.Float32())))
		var want []byte
		for _, q := range x.q {
			v := times(q-int64(x.Zero), ratio(x.Scale, 1, to))
			want = store(want, to, Act{}, v)
		}
		testQuantised(t, fmt.Sprintf("%v to %v", x.Type, to), &Convert{to}, []quantisedTensor{x}, nil, want)

		e := ElementsOf(x.Type)
		c := &Convert{e}
		in := tensor.Floats(1, 256*4)
		op, err := c.Bind(portable, []tensor.Type{in}, nil)
		if err != nil {
			t.Fatal(err)
		}
		numbers, got := tensor.Aligned[float32](1024), make([]byte, 1024)
		for i := range numbers {
			numbers[i] = (float32(i%256) - float32(e.Zero) + []float32{0, 0.5, -0.5, g.Float32()}[i/256]) * e.Scale
		}
		numbers[1000], numbers[1001] = float32(math.Inf(1)), float32(math.Inf(-1))
		w := new(Workspace)
		op.Run(w, [][]byte{tensor.Bytes(numbers)}, [][]byte{got}, 1, 0, op.Tasks(1))
		for i, v := range numbers {
			quotient := v
			if tensor.IsFinite(v) {
				quotient = rounded(new(big.Float).SetPrec(400).Quo(exact(v), exact(e.Scale)))
			}
			if want := min(max(nearest(float64(quotient))+float64(e.Zero), 0), 255); got[i] != byte(want) {
				t.Fatalf("%v is %d of %v, want %v", v, got[i], e, want)
			}
		}
		if w.Fault != nil {
			t.Errorf("%v where there is no NaN", w.Fault)
		}
		numbers[7] = float32(math.NaN())
		op.Run(w, [][]byte{tensor.Bytes(numbers)}, [][]byte{got}, 1, 0, op.Tasks(1))
		if w.Fault != ErrNaN || got[7] != byte(e.Zero) {
			t.Errorf("NaN became %d, fault %v", got[7], w.Fault)
		}
	}
}

// TestConvertInt8 shifts int8 to uint8 of the same scale, and back.
func TestConvertInt8(t *testing.T) {
	for _, zero := range []int32{-128, -5, 0, 127} {
		signed := Elements{tensor.I8, 0.1, zero}
		unsigned := Elements{tensor.U8, 0.1, zero + 128}
		for _, c := range []struct{ from, to Elements }{{signed, unsigned}, {unsigned, signed}} {
			op, err := (&Convert{c.to}).Bind(portable, []tensor.Type{c.from.Of(256)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			x, y := make([]byte, 256), make([]byte, 256)
			for i := range x {
				x[i] = byte(i)
			}
			op.Run(new(Workspace), [][]byte{x}, [][]byte{y}, 1, 0, 1)
			for i := range x {
				if y[i] != x[i]+128 {
					t.Errorf("%v of %+v becomes %v of %+v", x[i], c.from, y[i], c.to)
				}
			}
		}
	}
}

// TestTable applies functions of one element by table.
func TestTable(t *testing.T) {
	g := newGenerator(7)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	x := g.quantised(2, 3000)
	u := &Unary{Kind: Activate, Act: Act{Kind: ActSigmoid}, Result: Elements{tensor.U8, 1. / 256, 0}}
	p := TableParam(ElementsOf(x.Type), u.Result, sigmoid)
	var want []byte
	for _, q := range x.q {
		v := sigmoid(float64(q-int64(x.Zero)) * float64(x.Scale))
		want = append(want, byte(min(nearest(v*256), 255)))
	}
	testQuantised(t, "sigmoid", u, []quantisedTensor{x}, []Param{p}, want)
}

// TestQuantisedMoves moves quantised elements, and takes the nearest.
func TestQuantisedMoves(t *testing.T) {
	g := newGenerator(8)
	x := g.quantised(1, 2, 3, 5)
	r := &Resize{Mode: Nearest, Coordinates: Asymmetric, Rounding: RoundFloor, Scale: [2]float32{2, 2}, Size: [2]int{4, 6}}
	var want []byte
	for i := range indices([]int{1, 4, 6, 5}) {
		want = append(want, byte(x.real(0, i[1]/2, i[2]/2, i[3])+int64(x.Zero)))
	}
	testQuantised(t, "nearest", r, []quantisedTensor{x}, nil, want)

	y := x
	y.q = slices.Clone(x.q)
	slices.Reverse(y.q)
	want = nil
	for i := range indices([]int{1, 2, 3, 10}) {
		part := []quantisedTensor{x, y}[i[3]/5]
		want = append(want, byte(part.real(0, i[1], i[2], i[3]%5)+int64(x.Zero)))
	}
	testQuantised(t, "concat", &Concat{Axis: 3}, []quantisedTensor{x, y}, nil, want)
}

// TestQuantisedErrors has what does not fit together.
func TestQuantisedErrors(t *testing.T) {
	g := newGenerator(9)
	x, q := Elements{tensor.U8, 0.1, 3}, g.quantisedWeights(4, 4)
	signed, plain := Elements{tensor.I8, 0.1, 3}, Elements{Elem: tensor.U8}
	panels := q.panels(1, 4, 4)
	floats := PanelsParam(Panels{tensor.F32, 1, 4, 4}, func(_, _, _ int) float32 { return 1 }, func(_, _ int) float32 { return 1 })
	one := Window{Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	huge := QuantisedPanelsParam(Panels{Groups: 1, K: 4, N: 4}, func(_, _, _ int) int8 { return 1 },
		func(_, _ int) float32 { return 1e30 }, func(_, _ int) int32 { return 0 })
	for _, c := range []struct {
		what   string
		spec   Spec
		in     []tensor.Type
		params []Param
	}{
		{"int8 operand", &FullyConnected{Channels: 4}, []tensor.Type{signed.Of(1, 4)}, []Param{panels}},
		{"operand without scale", &FullyConnected{Channels: 4}, []tensor.Type{plain.Of(1, 4)}, []Param{panels}},
		{"float weights", &FullyConnected{Channels: 4}, []tensor.Type{x.Of(1, 4)}, []Param{floats}},
		{"int8 weights of floats", &FullyConnected{Channels: 4}, []tensor.Type{tensor.Floats(1, 4)}, []Param{panels}},
		{"quantised result of floats", &FullyConnected{Channels: 4, Result: x}, []tensor.Type{tensor.Floats(1, 4)}, []Param{floats}},
		{"int8 result", &FullyConnected{Channels: 4, Result: signed}, []tensor.Type{x.Of(1, 4)}, []Param{panels}},
		{"result without scale", &FullyConnected{Channels: 4, Result: plain}, []tensor.Type{x.Of(1, 4)}, []Param{panels}},
		{"activation", &FullyConnected{Channels: 4, Act: Act{Kind: ActTanh}}, []tensor.Type{x.Of(1, 4)}, []Param{panels}},
		{"scale of 1e30", &FullyConnected{Channels: 4}, []tensor.Type{x.Of(1, 4)}, []Param{huge}},
		{"F(2×2)", &Conv{Window: square(3, 1, 1), Groups: 1, Channels: 4, Winograd: WinogradF2}, []tensor.Type{x.Of(1, 4, 4, 1)}, []Param{g.quantisedWeights(9, 4).panels(1, 9, 4)}},
		{"Winograd of too many channels", &Conv{Window: square(3, 1, 1), Groups: 1, Channels: 1, Winograd: WinogradF4}, []tensor.Type{x.Of(1, 1, 1, mostWordChannels+1)}, []Param{g.quantisedWeights(9*(mostWordChannels+1), 1).panels(1, 9*(mostWordChannels+1), 1)}},
		{"float residual", &Conv{Window: one, Groups: 1, Channels: 4}, []tensor.Type{x.Of(1, 2, 2, 4), tensor.Floats(1, 2, 2, 4)}, []Param{panels}},
		{"other maximum", &Pool{Window: one, Result: Elements{tensor.U8, 0.2, 3}}, []tensor.Type{x.Of(1, 2, 2, 4)}, nil},
		{"sum of too many", &Pool{Window: Window{Kernel: [2]int{3000, 3000}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}, Kind: AveragePool}, []tensor.Type{x.Of(1, 3000, 3000, 1)}, nil},
		{"quotient", &Binary{Kind: Div}, []tensor.Type{x.Of(4), x.Of(4)}, nil},
		{"param of floats", &Binary{}, []tensor.Type{x.Of(4)}, []Param{PlainParam([]int{4}, make([]float32, 4))}},
		{"mixed operands", &Binary{}, []tensor.Type{x.Of(4), tensor.Floats(4)}, nil},
		{"no table", &Unary{Result: x}, []tensor.Type{x.Of(4)}, nil},
		{"table of floats", &Unary{Result: x}, []tensor.Type{x.Of(4)}, []Param{PlainParam([]int{256}, make([]float32, 256))}},
		{"table for floats", &Unary{}, []tensor.Type{tensor.Floats(4)}, []Param{TableParam(x, x, math.Abs)}},
		{"table as shifts", &Normalise{Axes: []int{1, 2}}, []tensor.Type{tensor.Floats(1, 1, 1, 128)}, []Param{{Form: FormPlain, Elem: tensor.U8, Shape: []int{2, 128}, Data: make([]byte, 256)}}},
		{"quantised result of integers", &Binary{Result: x}, []tensor.Type{plain.Of(4), plain.Of(4)}, nil},
		{"int8 sum", &Binary{Result: x}, []tensor.Type{signed.Of(4), signed.Of(4)}, nil},
		{"comparison", &Binary{Kind: Less, Result: x}, []tensor.Type{x.Of(4), x.Of(4)}, nil},
		{"quantised elements as integers", &Convert{plain}, []tensor.Type{x.Of(4)}, nil},
		{"quantised elements as Booleans", &Convert{Elements{Elem: tensor.Bool}}, []tensor.Type{x.Of(4)}, nil},
		{"int64 to be quantised", &Convert{x}, []tensor.Type{{Elem: tensor.I64, Shape: []int{4}}}, nil},
		{"quantised float32", &Convert{Elements{tensor.F32, 0.5, 0}}, []tensor.Type{tensor.Floats(4)}, nil},
		{"half precision", &Convert{Elements{Elem: tensor.F16}}, []tensor.Type{tensor.Floats(4)}, nil},
		{"linear resize", &Resize{Mode: Linear, Scale: [2]float32{2, 2}, Size: [2]int{2, 2}}, []tensor.Type{x.Of(1, 1, 1, 1)}, nil},
	} {
		if _, err := c.spec.Bind(portable, c.in, c.params); err == nil {
			t.Errorf("%s: no error", c.what)
		} else {
			t.Logf("%s: %v", c.what, err)
		}
	}
}

// TestQuantisedParams checks data that files could hold.
func TestQuantisedParams(t *testing.T) {
	g := newGenerator(10)
	panels, taps := g.quantisedWeights(6, 20).panels(1, 6, 20), g.quantisedWeights(9, 20).taps(9, 20)
	for _, p := range []Param{panels, taps} {
		if err := p.CheckData(0, p.Data); err != nil {
			t.Errorf("%v: %v", p.Form, err)
		}
	}
	size := panels.Panels().Size()
	scale := func(x float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)) }
	for _, c := range []struct {
		param Param
		at    int
		bytes []byte
	}{
		{panels, 64, scale(0)}, {panels, 68, scale(float32(math.NaN()))}, {panels, 64, scale(-1)},
		{panels, size + 16, []byte{1}},       // a bias of column 20
		{panels, size + 64 + 16, scale(1)},   // its scale
		{panels, size + 128 + 16, []byte{1}}, // its weight
		{panels, 128 + 64 + 2, []byte{1}},    // row 6 of column 0
		{taps, 80, scale(0)}, {taps, 156, scale(float32(math.Inf(1)))},
	} {
		p := c.param
		p.Data = slices.Clone(p.Data)
		copy(p.Data[c.at:], c.bytes)
		if err := p.CheckData(0, p.Data); err == nil {
			t.Errorf("%v with %v at byte %d: no error", p.Form, c.bytes, c.at)
		}
		for off := 0; off < len(p.Data); off += p.CheckUnit() {
			if err := p.CheckData(off, p.Data[off:min(off+p.CheckUnit(), len(p.Data))]); err != nil {
				off = len(p.Data)
			} else if off+p.CheckUnit() >= len(p.Data) {
				t.Errorf("%v with %v at byte %d: no error in parts", p.Form, c.bytes, c.at)
			}
		}
	}
}

package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestNormalise tries every kind over any axes, with any scale and shift that is
// accepted.
func TestNormalise(t *testing.T) {
	g := newGenerator(40)
	for range 1500 {
		shape := g.shape(g.between(1, 5), 5)
		shape[g.IntN(len(shape))] = g.between(1, 40)
		s := &Normalise{Kind: NormaliseKind(g.IntN(int(ByL2) + 1)), Axes: g.Perm(len(shape))[:g.between(0, len(shape))], Epsilon: 1e-3}
		of := slices.Clone(shape)
		for i := range of {
			if g.IntN(2) == 0 {
				of[i] = 1
			}
		}
		var params []Param
		if g.IntN(3) > 0 {
			params = []Param{PlainParam(append([]int{2}, of...), quarters(g, 2*tensor.Shape(of).Volume()))}
			if _, err := infer(s, [][]int{shape}, params); err != nil {
				for _, axis := range s.Axes { // they differ along an axis that is normalised over
					of[axis] = 1
				}
				params[0] = PlainParam(append([]int{2}, of...), quarters(g, 2*tensor.Shape(of).Volume()))
			}
		}
		trial{spec: s, in: [][]int{shape}, params: params, ref: func(in, out []array) { refNormalise(s, params, in[0], out[0]) }}.run(t, g)
	}
}

// TestNormaliseLong has rows and columns that take more than one call.
func TestNormaliseLong(t *testing.T) {
	g := newGenerator(43)
	for _, c := range []struct{ shape, axes, of []int }{
		{[]int{2, 3 * callElements / 2}, []int{1}, []int{1, 3 * callElements / 2}},
		{[]int{2, 3 * callElements / 2}, []int{1}, []int{2, 1}},
		{[]int{callElements / 16, 40}, []int{0}, []int{1, 40}},
		{[]int{1, 50, 50, 8, 3}, []int{1, 2, 4}, []int{1, 1, 1, 8, 3}},
		{[]int{1, 8, 3, 50, 50}, []int{2, 3, 4}, []int{1, 8, 3, 1, 1}},
	} {
		s := &Normalise{Axes: c.axes, Epsilon: 1e-5}
		params := []Param{PlainParam(append([]int{2}, c.of...), quarters(g, 2*tensor.Shape(c.of).Volume()))}
		trial{spec: s, in: [][]int{c.shape}, params: params, ref: func(in, out []array) { refNormalise(s, params, in[0], out[0]) }}.run(t, g)
	}
}

// quarters are n small scales and shifts, so that results are no larger than
// what near allows for.
func quarters(g generator, n int) []float32 {
	x := g.floats(n)
	for i := range x {
		x[i] /= 4
	}
	return x
}

// refNormalise is a Normalise by its formula.
func refNormalise(s *Normalise, params []Param, x, y array) {
	kept := slices.Clone(x.shape)
	for _, axis := range s.Axes {
		kept[axis] = 1
	}
	sums, squares, magnitudes := newArray(kept...), newArray(kept...), newArray(kept...)
	count := float64(len(x.data) / len(sums.data))
	at := func(index []int) []int { return bounded(index, kept) }
	var p array
	if len(params) > 0 {
		p = arrayOf(params[0].Shape, params[0].Floats())
	}
	for index := range x.indices() {
		sums.set(sums.at(at(index)...)+x.at(index...), at(index)...)
	}
	for i := range sums.data {
		if sums.data[i] /= count; s.Kind != ByDeviation {
			sums.data[i] = 0
		}
	}
	for index := range x.indices() {
		d := x.at(index...) - sums.at(at(index)...)
		squares.set(squares.at(at(index)...)+d*d, at(index)...)
		magnitudes.set(magnitudes.at(at(index)...)+math.Abs(d), at(index)...)
	}
	for index := range x.indices() {
		divisor := squares.at(at(index)...)
		switch s.Kind {
		case ByL1:
			divisor = magnitudes.at(at(index)...)
		case ByL2:
			divisor = math.Sqrt(divisor)
		default:
			divisor = math.Sqrt(divisor/count + float64(s.Epsilon))
		}
		v := (x.at(index...) - sums.at(at(index)...)) / divisor
		if len(params) > 0 {
			of := params[0].Shape[1:]
			along := bounded(index, of)
			v = v*p.at(append([]int{0}, along...)...) + p.at(append([]int{1}, along...)...)
		}
		y.set(v, index...)
	}
}

// bounded is an index of a shape that broadcasts.
func bounded(index, shape []int) []int {
	b := slices.Clone(index)
	for i, d := range shape {
		if d == 1 {
			b[i] = 0
		}
	}
	return b
}

// TestNormaliseZero divides by nothing.
func TestNormaliseZero(t *testing.T) {
	for _, kind := range []NormaliseKind{ByL1, ByL2} {
		op, err := bind(&Normalise{Kind: kind, Axes: []int{0}}, Tiers()[0], [][]int{{3}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := []float32{1, 1, 1}
		runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{{0, 0, 0}}, [][]float32{got}, 1, 0, op.Tasks(1))
		if !slices.Equal(got, []float32{0, 0, 0}) {
			t.Errorf("kind %d of zeros is %v", kind, got)
		}
	}
}

// TestNormaliseFar normalises small differences of large numbers.
func TestNormaliseFar(t *testing.T) {
	x := []float32{10000, 10001, 10002, 10003}
	eachTier(t, func(t *testing.T, tier *Tier) {
		op, err := bind(&Normalise{Axes: []int{0}}, tier, [][]int{{4}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, 4)
		runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{x}, [][]float32{got}, 1, 0, op.Tasks(1))
		for i, v := range got {
			if want := float32((float64(i) - 1.5) / math.Sqrt(1.25)); !near(v, want, false) {
				t.Errorf("element %d is %v, want %v", i, v, want)
			}
		}
	})
}

// TestNormKeepsNaN spoils one channel of one item: that one alone is NaN.
func TestNormKeepsNaN(t *testing.T) {
	shape := []int{2, 3, 3, 20}
	x := newGenerator(41).floats(tensor.Shape(shape).Volume())
	x[7] = float32(math.NaN()) // item 0, channel 7
	op, err := bind((&Normalise{Axes: []int{1, 2}, Epsilon: 1e-5}), Tiers()[0], [][]int{shape}, []Param{PlainParam([]int{2, 1, 1, 1, 20}, make([]float32, 40))})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(x))
	runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{x}, [][]float32{got}, 1, 0, op.Tasks(1))
	for i, v := range got {
		if spoiled := i < 180 && i%20 == 7; tensor.IsNaN(v) != spoiled {
			t.Fatalf("element %d is %v", i, v)
		}
	}
}

func TestLRN(t *testing.T) {
	g := newGenerator(42)
	for _, g.special = range []bool{false, true} {
		for i := range 400 {
			shape := g.shape(4, 4)
			shape[3] = g.between(1, 20)
			l := &LRN{Size: g.between(1, 7), Alpha: g.Float32(), Beta: 0.75, Bias: 1 + g.Float32()}
			if i >= 200 { // more terms than are added afresh
				shape[2], shape[3] = g.between(1, 2), g.between(30, 150)
				l.Size = g.between(30, 2*shape[3]+2)
			}
			if g.IntN(2) == 0 {
				l.Beta = g.Float32()
			}
			trial{spec: l, in: [][]int{shape}, ref: func(in, out []array) {
				for index := range out[0].indices() {
					sum := 0.0
					c := index[3]
					first := c - int(math.Floor(float64(l.Size-1)/2))
					last := c + int(math.Ceil(float64(l.Size-1)/2))
					for i := first; i <= last; i++ {
						if in[0].inside(index[0], index[1], index[2], i) {
							v := in[0].at(index[0], index[1], index[2], i)
							sum += v * v
						}
					}
					base := float64(l.Bias) + float64(l.Alpha)/float64(l.Size)*sum
					out[0].set(in[0].at(index...)/math.Pow(base, float64(l.Beta)), index...)
				}
			}}.run(t, g)
		}
	}
}

// lrnPixel runs an LRN on one pixel.
func lrnPixel(t *testing.T, l *LRN, x []float32) []float32 {
	t.Helper()
	op, err := bind(l, Tiers()[0], [][]int{{1, 1, 1, len(x)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, len(x))
	runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{x}, [][]float32{y}, 1, 0, op.Tasks(1))
	return y
}

// TestLRNOfManyChannels has windows whose terms, added afresh for each channel,
// would be ten thousand million.
func TestLRNOfManyChannels(t *testing.T) {
	const channels = 1 << 17
	x := newGenerator(43).floats(channels)
	until := make([]float64, channels+1) // sums of the squares before a channel
	for i, v := range x {
		until[i+1] = until[i] + float64(v)*float64(v)
	}
	for _, size := range []int{33, 1000, channels - 1, channels, channels + 1, 2 * channels, math.MaxInt32} {
		l := &LRN{Size: size, Alpha: 3, Beta: 0.75, Bias: 1}
		for c, got := range lrnPixel(t, l, x) {
			sum := until[min(c+size/2+1, channels)] - until[max(c-(size-1)/2, 0)]
			want := float32(float64(x[c]) / math.Pow(1+3/float64(size)*sum, 0.75))
			if !near(got, want, false) {
				t.Fatalf("size %d: channel %d is %v, want %v", size, c, got, want)
			}
		}
	}
}

// TestLRNKeepsSpecials spoils one channel: what does not see it has the bits
// that it has without.
func TestLRNKeepsSpecials(t *testing.T) {
	const channels = 500
	for _, size := range []int{5, 32, 33, 60, 499} {
		l := &LRN{Size: size, Alpha: 1, Beta: 0.75, Bias: 1}
		x := newGenerator(44).floats(channels)
		for i := range x {
			x[i] = 1 + x[i]*x[i] // no 0
		}
		sound := lrnPixel(t, l, x)
		for _, at := range []int{0, 16, 59, 60, 61, 250, 499} {
			for _, special := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
				spoiled := append([]float32{}, x...)
				spoiled[at] = special
				for c, got := range lrnPixel(t, l, spoiled) {
					want := sound[c]
					switch {
					case at < c-(size-1)/2 || at > c+size/2:
					case tensor.IsNaN(special) || c == at: // Inf/Inf
						want = float32(math.NaN())
					default:
						want = 0
					}
					if !near(got, want, true) {
						t.Fatalf("size %d, %v in channel %d: channel %d is %v, want %v", size, special, at, c, got, want)
					}
				}
			}
		}
	}
}

package kernels

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

func TestSoftmax(t *testing.T) {
	g := newGenerator(31)
	for range 300 {
		shape := g.shape(g.between(1, 4), 5)
		s := &Softmax{Axis: g.IntN(len(shape)), Log: g.IntN(2) == 0}
		shape[s.Axis] = g.between(1, 30)
		shape[len(shape)-1] = g.between(1, 40)
		trial{spec: s, in: [][]int{shape}, ref: func(in, out []array) {
			for index := range out[0].indices() {
				sum := 0.0
				along := slices.Clone(index)
				for i := range shape[s.Axis] {
					along[s.Axis] = i
					sum += math.Exp(in[0].at(along...))
				}
				v := in[0].at(index...)
				if s.Log {
					out[0].set(v-math.Log(sum), index...)
				} else {
					out[0].set(math.Exp(v)/sum, index...)
				}
			}
		}}.run(t, g)
	}
}

// TestSoftmaxExtremes has elements whose exponentials overflow or vanish.
func TestSoftmaxExtremes(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct{ in, want []float32 }{
		{[]float32{1000, 1000}, []float32{0.5, 0.5}},
		{[]float32{-1000, -1000, -2000}, []float32{0.5, 0.5, 0}},
		{[]float32{math.MaxFloat32, -math.MaxFloat32}, []float32{1, 0}},
		{[]float32{0, -inf}, []float32{1, 0}},
		{[]float32{0, nan}, []float32{nan, nan}},
		{[]float32{0, inf}, []float32{nan, nan}},
	} {
		op, err := bind((&Softmax{}), Tiers()[0], [][]int{{len(c.in)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(c.in))
		runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{c.in}, [][]float32{got}, 1, 0, op.Tasks(1))
		// e^(Inf−Inf) is NaN, but what stands beside an infinity may be 0.
		ok := slices.EqualFunc(got, c.want, func(a, b float32) bool { return near(a, b, false) || tensor.IsNaN(b) && a == 0 && c.in[1] == inf })
		if !ok {
			t.Errorf("softmax of %v is %v, want %v", c.in, got, c.want)
		}
	}
}

func TestReduce(t *testing.T) {
	g := newGenerator(32)
	for _, g.special = range []bool{false, true} {
		for range 1500 {
			shape := g.shape(g.between(0, 5), 6)
			if len(shape) > 0 {
				shape[g.IntN(len(shape))] = g.between(1, 40)
			}
			r := &Reduce{Kind: ReduceKind(g.IntN(int(ReduceLogSumExp) + 1)), Axes: g.Perm(len(shape))[:g.between(0, len(shape))], Keep: g.IntN(2) == 0}
			trial{spec: r, in: [][]int{shape}, ref: func(in, out []array) {
				// The result with its dimensions of 1 kept lies as without them.
				kept := slices.Clone(shape)
				for _, axis := range r.Axes {
					kept[axis] = 1
				}
				groups := make([][]float64, tensor.Shape(kept).Volume())
				of := array{shape: kept}
				for index := range in[0].indices() {
					i := of.place(bounded(index, kept))
					groups[i] = append(groups[i], in[0].at(index...))
				}
				for i, group := range groups {
					out[0].data[i] = refReduce(r.Kind, group)
				}
			}}.run(t, g)
		}
	}
}

// refReduce is a Reduce of some numbers, as its kind says.
func refReduce(kind ReduceKind, x []float64) float64 {
	sum, product, l1, squares, exponentials := 0.0, 1.0, 0.0, 0.0, 0.0
	for _, v := range x {
		sum += v
		product *= v
		l1 += math.Abs(v)
		squares += v * v
		exponentials += math.Exp(v)
	}
	switch kind {
	case ReduceMean:
		return sum / float64(len(x))
	case ReduceMax:
		return slices.Max(append([]float64{math.Inf(-1)}, x...))
	case ReduceMin:
		return slices.Min(append([]float64{math.Inf(1)}, x...))
	case ReduceProduct:
		return product
	case ReduceL1:
		return l1
	case ReduceL2:
		return math.Sqrt(squares)
	case ReduceSquares:
		return squares
	case ReduceLogSum:
		return math.Log(sum)
	case ReduceLogSumExp:
		return math.Log(exponentials)
	}
	return sum
}

// TestMeanOfMany sums more elements than a float32 can count.
func TestMeanOfMany(t *testing.T) {
	const n = 1 << 22
	x := make([]float32, n)
	for i := range x {
		x[i] = 0.1
	}
	for _, s := range []Spec{
		&Reduce{Axes: []int{1, 2}},
		&Pool{Kind: AveragePool, Window: Window{Kernel: [2]int{1 << 11, 1 << 11}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}},
	} {
		op, err := bind(s, Tiers()[0], [][]int{{1, 1 << 11, 1 << 11, 1}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := []float32{0}
		runOp(op, &Workspace{Scratch: tensor.AlignedBytes(op.Scratch())}, [][]float32{x}, [][]float32{got}, 1, 0, op.Tasks(1))
		if got[0] != 0.1 {
			t.Errorf("%s of %d times 0.1 is %v", s.Op(), n, got[0])
		}
	}
}

// TestReduceIntegers compares with sums and products of big integers, which
// wrap around in the end.
func TestReduceIntegers(t *testing.T) {
	g := newGenerator(35)
	for range 600 {
		e := allElems[1+g.IntN(5)]
		shape := g.shape(g.between(0, 4), 5)
		if len(shape) > 0 && g.IntN(3) == 0 {
			shape[len(shape)-1] = g.between(60, 140) // more than are folded together
		}
		kind := []ReduceKind{ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceProduct, ReduceL1, ReduceSquares}[g.IntN(7)]
		r := &Reduce{Kind: kind, Axes: g.Perm(len(shape))[:g.between(0, len(shape))], Keep: g.IntN(2) == 0}
		n := g.between(1, 2)
		in := tensor.Type{Elem: e, Shape: shape}
		x := g.elements(e, n*in.Shape.Volume())
		out, types, _ := g.runTyped(t, r, []tensor.Type{in}, nil, [][]byte{x}, n)
		if types[0].Elem != e {
			t.Fatalf("a result of %v, want %v", types[0].Elem, e)
		}
		got := cells(e, out[0])
		kept := slices.Clone(shape)
		for _, axis := range r.Axes {
			kept[axis] = 1
		}
		of, volume := array{shape: kept}, tensor.Shape(kept).Volume()
		groups, all := make([][]int64, n*volume), cells(e, x)
		for item := range n {
			i := 0
			for index := range indices(shape) {
				to := item*volume + of.place(bounded(index, kept))
				groups[to] = append(groups[to], all[item*in.Shape.Volume()+i].i)
				i++
			}
		}
		for i, group := range groups {
			if want := wrapInt(e, refReduceIntegers(kind, e, group)); got[i].i != want {
				t.Fatalf("%+v of %v %v: result %d is %d, want %d of %v", r, e, shape, i, got[i].i, want, group)
			}
		}
	}
	for _, kind := range []ReduceKind{ReduceL2, ReduceLogSum, ReduceLogSumExp} {
		if _, err := (&Reduce{Kind: kind}).Infer([]tensor.Type{{Elem: tensor.I64, Shape: tensor.Shape{3}}}, nil); err == nil {
			t.Errorf("kind %d is computed of integers", kind)
		}
	}
}

// refReduceIntegers is a Reduce of integers, not yet wrapped around.
func refReduceIntegers(kind ReduceKind, e tensor.Elem, x []int64) int64 {
	sum, product := new(big.Int), big.NewInt(1)
	for _, v := range x {
		b := big.NewInt(v)
		switch kind {
		case ReduceL1:
			b.Abs(b)
		case ReduceSquares:
			b.Mul(b, b)
		}
		sum.Add(sum, b)
		product.Mul(product, b)
	}
	low := func(b *big.Int) int64 {
		return int64(new(big.Int).And(b, new(big.Int).SetUint64(math.MaxUint64)).Uint64())
	}
	switch kind {
	case ReduceMax:
		return slices.Max(x)
	case ReduceMin:
		return slices.Min(x)
	case ReduceProduct:
		return low(product)
	case ReduceMean:
		return wrapInt(e, low(sum)) / int64(len(x))
	}
	return low(sum)
}

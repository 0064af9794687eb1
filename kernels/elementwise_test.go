package kernels

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/infer-go/infer/asm"
	"github.com/infer-go/infer/tensor"
)

// refUnary is a Unary by the formulas of its documentation.
func refUnary(u *Unary, x float64) float64 {
	switch u.Kind {
	case Abs:
		return max(x, -x)
	case Neg:
		return 0 - x
	case Exp:
		return math.Exp(x)
	case Sqrt:
		return math.Sqrt(x)
	case Log:
		return math.Log2(x) * math.Ln2
	case Sin, Cos:
		sin, cos := math.Sincos(x)
		if u.Kind == Sin {
			return sin
		}
		return cos
	case Erf:
		return 1 - math.Erfc(x)
	case Sign:
		if x == 0 || math.IsNaN(x) {
			return x
		}
		return math.Copysign(1, x)
	case Floor:
		return math.Floor(x)
	case Ceil:
		return -math.Floor(-x)
	case Round:
		return math.RoundToEven(x)
	case Asin:
		return math.Atan2(x, math.Sqrt((1-x)*(1+x)))
	case Acos:
		return math.Atan2(math.Sqrt((1-x)*(1+x)), x)
	case Atan:
		return math.Atan2(x, 1)
	}
	return refAct(u.Act, x)
}

func TestUnary(t *testing.T) {
	g := newGenerator(10)
	g.huge = true
	for _, g.special = range []bool{false, true} {
		for kind := Activate; kind <= LastUnary; kind++ {
			for range 20 {
				u := &Unary{Kind: kind, Act: g.act()}
				shape := g.shape(g.between(0, 4), 9)
				trial{spec: u, in: [][]int{shape}, ref: func(in, out []array) {
					for i, x := range in[0].data {
						out[0].data[i] = refUnary(u, x)
					}
				}}.run(t, g)
			}
		}
	}
}

// TestNaNStays feeds NaN to every function: none may answer with a number.
func TestNaNStays(t *testing.T) {
	nan := float32(math.NaN())
	eachTier(t, func(t *testing.T, tier *Tier) {
		w := new(Workspace)
		for kind := NoActivation; kind <= LastActivation; kind++ {
			dst := make([]float32, 11)
			tier.activate(w, Act{Kind: kind, Lo: 0, Hi: 6}, dst, slices.Repeat([]float32{nan}, len(dst)))
			if slices.ContainsFunc(dst, isNumber) {
				t.Errorf("activation %d of NaN is %v", kind, dst)
			}
		}
		for kind := Abs; kind <= LastUnary; kind++ {
			op, err := bind(&Unary{Kind: kind}, tier, [][]int{{11}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]float32, 11)
			runOp(op, w, [][]float32{slices.Repeat([]float32{nan}, len(dst))}, [][]float32{dst}, 1, 0, op.Tasks(1))
			if slices.ContainsFunc(dst, isNumber) {
				t.Errorf("function %d of NaN is %v", kind, dst)
			}
		}
		for kind := Add; kind <= Pow; kind++ { // those of which there are kernels
			for _, x := range [][2]float32{{nan, 1}, {1, nan}, {nan, nan}, {nan, float32(math.Inf(1))}} {
				if (kind == PRelu || kind == Pow) && x[0] == 1 {
					continue // the slope of a positive number is not looked at; all powers of 1 are 1
				}
				dst := make([]float32, 11)
				tier.binary(kind)(&asm.BinaryArgs{X: &x[0], Y: &slices.Repeat(x[1:], len(dst))[0], Z: &dst[0], YStep: 4, Rows: 1, N: len(dst), Lo: -1, Hi: 1})
				if slices.ContainsFunc(dst, isNumber) {
					t.Errorf("function %d of %v is %v", kind, x, dst)
				}
			}
		}
	})
}

func isNumber(x float32) bool { return !tensor.IsNaN(x) }

// TestClampKeepsZero pins what vector units do: a negative zero at the bound 0
// is no less than it.
func TestClampKeepsZero(t *testing.T) {
	relu := Act{Kind: Clamp, Lo: 0, Hi: float32(math.Inf(1))}
	if y := relu.apply(float32(math.Copysign(0, -1))); y != 0 || !math.Signbit(float64(y)) {
		t.Errorf("ReLU of −0 is %v", y)
	}
}

// TestAngles has operands of sine and cosine on both sides of what their kernels
// take, one among others, in place and of any size.
func TestAngles(t *testing.T) {
	g := newGenerator(13)
	eachTier(t, func(t *testing.T, tier *Tier) {
		for _, kind := range []UnaryKind{Sin, Cos} {
			op, err := bind(&Unary{Kind: kind}, tier, [][]int{{10000}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, 10000)
			for i := range x {
				x[i] = float32(math.Ldexp(2*g.Float64()-1, g.IntN(40)-20))
				if g.IntN(50) == 0 {
					x[i] = []float32{maxAngle, -maxAngle, math.Nextafter32(maxAngle, 1e9), 1e10, -1e30, math.MaxFloat32, float32(math.Inf(-1)), float32(math.NaN())}[g.IntN(8)]
				}
			}
			y := slices.Clone(x)
			runOp(op, new(Workspace), [][]float32{y}, [][]float32{y}, 1, 0, op.Tasks(1))
			for i, v := range x {
				want := sum{value: refUnary(&Unary{Kind: kind}, float64(v))}
				want.size = math.Abs(want.value)
				want.within(4 * 0x1p-24)
				if err := want.check(y[i]); err != nil {
					t.Fatalf("function %d of %v %v", kind, v, err)
				}
			}
		}
	})
}

func refBinary(k BinaryKind, x, y float64) float64 {
	switch k {
	case Add:
		return x + y
	case Sub:
		return x - y
	case Mul:
		return x * y
	case Div:
		return x / y
	case Max:
		return max(x, y)
	case Min:
		return min(x, y)
	case Pow:
		return math.Pow(x, y)
	}
	if x < 0 {
		return x * y
	}
	return x
}

// repeated is the element of x that broadcasting puts at index.
func repeated(x array, index []int) float64 {
	at := make([]int, len(x.shape))
	for i, d := range x.shape {
		at[i] = index[len(index)-len(at)+i] % d
	}
	return x.at(at...)
}

func TestBinary(t *testing.T) {
	g := newGenerator(11)
	g.huge = true
	check := func(b *Binary, in [][]int, params []Param) {
		trial{spec: b, in: in, params: params, ref: func(in, out []array) {
			x, y := in[0], in[len(in)-1]
			if len(params) == 1 {
				y = arrayOf(params[0].Shape, params[0].Floats())
			}
			if b.Swap {
				x, y = y, x
			}
			for index := range out[0].indices() {
				// The function is rounded to float32 before the activation.
				v := float64(float32(refBinary(b.Kind, repeated(x, index), repeated(y, index))))
				out[0].set(refAct(b.Act, v), index...)
			}
		}}.run(t, g)
	}
	for _, g.special = range []bool{false, true} {
		for range 600 {
			shape := g.shape(g.between(0, 5), 6)
			x, y := g.repeatable(shape), g.repeatable(shape)
			b := &Binary{Kind: BinaryKind(g.IntN(int(Pow) + 1)), Act: g.act()}
			if g.IntN(2) == 0 {
				check(b, [][]int{x, y}, nil)
			} else {
				b.Swap = g.IntN(2) == 0
				check(b, [][]int{x}, []Param{PlainParam(y, g.floats(tensor.Shape(y).Volume()))})
			}
		}
		// The usual forms, over several tasks.
		for _, y := range [][]int{{2, 13, 11, 67}, {67}, {2, 1, 1, 67}, {2, 13, 11, 1}, {}, {1}} {
			for kind := Add; kind <= Pow; kind++ { // those of which there are kernels
				t.Run(fmt.Sprint(kind, y), func(t *testing.T) {
					check(&Binary{Kind: kind}, [][]int{{2, 13, 11, 67}, y}, nil)
					check(&Binary{Kind: kind}, [][]int{y, {2, 13, 11, 67}}, nil)
				})
			}
		}
	}
}

// repeatable is a shape that broadcasts to another: leading dimensions
// dropped, some of the others 1.
func (g generator) repeatable(shape []int) []int {
	var x []int
	for _, d := range shape[g.between(0, len(shape)):] {
		if g.IntN(3) == 0 {
			d = 1
		}
		x = append(x, d)
	}
	return x
}

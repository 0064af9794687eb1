package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestElementwise compares functions of one element with their formulas.
func TestElementwise(t *testing.T) {
	softplus := func(x float64) float64 { return math.Log1p(math.Exp(x)) }
	for _, c := range []struct {
		op    string
		opset int64
		attrs []attr
		f     func(x float64) float64
		only  string // the operations that it becomes, "Unary" if not given, * for any
	}{
		{"Log", 13, nil, func(x float64) float64 { return math.Log(x) }, ""},
		{"Sin", 7, nil, math.Sin, ""},
		{"Cos", 22, nil, math.Cos, ""},
		{"Tan", 22, nil, math.Tan, "Unary Unary Binary"},
		{"Sinh", 22, nil, math.Sinh, "*"},
		{"Cosh", 9, nil, math.Cosh, "*"},
		{"Asinh", 22, nil, math.Asinh, "*"},
		{"Acosh", 22, nil, math.Acosh, "*"},
		{"Atanh", 9, nil, math.Atanh, "*"},
		{"Asin", 22, nil, math.Asin, ""},
		{"Acos", 7, nil, math.Acos, ""},
		{"Atan", 22, nil, math.Atan, ""},
		{"Erf", 9, nil, math.Erf, ""},
		{"Sign", 13, nil, sign[float64], ""},
		{"Floor", 13, nil, math.Floor, ""},
		{"Ceil", 13, nil, math.Ceil, ""},
		{"Round", 22, nil, math.RoundToEven, ""},
		{"Abs", 13, nil, math.Abs, ""},
		{"Sqrt", 13, nil, math.Sqrt, ""},
		{"Elu", 22, []attr{{"alpha", float32(0.5)}}, func(x float64) float64 { return max(x, 0) + 0.5*math.Expm1(min(x, 0)) }, ""},
		{"Selu", 22, []attr{{"alpha", float32(1.5)}, {"gamma", float32(2)}}, func(x float64) float64 { return 2*max(x, 0) + 3*math.Expm1(min(x, 0)) }, ""},
		{"Celu", 12, nil, func(x float64) float64 { return max(x, 0) + math.Expm1(min(x, 0)) }, ""},
		{"Celu", 12, []attr{{"alpha", float32(2)}}, func(x float64) float64 { return max(x, 0) + 2*math.Expm1(min(x/2, 0)) }, ""},
		{"Softplus", 22, nil, softplus, ""},
		{"Softsign", 22, nil, func(x float64) float64 { return x / (1 + math.Abs(x)) }, ""},
		{"Mish", 18, nil, func(x float64) float64 { return x * math.Tanh(softplus(x)) }, ""},
		{"Gelu", 20, nil, func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }, ""},
		{"Gelu", 20, []attr{{"approximate", "tanh"}}, func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}, ""},
		{"Swish", 24, nil, func(x float64) float64 { return x / (1 + math.Exp(-x)) }, ""},
		{"Swish", 24, []attr{{"alpha", float32(1.5)}}, func(x float64) float64 { return x / (1 + math.Exp(-1.5*x)) }, "Binary Binary"},
		{"Shrink", 9, nil, func(x float64) float64 { return shrunk(x, 0.5, 0) }, ""},
		{"Shrink", 9, []attr{{"lambd", float32(1)}, {"bias", float32(0.25)}}, func(x float64) float64 { return shrunk(x, 1, 0.25) }, ""},
		{"ThresholdedRelu", 22, []attr{{"alpha", float32(0.5)}}, func(x float64) float64 {
			if x > 0.5 {
				return x
			}
			return 0
		}, ""},
		{"Affine", 7, []attr{{"alpha", float32(2)}, {"beta", float32(3)}}, func(x float64) float64 { return 2*x + 3 }, "Binary Binary"},
		{"ScaledTanh", 7, []attr{{"alpha", float32(2)}, {"beta", float32(0.5)}}, func(x float64) float64 { return 2 * math.Tanh(x/2) }, "Binary Binary"},
		{"ParametricSoftplus", 7, []attr{{"alpha", float32(2)}, {"beta", float32(0.5)}}, func(x float64) float64 { return 2 * softplus(x/2) }, "Binary Binary"},
	} {
		t.Run(c.op, func(t *testing.T) {
			m := newModel(c.opset)
			m.input("x", 0, 4, 3, 5)
			m.node(c.op, "x", "y", c.attrs...)
			m.output("y")
			net, _, err := Freeze(m.bytes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if c.only == "" {
				c.only = "Unary"
			}
			if got := steps(net); got != c.only && c.only != "*" {
				t.Errorf("steps %q, want %q", got, c.only)
			}
			compareFunction(t, c.f, run(t, net, 1, ramp(60))[0], ramp(60))
		})
	}
}

// TestSpecialNumbers tells NaN and infinities apart from numbers.
func TestSpecialNumbers(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	x := []float32{0, 1, -inf, nan, inf, -nan, math.MaxFloat32, -2}
	for _, c := range []struct {
		op    string
		attrs []attr
		want  []float32
	}{
		{"IsNaN", nil, []float32{0, 0, 0, 1, 0, 1, 0, 0}},
		{"IsInf", nil, []float32{0, 0, 1, 0, 1, 0, 0, 0}},
		{"IsInf", []attr{{"detect_negative", 0}}, []float32{0, 0, 0, 0, 1, 0, 0, 0}},
		{"IsInf", []attr{{"detect_positive", 0}}, []float32{0, 0, 1, 0, 0, 0, 0, 0}},
		{"IsInf", []attr{{"detect_negative", 0}, {"detect_positive", 0}}, make([]float32, 8)},
	} {
		m := newModel(20)
		m.input("x", 0, 8)
		m.node(c.op, "x", "b", c.attrs...)
		m.node("Cast", "b", "y", attr{"to", 1})
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, net, 1, x)[0]; !slices.Equal(got, c.want) {
			t.Errorf("%s %v: %v, want %v", c.op, c.attrs, got, c.want)
		}
	}
}

// TestLargeHyperbolics has operands whose squares, doubles and exponentials
// overflow, and infinities.
func TestLargeHyperbolics(t *testing.T) {
	inf := float32(math.Inf(1))
	x := []float32{1e30, -1e30, 89, -89, math.MaxFloat32, -math.MaxFloat32, inf, -inf}
	for op, f := range map[string]func(float64) float64{"Asinh": math.Asinh, "Sinh": math.Sinh, "Acosh": math.Acosh, "Cosh": math.Cosh} {
		m := newModel(22)
		m.input("x", 0, len(x))
		m.node(op, "x", "y")
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range run(t, net, 1, x)[0] {
			want := f(float64(x[i]))
			if float32(want) == got || want != want && got != got {
				continue
			}
			if !(math.Abs(float64(got)-want) <= 1e-5*math.Abs(want)) {
				t.Errorf("%s of %v is %v, want %v", op, x[i], got, want)
			}
		}
	}
}

func shrunk(x, lambda, bias float64) float64 {
	switch {
	case x < -lambda:
		return x + bias
	case x > lambda:
		return x - bias
	}
	return 0
}

// ramp goes from −3 to 3.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = -3 + 6*float32(i)/float32(n-1)
	}
	return x
}

func compareFunction(t *testing.T, f func(float64) float64, got, x []float32) {
	t.Helper()
	for i, v := range x {
		want := f(float64(v))
		if math.IsNaN(want) != (got[i] != got[i]) || math.Abs(float64(got[i])-want) > 1e-6*(1+math.Abs(want)) {
			t.Fatalf("of %v it is %v, want %v", v, got[i], want)
		}
	}
}

// TestPow has constant exponents, of which some are products, a constant base,
// and two activations.
func TestPow(t *testing.T) {
	for _, c := range []struct {
		exponent float32
		only     string
	}{
		{1, ""}, {2, "Binary"}, {3, "Binary Binary"}, {-1, "Binary"}, {0.5, "Binary"}, {-0.5, "Binary"}, {0, "Binary"}, {2.5, "Binary"}, {-4, "Binary"},
	} {
		m := newModel(15)
		m.input("x", 0, 60)
		m.floats("e", nil, c.exponent)
		m.node("Neg", "x", "n")
		m.node("Pow", "n e", "y")
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := steps(net), strings.TrimSpace("Unary "+c.only); got != want {
			t.Errorf("exponent %v: steps %q, want %q", c.exponent, got, want)
		}
		x := ramp(60)
		compareFunction(t, func(x float64) float64 { return math.Pow(-x, float64(c.exponent)) }, run(t, net, 1, x)[0], x)
	}

	// An exponent of whole numbers, and one that adds a dimension.
	m := newModel(12)
	m.input("x", 0, 4)
	m.ints("e", 2, 3, 0, 1)
	m.node("Pow", "x e", "p")
	m.floats("two", []int{1, 1, 1}, 2)
	m.node("Pow", "p two", "y")
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{16, 64, 1, 4} {
		if got := run(t, net, 1, []float32{2, 2, 2, 2})[0][i]; math.Abs(float64(got-want)) > 1e-5 {
			t.Errorf("element %d is %v, want %v", i, got, want)
		}
	}
	if shape := net.Values[net.Outputs[0]].Shape; len(shape) != 3 {
		t.Errorf("shape %v", shape)
	}

	m = newModel(13)
	m.input("x", 0, 60)
	m.floats("base", []int{1}, 2)
	m.node("Pow", "base x", "p")
	m.node("Pow", "p x", "y")
	m.output("y")
	if net, _, err = Freeze(m.bytes(), Options{}); err != nil {
		t.Fatal(err)
	}
	compareFunction(t, func(x float64) float64 { return math.Exp2(x * x) }, run(t, net, 1, ramp(60))[0], ramp(60))
}

// TestFoldElementwise computes functions of constants.
func TestFoldElementwise(t *testing.T) {
	for op, f := range map[string]func(float64) float64{
		"Log": math.Log, "Sin": math.Sin, "Cos": math.Cos, "Tan": math.Tan, "Erf": math.Erf, "Sign": sign[float64],
		"Floor": math.Floor, "Ceil": math.Ceil, "Round": math.RoundToEven,
		"Pow": func(x float64) float64 { return math.Pow(x, 1.5) },
	} {
		m := newModel(13)
		m.input("x", 0, 7)
		m.floats("c", []int{7}, 0.25, 0.5, 1, 1.5, 2, 2.5, 100)
		operands := "c"
		if op == "Pow" {
			m.floats("e", nil, 1.5)
			operands = "c e"
		}
		m.constant(op, operands, "f")
		m.node("Add", "x f", "y")
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := steps(net); got != "Binary" {
			t.Errorf("%s: steps %q", op, got)
		}
		compareFunction(t, f, run(t, net, 1, make([]float32, 7))[0], []float32{0.25, 0.5, 1, 1.5, 2, 2.5, 100})
	}
}

// TestOldImages has the operators that stood in front of nets for Windows ML.
func TestOldImages(t *testing.T) {
	x := ramp(2 * 4 * 5)
	for _, c := range []struct {
		op    string
		attrs []attr
		shape []int
		at    func(c, y, x int) int // of the operand
		scale float32
		bias  []float32
	}{
		{"ImageScaler", []attr{{"scale", float32(2)}, {"bias", []float32{1, -1}}}, []int{1, 2, 4, 5}, func(c, y, x int) int { return 20*c + 5*y + x }, 2, []float32{1, -1}},
		{"Crop", []attr{{"border", []int64{1, 2, 3, 1}}}, []int{1, 2, 1, 1}, func(c, _, _ int) int { return 20*c + 5*2 + 1 }, 1, []float32{0, 0}},
		{"Crop", []attr{{"border", []int64{1, 2, 0, 0}}, {"scale", []int64{2, 3}}}, []int{1, 2, 2, 3}, func(c, y, x int) int { return 20*c + 5*(y+2) + x + 1 }, 1, []float32{0, 0}},
	} {
		m := newModel(9)
		m.input("x", 0, 2, 4, 5)
		m.node(c.op, "x", "y", c.attrs...)
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := net.Values[net.Outputs[0]].Shape; !got.Equal(c.shape) {
			t.Fatalf("%s: shape %v, want %v", c.op, got, c.shape)
		}
		got := run(t, net, 1, x)[0]
		for i := range got {
			ch, rest := i/(c.shape[2]*c.shape[3]), i%(c.shape[2]*c.shape[3])
			if want := c.scale*x[c.at(ch, rest/c.shape[3], rest%c.shape[3])] + c.bias[ch]; math.Abs(float64(got[i]-want)) > 1e-6 {
				t.Fatalf("%s: element %d is %v, want %v", c.op, i, got[i], want)
			}
		}
	}
}

// TestBadElementwise has attributes and operands that make no sense.
func TestBadElementwise(t *testing.T) {
	for _, c := range []struct {
		op    string
		opset int64
		in    string
		attrs []attr
		want  string
	}{
		{"Gelu", 20, "x", []attr{{"approximate", "erf"}}, `approximate "erf" is unknown`},
		{"Celu", 12, "x", []attr{{"alpha", float32(0)}}, "must be positive"},
		{"Pow", 13, "x", nil, "1 operands where there should be 2"},
		{"ImageScaler", 9, "x", []attr{{"bias", []float32{1}}}, "1 biases for 4 channels"},
		{"ImageScaler", 10, "x", nil, "not supported"},
		{"Crop", 9, "x", []attr{{"border", []int64{1, 1}}}, "a border of 2 numbers"},
		{"Crop", 9, "x", []attr{{"border", []int64{0, 0, 0, 0}}, {"scale", []int64{1}}}, "a scale of 1 numbers"},
		{"Crop", 9, "x", []attr{{"border", []int64{4, 0, 4, 0}}}, "leave nothing"},
		{"Crop", 9, "x", []attr{{"border", []int64{0, 0, 0, 0}}, {"scale", []int64{1 << 62, 1 << 62}}}, "reach beyond"},
		{"Crop", 9, "x", []attr{{"border", []int64{1 << 62, 1 << 62, 0, 0}}, {"scale", []int64{1 << 62, 1 << 62}}}, "reach beyond"},
		{"Mish", 17, "x", nil, "not supported"},
		{"Swish", 24, "x", []attr{{"alpha", float32(math.Inf(1))}}, `attribute "alpha" is +Inf`},
	} {
		m := newModel(c.opset)
		m.input("x", 0, 4, 8, 8)
		m.node(c.op, c.in, "y", c.attrs...)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.op, err, c.want)
		}
	}
}

// TestRecogniseGelu has GELU as exporters spell it, and what is none.
func TestRecogniseGelu(t *testing.T) {
	numbers := func(m *model) {
		m.conv("x", "c", 6, 4, 3)
		m.floats("half", nil, 0.5)
		m.floats("one", nil, 1)
		m.floats("three", nil, 3)
		m.floats("root2", nil, math.Sqrt2)
		m.floats("inverse", []int{1}, math.Sqrt2/2)
		m.floats("outer", nil, float32(math.Sqrt(2/math.Pi)))
		m.floats("inner", nil, 0.044715)
	}
	testPass(t, "recognise activations", []passCase{
		{"halved last", func(m *model) {
			numbers(m)
			m.node("Div", "c root2", "d")
			m.node("Erf", "d", "e")
			m.node("Add", "e one", "s")
			m.node("Mul", "c s", "p")
			m.node("Mul", "p half", "y")
		}, "Transpose Conv Transpose", 4},
		{"halved first", func(m *model) {
			numbers(m)
			m.node("Mul", "c half", "h")
			m.node("Mul", "inverse c", "d")
			m.node("Erf", "d", "e")
			m.node("Add", "one e", "s")
			m.node("Mul", "s h", "y")
		}, "Transpose Conv Transpose", 4},
		{"the gate halved", func(m *model) {
			numbers(m)
			m.node("Div", "c root2", "d")
			m.node("Erf", "d", "e")
			m.node("Add", "e one", "s")
			m.node("Mul", "half s", "h")
			m.node("Mul", "h c", "y")
		}, "Transpose Conv Transpose", 4},
		{"by tanh of a cube", func(m *model) {
			numbers(m)
			m.node("Pow", "c three", "q")
			m.node("Mul", "q inner", "i")
			m.node("Add", "c i", "a")
			m.node("Mul", "a outer", "o")
			m.node("Tanh", "o", "e")
			m.node("Add", "e one", "s")
			m.node("Mul", "c half", "h")
			m.node("Mul", "h s", "y")
		}, "Transpose Conv Transpose", 8},
		{"by tanh of a product", func(m *model) {
			numbers(m)
			m.node("Mul", "c outer", "o")
			m.node("Mul", "c inner", "i")
			m.node("Mul", "i c", "ii")
			m.node("Add", "ii one", "a")
			m.node("Mul", "o a", "t")
			m.node("Tanh", "t", "e")
			m.node("Add", "e one", "s")
			m.node("Mul", "c half", "h")
			m.node("Mul", "h s", "y")
		}, "Transpose Conv Transpose", 8},
		{"Mish", func(m *model) {
			numbers(m)
			m.node("Softplus", "c", "s")
			m.node("Tanh", "s", "e")
			m.node("Mul", "c e", "y")
		}, "Transpose Conv Transpose", 2},
		{"not Mish of something else", func(m *model) {
			numbers(m)
			m.node("Softplus", "x", "s")
			m.node("Tanh", "s", "e")
			m.node("Exp", "x", "g")
			m.node("Mul", "g e", "y")
		}, "Unary Unary Unary Binary", 0},
		{"not without the half", func(m *model) {
			numbers(m)
			m.node("Div", "x root2", "d")
			m.node("Erf", "d", "e")
			m.node("Add", "e one", "s")
			m.node("Mul", "x s", "y")
		}, "Binary Unary Binary Binary", 0},
		{"not of another width", func(m *model) {
			numbers(m)
			m.node("Div", "x three", "d")
			m.node("Erf", "d", "e")
			m.node("Add", "e one", "s")
			m.node("Mul", "x s", "p")
			m.node("Mul", "p half", "y")
		}, "Binary Unary Binary Binary Binary", 0},
	})
}

// TestNumbers checks that what is made of numbers, tensors without dimensions,
// has none either.
func TestNumbers(t *testing.T) {
	m := newModel(13)
	m.input("x", 1, 6)
	m.node("ReduceSum", "x", "s", attr{"keepdims", 0})
	m.floats("c", nil, 2)
	m.node("Mean", "s c", "n")
	m.node("Reciprocal", "n", "i")
	m.ints("axes", 0)
	m.node("Unsqueeze", "i axes", "y")
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if shape := net.Values[net.Outputs[0]].Shape; !slices.Equal(shape, []int{1}) {
		t.Errorf("shape %v, want [1]", shape)
	}
	if got, want := run(t, net, 1, []float32{1, 2, 3, 4, 5, 6})[0][0], float32(2.0/23); math.Abs(float64(got-want)) > 1e-7 {
		t.Errorf("%v, want %v", got, want)
	}
}

package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestWindows compares constants with numbers worked out by hand.
func TestWindows(t *testing.T) {
	for _, c := range []struct {
		op    string
		build func(m *model)
		attrs []attr
		want  []float32
	}{
		{"HannWindow", func(m *model) { m.ints("n", 4) }, nil, []float32{0, 0.5, 1, 0.5}},
		{"HannWindow", func(m *model) { m.ints("n", 5) }, []attr{{"periodic", 0}}, []float32{0, 0.5, 1, 0.5, 0}},
		{"HammingWindow", func(m *model) { m.ints("n", 4) }, nil, []float32{4. / 46, 25. / 46, 1, 25. / 46}},
		{"BlackmanWindow", func(m *model) { m.ints("n", 4) }, []attr{{"output_datatype", int(typeDouble)}}, []float32{0, 0.34, 1, 0.34}},
		{"BlackmanWindow", func(m *model) { m.ints("n", 1) }, []attr{{"periodic", 0}}, []float32{0}},
		// Bins of 1,000 Hz; triangles that begin at bins 0 and 1 are highest at 1 and 2.
		{"MelWeightMatrix", func(m *model) {
			m.ints("mels", 2)
			m.ints("dft", 8)
			m.ints("rate", 8000)
			m.floats("lo", nil, 0)
			m.floats("hi", nil, 4000)
		}, nil, []float32{1, 0, 0, 1, 0, 0, 0, 0, 0, 0}},
	} {
		m := newModel(17)
		c.build(m)
		in := "n"
		if c.op == "MelWeightMatrix" {
			in = "mels dft rate lo hi"
		}
		m.constant(c.op, in, "w", c.attrs...)
		m.input("x", 0, 1)
		m.ints("flat", 1, -1)
		m.constant("Reshape", "w flat", "f")
		m.node("Mul", "x f", "y")
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.op, err)
		}
		got := run(t, net, 1, []float32{1})[0]
		if len(got) != len(c.want) || slices.ContainsFunc(got, func(x float32) bool { return x != x }) {
			t.Fatalf("%s: %v, want %v", c.op, got, c.want)
		}
		for i := range got {
			if math.Abs(float64(got[i]-c.want[i])) > 1e-6 {
				t.Errorf("%s: %v, want %v", c.op, got, c.want)
				break
			}
		}
	}
}

// TestBadSignal has sizes that make no sense, or too much memory.
func TestBadSignal(t *testing.T) {
	for _, c := range []struct {
		op    string
		build func(m *model)
		attrs []attr
		want  string
	}{
		{"HannWindow", func(m *model) { m.ints("n", -1) }, nil, "the size [-1]: -1 is negative, or too large"},
		{"HannWindow", func(m *model) { m.ints("n", 1<<62) }, nil, "is negative, or too large"},
		{"HannWindow", func(m *model) { m.ints("n", 1<<24) }, nil, "is too large"},
		{"HammingWindow", func(m *model) { m.ints("n", 3, 3) }, nil, "a size of 2 numbers"},
		{"HammingWindow", func(m *model) { m.floats("n", nil, 3) }, nil, "where a list of integers is expected"},
		{"BlackmanWindow", func(m *model) { m.ints("n", 3) }, []attr{{"output_datatype", 17}}, "output_datatype float8e4m3fn is not supported: float16 holds its numbers"},
		{"MelWeightMatrix", mel(1<<20, 1<<20, 8000, 0, 4000), nil, "is too large"},
		{"MelWeightMatrix", mel(4, 0, 8000, 0, 4000), nil, "the length of the DFT is 0"},
		{"MelWeightMatrix", mel(4, 16, 0, 0, 4000), nil, "the sample rate is 0"},
		{"MelWeightMatrix", mel(4, 16, 8000, 0, 1e6), nil, "edges from 0 to 1e+06 Hz at a sample rate of 8000"},
		{"MelWeightMatrix", mel(4, 16, 8000, 3000, 1000), nil, "edges from 3000 to 1000 Hz"},
		{"MelWeightMatrix", mel(4, 16, 8000, float32(math.NaN()), 1000), nil, "the lower edge is NaN"},
	} {
		m := newModel(17)
		c.build(m)
		in := "n"
		if c.op == "MelWeightMatrix" {
			in = "mels dft rate lo hi"
		}
		m.constant(c.op, in, "w", c.attrs...)
		m.input("x", 0, 1)
		m.node("Mul", "x w", "y")
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.op+"w") {
			t.Errorf("%s: error %v, want one that contains %q", c.op, err, c.want)
		}
	}
}

// mel adds the operands of MelWeightMatrix.
func mel(mels, dft, rate int64, lo, hi float32) func(*model) {
	return func(m *model) {
		m.ints("mels", mels)
		m.ints("dft", dft)
		m.ints("rate", rate)
		m.floats("lo", nil, lo)
		m.floats("hi", nil, hi)
	}
}

// TestRefusals says why operators are not supported that no net can have.
func TestRefusals(t *testing.T) {
	for op, want := range map[string]string{
		"RandomNormal":            "whose result is random",
		"Bernoulli":               "make its result an input of the model",
		"SoftmaxCrossEntropyLoss": "which is for training",
		"StringSplit":             "which is of text",
		"SequenceAt":              "values are tensors",
		"Loop":                    "with the loop unrolled",
		"ImageDecoder":            "as package picture does",
		"DFT":                     `not supported: DFT "DFTy" (opset 20); infer ops lists`,
	} {
		m := newModel(20)
		m.input("x", 0, 1)
		m.node(op, "x", "y")
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), op+"y") {
			t.Errorf("%s: error %v, want one that contains %q", op, err, want)
		}
	}
}

// TestBadBits has operands that have no bits, and no direction.
func TestBadBits(t *testing.T) {
	for _, c := range []struct {
		op, in string
		attrs  []attr
		want   string
	}{
		{"BitwiseAnd", "x c", nil, `operand 0, "x", is of float: only integers have bits`},
		{"BitwiseNot", "x", nil, `operand 0, "x", is of float: only integers have bits`},
		{"BitwiseOr", "i c", nil, "operands of i64 and of u8"},
		{"BitwiseXor", "b b", nil, `operand 0, "b", is of bool: only integers have bits`},
		{"BitwiseXor", "i", nil, "1 operands where there should be 2"},
		{"BitShift", "i i", nil, `direction "" is neither LEFT nor RIGHT`},
		{"BitShift", "i i", []attr{{"direction", "UP"}}, `direction "UP" is neither LEFT nor RIGHT`},
		{"BitShift", "x i", []attr{{"direction", "LEFT"}}, `operand 0, "x", is of float: only integers have bits`},
	} {
		m := newModel(18)
		m.input("x", 1, 2)
		m.integers("c", typeUint8, []int{2}, 1, 2)
		m.node("Cast", "x", "i", attr{"to", int(typeInt64)})
		m.node("Cast", "x", "b", attr{"to", int(typeBool)})
		m.node(c.op, c.in, "y", c.attrs...)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.op, err, c.want)
		}
	}
}

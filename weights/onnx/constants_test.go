package onnx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// A constantCase is a model of one input x and the output y, with what y is.
type constantCase struct {
	name  string
	opset int64
	dims  []int // of x, 0 for an open batch, of which two items are computed
	x     []float32
	build func(m *model)
	ask   bool // for a batch
	shape []int
	want  []float32
	steps string // if not empty, the steps that it must come to
}

func (c constantCase) run(t *testing.T) {
	m := newModel(max(c.opset, 13))
	m.input("x", c.dims...)
	c.build(m)
	m.output("y")
	net, report, err := Freeze(m.bytes(), Options{Batch: c.ask})
	if err != nil {
		t.Fatal(err)
	}
	n := 1
	if open := c.dims[0] == 0; open || c.ask {
		if !net.Batched {
			t.Fatalf("not batched: %s", report.Unbatched)
		}
		n = 2
	}
	y := net.Values[net.Outputs[0]]
	if !slices.Equal(y.Shape, c.shape) {
		t.Errorf("shape %v, want %v", y.Shape, c.shape)
	}
	got := asFloats(y.Elem, runBytes(t, net, nil, n, tensor.Bytes(c.x))[0])
	if !slices.Equal(got, c.want) {
		t.Errorf("%v, want %v", got, c.want)
	}
	if s := steps(net); c.steps != "" && s != c.steps {
		t.Errorf("steps %q, want %q", s, c.steps)
	}
}

// TestConstantValues has constants where values are expected.
func TestConstantValues(t *testing.T) {
	for _, c := range []constantCase{
		{name: "a class token, expanded to the batch", dims: []int{0, 2, 2}, x: []float32{1, 2, 3, 4, 5, 6, 7, 8}, build: func(m *model) {
			m.floats("token", []int{1, 1, 2}, 10, 20)
			m.ints("zero", 0)
			m.ints("rest", -1, -1)
			m.node("Shape", "x", "s")
			m.node("Gather", "s zero", "n")
			m.node("Concat", "n rest", "wanted", attr{"axis", 0})
			m.node("ConstantOfShape", "three", "ones", attr{"value", testTensor{"", typeInt64, []int{1}, []byte{1, 0, 0, 0, 0, 0, 0, 0}}})
			m.ints("three", 3)
			m.ints("minus", -1)
			m.node("Mul", "ones minus", "open")
			m.node("Equal", "wanted open", "is")
			m.node("Where", "is ones wanted", "shape")
			m.node("Expand", "token shape", "tokens")
			m.node("Concat", "tokens x", "y", attr{"axis", 1})
		}, shape: []int{1, 3, 2}, want: []float32{10, 20, 1, 2, 3, 4, 10, 20, 5, 6, 7, 8}, steps: "Constant Concat"},
		{name: "a class token of one picture", dims: []int{1, 2, 2}, ask: true, x: []float32{1, 2, 3, 4, 5, 6, 7, 8}, build: func(m *model) {
			m.floats("token", []int{1, 1, 2}, 10, 20)
			m.node("Concat", "x token", "y", attr{"axis", -2})
		}, shape: []int{1, 3, 2}, want: []float32{1, 2, 3, 4, 10, 20, 5, 6, 7, 8, 10, 20}},
		{name: "an output", dims: []int{1}, x: []float32{1}, build: func(m *model) {
			m.floats("w", []int{2, 2}, 1, 2, 3, 4)
			m.node("Identity", "w", "v")
			m.node("Identity", "v", "y")
		}, shape: []int{2, 2}, want: []float32{1, 2, 3, 4}, steps: "Constant"},
		{name: "an output of integers", dims: []int{1, 3}, x: []float32{1, 2, 3}, build: func(m *model) {
			m.node("Shape", "x", "y")
		}, shape: []int{2}, want: []float32{1, 3}},
		{name: "an operator that is not computed beforehand", dims: []int{1}, x: []float32{1}, build: func(m *model) {
			m.floats("w", []int{1, 1, 2, 2}, -1, 2, 3, 4)
			m.node("Relu", "w", "r")
			m.node("MaxPool", "r", "y", attr{"kernel_shape", []int64{2, 1}})
		}, shape: []int{1, 1, 1, 2}, want: []float32{3, 4}},
		{name: "channels of a map", dims: []int{1, 1, 2, 2}, x: []float32{1, 2, 3, 4}, build: func(m *model) {
			m.floats("k", []int{2, 1, 1, 1}, 1, 2)
			m.node("Conv", "x k", "c")
			m.floats("w", []int{1, 2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8)
			m.node("Concat", "c w", "j", attr{"axis", 1})
			m.floats("sum", []int{1, 4, 1, 1}, 1, 1, 1, 1)
			m.node("Conv", "j sum", "y")
		}, shape: []int{1, 1, 2, 2}, want: []float32{1 + 5 + 3, 2 + 6 + 6, 3 + 7 + 9, 4 + 8 + 12}, steps: "Conv Constant Concat Conv"},
		{name: "both operands of a product", dims: []int{1, 2}, x: []float32{1, 2}, build: func(m *model) {
			m.floats("a", []int{2, 2}, 1, 2, 3, 4)
			m.node("MatMul", "a a", "p")
			m.node("MatMul", "x p", "y")
		}, shape: []int{1, 2}, want: []float32{7 + 2*15, 10 + 2*22}},
		{name: "the left operand of a product", dims: []int{2, 1}, x: []float32{1, 2}, build: func(m *model) {
			m.floats("a", []int{2, 2}, 1, 2, 3, 4)
			m.node("MatMul", "a x", "y")
		}, shape: []int{2, 1}, want: []float32{5, 11}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestConstantForms has every form of a Constant.
func TestConstantForms(t *testing.T) {
	for i, a := range []attr{
		{"value", testTensor{"", typeFloat, []int{2}, rawFloats([]float32{3, 0})}},
		{"value_floats", []float32{3, 0}},
		{"value_float", float32(3)},
		{"value_ints", []int64{3, 0}},
		{"value_int", 3},
		{"sparse_value", testSparse{testTensor{"", typeFloat, []int{1}, rawFloats([]float32{3})}, testTensor{"", typeInt64, []int{1}, make([]byte, 8)}, []int{2}}},
		{"sparse_value", testSparse{testTensor{"", typeFloat, []int{1}, rawFloats([]float32{3})}, testTensor{"", typeInt64, []int{1, 1}, make([]byte, 8)}, []int{2}}},
	} {
		shape, want := []int{2}, []float32{3, 0}
		if strings.HasSuffix(a.name, "t") && i != 0 {
			shape, want = []int{}, []float32{3}
		}
		t.Run(fmt.Sprintf("%s %d", a.name, i), constantCase{dims: []int{1}, x: []float32{1}, build: func(m *model) {
			m.node("Constant", "", "y", a)
		}, shape: shape, want: want}.run)
	}
	for _, c := range []struct {
		a    attr
		want string
	}{
		{attr{"value_string", "three"}, "strings are not supported"},
		{attr{"sparse_value", testSparse{testTensor{"", typeFloat, []int{1}, rawFloats([]float32{3})}, testTensor{"", typeInt64, []int{1}, []byte{2, 0, 0, 0, 0, 0, 0, 0}}, []int{2}}}, "index [2] is outside of shape 2"},
		{attr{"sparse_value", testSparse{testTensor{"", typeFloat, []int{1}, rawFloats([]float32{3})}, testTensor{"", typeInt64, []int{0}, nil}, []int{2}}}, "0 indices for 1 elements"},
		{attr{"sparse_value", testSparse{testTensor{"", typeFloat, []int{1}, rawFloats([]float32{3})}, testTensor{"", typeInt64, []int{1}, make([]byte, 8)}, []int{1 << 15, 1 << 15}}}, "is too large"},
	} {
		m := newModel(13)
		m.input("x", 1)
		m.node("Constant", "", "y", c.a)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.a.name, err, c.want)
		}
	}
}

// inner is the graph of an attribute.
func inner(build func(m *model), outputs ...string) *model {
	m := newModel(13)
	build(m)
	m.output(outputs...)
	return m
}

// TestIf has If with conditions that are constant.
func TestIf(t *testing.T) {
	twice := inner(func(m *model) {
		m.floats("two", []int{1}, 2)
		m.node("Mul", "x two", "z") // x is the model's
	}, "z")
	plus := inner(func(m *model) {
		m.node("Add", "x outside", "z")
	}, "z")
	strange := inner(func(m *model) { m.node("Loop", "x", "z") }, "z")
	flag := func(m *model, b byte) {
		m.tensors = append(m.tensors, testTensor{"flag", typeBool, []int{}, []byte{b}})
		m.floats("outside", []int{1}, 100)
	}
	nested := inner(func(m *model) {
		m.node("Add", "x x", "xx")
		m.node("If", "flag", "w", attr{"then_branch", inner(func(m *model) { m.node("Add", "xx outside", "z") }, "z")}, attr{"else_branch", strange})
	}, "w")
	for _, c := range []constantCase{
		{name: "true", build: func(m *model) {
			flag(m, 1)
			m.node("If", "flag", "y", attr{"then_branch", twice}, attr{"else_branch", strange})
		}, want: []float32{2, 4}},
		{name: "false", build: func(m *model) {
			flag(m, 0)
			m.node("If", "flag", "y", attr{"then_branch", strange}, attr{"else_branch", plus})
		}, want: []float32{101, 102}},
		{name: "nested", build: func(m *model) {
			flag(m, 1)
			m.node("If", "flag", "y", attr{"then_branch", nested}, attr{"else_branch", twice})
		}, want: []float32{102, 104}},
		{name: "of a shape", build: func(m *model) { // as PyTorch exports x.squeeze(1)
			m.ints("one", 1)
			m.node("Shape", "x", "s")
			m.node("Gather", "s one", "d")
			m.node("Equal", "d one", "c")
			m.node("If", "c", "y",
				attr{"then_branch", inner(func(m *model) { m.node("Squeeze", "x one", "z") }, "z")},
				attr{"else_branch", inner(func(m *model) { m.node("Identity", "x", "z") }, "z")})
		}, want: []float32{1, 2}},
		{name: "what stands outside, and an initializer", build: func(m *model) {
			flag(m, 1)
			m.node("If", "flag", "a b", attr{"then_branch", inner(func(m *model) { m.floats("w", []int{1}, 7) }, "x", "w")}, attr{"else_branch", strange})
			m.node("Add", "a b", "y")
		}, want: []float32{8, 9}},
		{name: "nodes out of order", build: func(m *model) {
			flag(m, 1)
			m.node("If", "flag", "y", attr{"then_branch", inner(func(m *model) { m.node("Neg", "later", "z") }, "z")}, attr{"else_branch", strange})
			m.node("Abs", "x", "later")
		}, want: []float32{-1, -2}},
	} {
		c.dims, c.x, c.shape = []int{1, 2}, []float32{1, 2}, []int{1, 2}
		t.Run(c.name, c.run)
	}

	deep := inner(func(m *model) { m.node("Abs", "x", "z") }, "z")
	for range 20 {
		inside := deep
		deep = inner(func(m *model) { m.node("If", "flag", "z", attr{"then_branch", inside}, attr{"else_branch", strange}) }, "z")
	}
	for _, c := range []struct {
		name, condition string
		then, otherwise any
		want            string
	}{
		{"computed", "x", twice, plus, "the condition, operand 0"},
		{"no branch", "flag", int64(3), plus, `attribute "then_branch" is of type`},
		{"too many outputs", "flag", inner(func(m *model) { m.node("Abs", "x", "z") }, "z", "z"), plus, "has 2 outputs for 1 results"},
		{"an operator that is not known", "flag", strange, plus, "infer ops lists the operators that are"},
		{"a name that nobody knows", "flag", inner(func(m *model) { m.node("Abs", "nothing", "z") }, "z"), plus, `nothing gives "nothing" a value`},
		{"a fault inside", "flag", inner(func(m *model) { m.node("Transpose", "x", "z", attr{"perm", []int64{5}}) }, "z"), plus, `then_branch: Transpose "Transposez"`},
		{"an input", "flag", inner(func(m *model) { m.input("i", 1); m.node("Abs", "i", "z") }, "z"), plus, "has inputs"},
		{"too deep", "flag", deep, plus, "graphs are nested more than 16 deep"},
	} {
		m := newModel(13)
		m.input("x", 1, 2)
		flag(m, 1)
		m.node("If", c.condition, "y", attr{"then_branch", c.then}, attr{"else_branch", c.otherwise})
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.name, err, c.want)
		}
	}
}

// TestEmpty has tensors without elements inside a model.
func TestEmpty(t *testing.T) {
	for _, c := range []constantCase{
		{name: "a constant that is joined", dims: []int{1, 2}, x: []float32{1, 2}, build: func(m *model) {
			m.floats("none", []int{1, 0})
			m.node("Concat", "none x none", "y", attr{"axis", 1})
		}, shape: []int{1, 2}, want: []float32{1, 2}},
		{name: "a slice that takes none", dims: []int{0, 2}, x: []float32{1, 2, 3, 4}, build: func(m *model) {
			m.ints("from", 2)
			m.ints("to", 5)
			m.ints("axes", 1)
			m.node("Slice", "x from to axes", "none")
			m.node("Relu", "none", "still")
			m.node("Neg", "x", "n")
			m.node("Concat", "n still x", "y", attr{"axis", 1})
		}, shape: []int{1, 4}, want: []float32{-1, -2, 1, 2, -3, -4, 3, 4}},
		{name: "a part of none", dims: []int{1, 3}, x: []float32{1, 2, 3}, build: func(m *model) {
			m.ints("sizes", 2, 0, 1)
			m.node("Split", "x sizes", "a none b", attr{"axis", 1})
			m.node("Concat", "b none a", "y", attr{"axis", 1})
		}, shape: []int{1, 3}, want: []float32{3, 1, 2}},
		{name: "all in one part", dims: []int{1, 2}, x: []float32{1, 2}, build: func(m *model) {
			m.ints("sizes", 0, 2)
			m.node("Split", "x sizes", "none y", attr{"axis", 1})
		}, shape: []int{1, 2}, want: []float32{1, 2}},
		{name: "how many there are", dims: []int{1, 2}, x: []float32{1, 2}, build: func(m *model) {
			m.ints("index")
			m.node("Gather", "x index", "none", attr{"axis", 1})
			m.node("Shape", "none", "s")
			m.node("Cast", "s", "f", attr{"to", 1})
			m.node("Add", "x f", "y")
		}, shape: []int{1, 2}, want: []float32{2, 2}},
		{name: "what none is added to", dims: []int{1, 2}, x: []float32{1, 2}, build: func(m *model) {
			m.floats("none", []int{0, 1})
			m.node("Add", "x none", "sum")
			m.ints("axes", 0)
			m.node("Concat", "sum x", "y", attr{"axis", 0})
		}, shape: []int{1, 2}, want: []float32{1, 2}},
		{name: "a sum of none", dims: []int{1, 2}, x: []float32{1, 2}, build: func(m *model) {
			m.floats("none", []int{0, 2})
			m.ints("axes", 0)
			m.node("ReduceSum", "none axes", "sum")
			m.node("Add", "x sum", "y")
		}, shape: []int{1, 2}, want: []float32{1, 2}},
	} {
		t.Run(c.name, c.run)
	}
}

// TestOtherTypes has types that no value has, and what to take instead.
func TestOtherTypes(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(m *model)
		want  string
	}{
		{"a cast", func(m *model) { m.node("Cast", "x", "y", attr{"to", int(typeUint16)}) },
			"a cast of computed values to uint16 is not supported: int32 holds its numbers"},
		{"an input", func(m *model) {
			m.input("z", 1)
			m.inputs[1].elem = typeUint32
			m.node("Identity", "z", "y")
		}, `input "z": inputs of uint32 are not supported: export the model with one of another type: int64 holds its numbers`},
		{"an output", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"w", typeUint64, []int{1}, make([]byte, 8)})
			m.node("Identity", "w", "y")
		}, "int64 holds its numbers below 2⁶³"},
		{"floats of 8 bits", func(m *model) {
			m.tensors = append(m.tensors, testTensor{"w", 17, []int{1}, make([]byte, 1)})
			m.node("DequantizeLinear", "w x", "y")
		}, `"w": float8e4m3fn is not supported: float16 holds its numbers`},
		{"a constant of floats of 8 bits", func(m *model) {
			m.node("Constant", "", "w", attr{"value", testTensor{"", 19, []int{1}, make([]byte, 1)}})
			m.nodes[0].name = ""
			m.node("Add", "x w", "y")
		}, `Constant with result "w": attribute "value": float8e5m2 is not supported: float16 holds its numbers`},
		{"a cast to floats of 8 bits", func(m *model) {
			m.node("Cast", "x", "y", attr{"to", 17})
		}, `Cast "Casty" (opset 13): a cast of computed values to float8e4m3fn is not supported: float16 holds its numbers`},
		{"a cast of a constant to floats of 8 bits", func(m *model) {
			m.floats("w", []int{1}, 1)
			m.constant("Cast", "w", "v", attr{"to", 20})
			m.node("Add", "x v", "y")
		}, `Cast "Castv" (opset 13): a cast to float8e5m2fnuz is not supported`},
		{"an input of floats of 8 bits", func(m *model) {
			m.inputs[0].elem = 17
			m.node("Neg", "x", "y")
		}, `input "x": inputs of float8e4m3fn are not supported`},
		{"a scale that is computed", func(m *model) {
			m.integers("w", typeInt8, []int{1}, 1)
			m.node("Abs", "x", "size")
			m.node("DequantizeLinear", "w size", "y")
		}, `the scale, operand 1, "size", is not constant: export the model with it fixed`},
	} {
		m := newModel(13)
		m.input("x", 1)
		c.build(m)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", c.name, err, c.want)
		}
	}
}

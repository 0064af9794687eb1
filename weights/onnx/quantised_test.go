package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// integers adds an initializer of integers of a type.
func (m *model) integers(name string, kind elemType, dims []int, x ...int64) {
	var raw []byte
	for _, v := range x {
		raw = append(raw, binary.LittleEndian.AppendUint64(nil, uint64(v))[:kind.size()]...)
	}
	m.tensors = append(m.tensors, testTensor{name, kind, dims, raw})
}

// encoding adds a scale and a zero point, which are named after what they are of.
func (m *model) encoding(name string, kind elemType, scale float32, zero int64) string {
	m.floats(name+".s", nil, scale)
	m.integers(name+".z", kind, nil, zero)
	return fmt.Sprintf("%s.s %s.z", name, name)
}

// qdq adds what quantises a value and dequantises it again.
func (m *model) qdq(in, out string, kind elemType, scale float32, zero int64) {
	e := m.encoding(out, kind, scale, zero)
	m.node("QuantizeLinear", in+" "+e, out+".q")
	m.node("DequantizeLinear", out+".q "+e, out)
}

// codes adds an initializer of random integers from lo to hi.
func (m *model) codes(name string, kind elemType, lo, hi int, dims ...int) {
	x := make([]int64, tensor.Shape(dims).Volume())
	for i := range x {
		x[i] = int64(lo + m.rand.IntN(hi-lo+1))
	}
	m.integers(name, kind, dims, x...)
}

// channelScales adds a scale for each of n channels, and zero points of 0.
func (m *model) channelScales(name string, kind elemType, n int) string {
	m.weight(name+".s", 0.002, 0.02, n)
	m.integers(name+".z", kind, []int{n}, make([]int64, n)...)
	return fmt.Sprintf("%s.s %s.z", name, name)
}

// qdqConv adds a convolution of int8 weights with a scale for each channel and a
// bias of int32.
func (m *model) qdqConv(in, out string, cout, cin, k int, xScale float32, attrs ...attr) {
	m.codes(out+".w", typeInt8, -127, 127, cout, cin, k, k)
	m.node("DequantizeLinear", out+".w "+m.channelScales(out+".w", typeInt8, cout), out+".wf", attr{"axis", 0})
	m.nodes[len(m.nodes)-1].constant = true
	m.weight(out+".b", -0.3, 0.3, cout)
	m.node("Conv", fmt.Sprintf("%s %s.wf %s.b", in, out, out), out, attrs...)
}

// A typedValue is a computed tensor, of what elements it has in the model.
type typedValue struct {
	dims []int
	kind elemType
	x    []byte
}

// spell computes a model node by node, each frozen alone: no pass and no layout
// can hide there. Operators on quantised elements it computes only as what others
// spell out.
func (m *model) spell(t *testing.T, values map[string]typedValue) {
	t.Helper()
	var constants []testNode
	for _, n := range m.nodes {
		if n.constant {
			constants = append(constants, n)
			continue
		}
		one := newModel(m.opset)
		one.nodes, one.tensors, one.outputs = append(slices.Clone(constants), n), m.tensors, n.out
		var in [][]byte
		for _, name := range n.in {
			v, ok := values[name]
			if known := slices.ContainsFunc(one.inputs, func(v testValue) bool { return v.name == name }); ok && !known {
				one.inputs = append(one.inputs, testValue{name, v.dims, v.kind})
				in = append(in, v.x)
			}
		}
		net, _, err := Freeze(one.bytes(), Options{})
		if err != nil {
			t.Fatalf("node by node: %v", err)
		}
		for i, x := range runBytes(t, net, nil, 1, in...) {
			v := net.Values[net.Outputs[i]]
			values[n.out[i]] = typedValue{v.Shape, kindOf(v.Elem), x}
		}
	}
}

// A quantisedCase is a model of one input x, [n, 4, 8, 8], one output y; the same
// spelled out, if its operators are not; and the steps that it must come to.
type quantisedCase struct {
	name    string
	build   func(m *model)
	spelled func(m *model)
	steps   string
	float   bool // not all of it is computed in integers
	deep    bool // what is rounded apart shows in many elements
}

// compare freezes a case and compares it with what the nodes of its spelling
// compute one by one. Sums that fall between two elements are rounded apart now and
// then: a few elements may differ by one step.
func (c *quantisedCase) compare(t *testing.T, opset int64) {
	m, spelled := newModel(opset), newModel(opset)
	c.build(m)
	if c.spelled == nil {
		c.spelled = c.build
	}
	c.spelled(spelled)
	for _, m := range []*model{m, spelled} {
		if len(m.inputs) == 0 {
			m.input("x", 0, 4, 8, 8)
		}
		m.output("y")
	}
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := steps(net); got != c.steps {
		t.Errorf("steps %q, want %q", got, c.steps)
	}
	if net.Integer() == c.float {
		t.Errorf("integer is %v", net.Integer())
	}
	n := 1
	if net.Batched {
		n = 3
	}
	v := m.inputs[0]
	dims := slices.Clone(v.dims)
	if dims[0] == 0 {
		dims[0] = n
	}
	var x []byte
	for range tensor.Shape(dims).Volume() {
		switch v.elem {
		case typeUint8, typeInt8:
			x = append(x, byte(m.rand.IntN(256)))
		default:
			x = append(x, tensor.Bytes([]float32{2.4*m.rand.Float32() - 1.2})...)
		}
	}
	values := map[string]typedValue{"x": {dims, max(v.elem, typeFloat), x}}
	spelled.spell(t, values)
	got, want := runBytes(t, net, nil, n, x)[0], values["y"]
	out := net.Values[net.Outputs[0]]
	elem, _ := want.kind.elem()
	if out.Elem != elem || !slices.Equal(out.Shape[1:], want.dims[1:]) {
		t.Fatalf("the output is %v, want %v %v", out.Type, elem, want.dims)
	}
	a, b := asFloats(elem, got), asFloats(elem, want.x)
	step := float32(0)
	if elem != tensor.F32 {
		step = 1
	}
	most, apart := slices.Max(b)-slices.Min(b), 0
	if most == 0 {
		t.Fatal("all elements are the same")
	}
	for i := range b {
		diff := float32(math.Abs(float64(a[i] - b[i])))
		if diff > 1e-5*most {
			apart++
		}
		if !(diff <= max(1.01e-2*most, step)) {
			t.Fatalf("element %d is %v, want %v", i, a[i], b[i])
		}
	}
	if apart > len(b)/50+1 && !c.deep {
		t.Errorf("%d of %d elements differ", apart, len(b))
	}
}

const inScale, inZero = 0.01, 120

// maxima is a case of maxima of plain bytes.
func maxima(name string, kind elemType) quantisedCase {
	pool := func(m *model, in, out string) {
		m.node("MaxPool", in, out, attr{"kernel_shape", []int64{3, 3}}, attr{"pads", []int64{1, 1, 1, 1}})
	}
	input := func(m *model) { m.inputs = append(m.inputs, testValue{"x", []int{0, 4, 8, 8}, kind}) }
	return quantisedCase{name: "maxima of " + name, build: func(m *model) {
		input(m)
		pool(m, "x", "y")
	}, spelled: func(m *model) {
		input(m)
		m.node("Cast", "x", "f", attr{"to", int64(typeFloat)})
		pool(m, "f", "p")
		m.node("Cast", "p", "y", attr{"to", int64(kind)})
	}, steps: map[elemType]string{typeUint8: "Transpose Convert Pool Transpose", typeInt8: "Transpose Convert Pool Convert Transpose"}[kind]}
}

// TestQuantisedModels freezes models of quantised elements, in both of the ways in
// which they are written, and compares them with what they spell out.
func TestQuantisedModels(t *testing.T) {
	relu := func(m *model, in, out string) { m.node("Relu", in, out) }
	for _, c := range []quantisedCase{
		{name: "a convolution", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 6, 4, 3, inScale, attr{"pads", []int64{1, 1, 1, 1}})
			relu(m, "c", "r")
			m.qdq("r", "y", typeUint8, 0.02, 0)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "int8 and signed results", build: func(m *model) {
			m.qdq("x", "a", typeInt8, inScale, inZero-128)
			m.qdqConv("a", "c", 6, 4, 3, inScale)
			m.qdq("c", "y", typeInt8, 0.05, 3)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "a net", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 16, 4, 3, inScale, attr{"pads", []int64{1, 1, 1, 1}})
			relu(m, "c", "r")
			m.qdq("r", "b", typeUint8, 0.02, 0)
			m.node("MaxPool", "b", "p", attr{"kernel_shape", []int64{2, 2}}, attr{"strides", []int64{2, 2}})
			m.qdq("p", "d", typeUint8, 0.02, 0)
			m.qdqConv("d", "e", 16, 16, 3, 0.02, attr{"pads", []int64{1, 1, 1, 1}})
			m.qdq("e", "f", typeUint8, 0.08, 100)
			m.node("Add", "d f", "g")
			relu(m, "g", "h")
			m.qdq("h", "i", typeUint8, 0.06, 0)
			m.node("GlobalAveragePool", "i", "j")
			m.qdq("j", "k", typeUint8, 0.02, 0)
			m.node("Flatten", "k", "l")
			m.codes("w", typeInt8, -127, 127, 10, 16)
			m.constant("DequantizeLinear", "w "+m.channelScales("w", typeInt8, 10), "wf", attr{"axis", 0})
			m.weight("bias", -1, 1, 10)
			m.node("Gemm", "l wf bias", "y", attr{"transB", 1})
		}, steps: "Transpose Convert Conv Conv Binary Pool FullyConnected", deep: true},
		{name: "a depthwise convolution with stride and a clip", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 4, 1, 3, inScale, attr{"group", 4}, attr{"strides", []int64{2, 2}}, attr{"pads", []int64{1, 1, 1, 1}})
			m.floats("lo", nil, -0.4)
			m.floats("hi", nil, 0.9)
			m.node("Clip", "c lo hi", "r")
			m.qdq("r", "y", typeUint8, 0.02, 50)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "weights quantised from floats, by tensor", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.weight("w", -1, 1, 6, 4, 1, 1)
			m.encoding("w", typeInt8, 0.008, 0)
			m.constant("QuantizeLinear", "w w.s w.z", "wq")
			m.constant("DequantizeLinear", "wq w.s w.z", "wf")
			m.node("Conv", "a wf", "c")
			m.qdq("c", "y", typeUint8, 0.02, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "batch norm between", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 6, 4, 3, inScale)
			m.batchNorm("c", "n", 6)
			relu(m, "n", "r")
			m.qdq("r", "y", typeUint8, 0.03, 0)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "scaled and shifted channels", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.batchNorm("a", "n", 4)
			relu(m, "n", "r")
			m.qdq("r", "b", typeUint8, 0.01, 0)
			m.floats("f", []int{4, 1, 1}, 0.5, -2, 0, 1.5)
			m.node("Mul", "b f", "p")
			m.qdq("p", "c", typeUint8, 0.02, 200)
			m.weight("w", -1, 1, 1, 4, 1, 1)
			m.node("Sub", "w c", "d")
			m.qdq("d", "y", typeUint8, 0.03, 100)
		}, steps: "Transpose Convert Conv Conv Conv Convert Transpose"},
		{name: "a residual without quantisation between", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 4, 4, 3, inScale, attr{"pads", []int64{1, 1, 1, 1}})
			m.node("Add", "c a", "s")
			relu(m, "s", "r")
			m.qdq("r", "y", typeUint8, 0.03, 0)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "a residual of floats", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 4, 4, 3, inScale, attr{"pads", []int64{1, 1, 1, 1}})
			m.node("Sin", "x", "i")
			m.node("Add", "c i", "y")
		}, steps: "Transpose Convert Unary Conv Binary Transpose", float: true},
		{name: "a residual of a product", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.node("Mul", "a a", "p")
			m.qdq("p", "b", typeUint8, 0.008, 10)
			m.node("Sub", "a b", "s")
			m.qdq("s", "y", typeUint8, 0.015, 128)
		}, steps: "Convert Binary Binary Convert"},
		{name: "functions", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.node("Sigmoid", "a", "b")
			m.qdq("b", "c", typeUint8, 1./256, 0)
			m.node("LeakyRelu", "c", "d", attr{"alpha", float32(0.2)})
			m.floats("half", nil, 0.5)
			m.node("Sub", "half d", "e")
			m.node("HardSwish", "e", "f")
			m.qdq("f", "y", typeUint8, 0.002, 100)
		}, steps: "Convert Unary Unary Convert"},
		{name: "a clamp of elements that there are", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 6, 4, 3, inScale)
			m.qdq("c", "d", typeUint8, 0.05, 100)
			relu(m, "d", "r")
			m.qdq("r", "y", typeUint8, 0.05, 100)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "a clamp of other elements", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 6, 4, 3, inScale)
			m.qdq("c", "d", typeUint8, 0.05, 100)
			relu(m, "d", "r")
			m.qdq("r", "y", typeUint8, 0.03, 0)
		}, steps: "Transpose Convert Conv Unary Convert Transpose"},
		{name: "a value that several read", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 4, 4, 1, inScale)
			m.qdq("c", "d", typeUint8, 0.05, 100)
			relu(m, "d", "r")
			m.qdq("r", "e", typeUint8, 0.05, 100)
			m.node("Add", "d e", "s")
			m.qdq("s", "y", typeUint8, 0.05, 100)
		}, steps: "Transpose Convert Conv Unary Binary Convert Transpose"},
		{name: "moves", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 4, 4, 1, inScale)
			m.qdq("c", "d", typeUint8, 0.03, 100)
			m.ints("pads", 0, 0, 1, 2, 0, 0, 0, 1)
			m.floats("value", nil, 0.3)
			m.node("Pad", "d pads value", "p")
			m.floats("scales", []int{4}, 1, 1, 2, 2)
			m.node("Resize", "p _ scales", "u", attr{"mode", "nearest"})
			m.ints("starts", 1)
			m.ints("ends", 15)
			m.ints("axes", 3)
			m.node("Slice", "u starts ends axes", "s")
			m.node("Split", "s", "s1 s2", attr{"axis", 1})
			m.node("Concat", "s2 s1", "k", attr{"axis", 1})
			m.node("SpaceToDepth", "k", "z", attr{"blocksize", 2})
			m.node("Transpose", "z", "t", attr{"perm", []int64{0, 3, 1, 2}})
			m.qdq("t", "y", typeUint8, 0.03, 100)
		}, steps: "Transpose Convert Conv Pad Resize Slice Split Concat Convert Transpose"},
		{name: "padding between two elements", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 4, 4, 1, inScale)
			m.qdq("c", "d", typeUint8, 0.03, 100)
			m.ints("pads", 0, 0, 1, 2, 0, 0, 0, 1)
			m.floats("value", nil, 0.315)
			m.node("Pad", "d pads value", "p")
			m.qdq("p", "y1", typeUint8, 0.06, 100)
			m.qdq("p", "y2", typeUint8, 0.05, 90)
			m.node("Concat", "y1 y2", "y", attr{"axis", 1})
		}, steps: "Transpose Convert Conv Convert Pad Convert Convert Convert Convert Concat Transpose"},
		{name: "padding beyond all elements", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 4, 4, 1, inScale)
			m.qdq("c", "d", typeUint8, 0.03, 100)
			m.ints("pads", 0, 0, 1, 2, 0, 0, 0, 1)
			m.floats("value", nil, 5)
			m.node("Pad", "d pads value", "p")
			m.qdq("p", "y1", typeUint8, 0.06, 100)
			m.qdq("p", "y2", typeUint8, 0.05, 90)
			m.node("Concat", "y1 y2", "y", attr{"axis", 1})
		}, steps: "Transpose Convert Conv Convert Pad Convert Convert Convert Convert Concat Transpose"},
		{name: "operands of two scales joined", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 4, 4, 1, inScale)
			m.qdq("c", "d", typeUint8, 0.03, 100)
			m.node("Concat", "a d", "k", attr{"axis", 1})
			m.qdq("k", "y", typeUint8, 0.02, 110)
		}, steps: "Transpose Convert Conv Unary Unary Concat Convert Transpose"},
		{name: "pooled floats", build: func(m *model) {
			m.node("Sin", "x", "s")
			m.node("MaxPool", "s", "p", attr{"kernel_shape", []int64{3, 3}}, attr{"pads", []int64{1, 1, 1, 1}})
			m.qdq("p", "a", typeUint8, inScale, inZero)
			m.node("AveragePool", "a", "q", attr{"kernel_shape", []int64{3, 3}}, attr{"pads", []int64{1, 1, 1, 1}})
			m.qdq("q", "y", typeUint8, 0.006, 100)
		}, steps: "Unary Convert Transpose Pool Pool Convert Transpose", float: true},
		{name: "read by another scale and zero point", build: func(m *model) {
			e := m.encoding("a", typeUint8, inScale, inZero)
			m.node("QuantizeLinear", "x "+e, "q")
			m.node("DequantizeLinear", "q "+m.encoding("b", typeUint8, 0.03, 7), "y")
		}, steps: "Convert Unary Convert"},
		{name: "no zero points", build: func(m *model) {
			m.floats("s", nil, 0.005)
			m.node("QuantizeLinear", "x s", "q")
			m.node("DequantizeLinear", "q s", "y")
		}, steps: "Convert Convert"},
		{name: "a scale for each channel", build: func(m *model) {
			m.weight("s", 0.005, 0.02, 4)
			m.integers("z", typeUint8, []int{4}, 100, 128, 0, 255)
			m.node("QuantizeLinear", "x s z", "q")
			m.node("DequantizeLinear", "q s z", "y", attr{"axis", -3})
		}, steps: "Binary Unary Binary Binary Binary", float: true},
		maxima("uint8", typeUint8),
		maxima("int8", typeInt8),
		{name: "bytes of a picture", build: func(m *model) {
			m.inputs = append(m.inputs, testValue{"x", []int{0, 4, 8, 8}, typeUint8})
			m.node("DequantizeLinear", "x "+m.encoding("x", typeUint8, 1./255, 0), "a")
			m.qdqConv("a", "c", 6, 4, 3, 1./255)
			m.qdq("c", "y", typeUint8, 0.05, 100)
		}, steps: "Convert Unary Transpose Conv Convert Transpose"},
		{name: "an input of int8, an output of int8", build: func(m *model) {
			m.inputs = append(m.inputs, testValue{"x", []int{0, 4, 8, 8}, typeInt8})
			e := m.encoding("x", typeInt8, 0.01, 5)
			m.node("DequantizeLinear", "x "+e, "a")
			m.node("Tanh", "a", "t")
			m.node("QuantizeLinear", "t "+e, "y")
		}, steps: "Convert Unary Unary Convert"},
		{name: "an output of uint8", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "c", 6, 4, 3, inScale)
			m.node("QuantizeLinear", "c "+m.encoding("c", typeUint8, 0.05, 100), "y")
		}, steps: "Transpose Convert Conv Transpose"},
		{name: "integers in the middle", build: func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeInt8, inScale, -8), "q")
			m.node("Cast", "q", "f", attr{"to", int(typeFloat)})
			m.node("Cast", "q", "i", attr{"to", int(typeInt32)})
			m.integers("three", typeInt32, nil, 3)
			m.node("Mul", "i three", "j")
			m.node("Cast", "j", "g", attr{"to", int(typeFloat)})
			m.node("Add", "f g", "y")
		}, steps: "Convert Unary Convert Convert Convert Binary Convert Binary", float: true},
		{name: "clipped and joined elements", build: func(m *model) {
			e := m.encoding("a", typeUint8, inScale, inZero)
			m.node("QuantizeLinear", "x "+e, "q")
			m.integers("lo", typeUint8, nil, 60)
			m.integers("hi", typeUint8, nil, 210)
			m.node("Clip", "q lo hi", "c")
			m.node("QuantizeLinear", "x "+m.encoding("b", typeUint8, 0.02, 3), "p")
			m.node("Concat", "p q", "k", attr{"axis", 1})
			m.node("DequantizeLinear", "k "+e, "d")
			m.node("DequantizeLinear", "c "+e, "f")
			m.node("Concat", "d f", "g", attr{"axis", 1})
			m.qdq("g", "y", typeUint8, 0.02, 100)
		}, steps: "Convert Unary Convert Convert Binary Binary Convert Unary Concat Unary Convert Unary Unary Unary Concat Convert"},
		{name: "padded elements", build: func(m *model) {
			e := m.encoding("a", typeInt8, inScale, -8)
			m.node("QuantizeLinear", "x "+e, "q")
			m.ints("pads", 0, 0, 1, 2, 0, 0, 0, 1)
			m.integers("value", typeInt8, nil, -100)
			m.node("Pad", "q pads value", "p")
			m.node("Pad", "p pads", "r")
			m.node("DequantizeLinear", "r "+e, "y")
		}, steps: "Convert Pad Pad Convert"},
		{name: "softmax stays float", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.node("Softmax", "a", "s", attr{"axis", 1})
			m.qdq("s", "y", typeUint8, 1./256, 0)
		}, steps: "Convert Convert Softmax Convert Convert", float: true},
		{name: "weights that int8 cannot hold without their zero point", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeUint8, 0, 255, 6, 4, 3, 3)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeUint8, 0.01, 100), "wf")
			m.node("Conv", "a wf", "c", attr{"strides", []int64{2, 1}}, attr{"pads", []int64{1, 0, 2, 1}})
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Resize Conv Convert Transpose"},
		{name: "such weights of a dilated depthwise convolution, and of a sum", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeUint8, 0, 255, 4, 1, 3, 3)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeUint8, 0.01, 170), "wf")
			m.node("Conv", "a wf", "c", attr{"group", 4}, attr{"dilations", []int64{2, 1}}, attr{"pads", []int64{2, 1, 2, 1}})
			m.node("Add", "c a", "s")
			m.qdq("s", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Resize Conv Convert Transpose"},
		{name: "such weights of a convolution of one dimension", build: func(m *model) {
			m.input("x", 0, 4, 20)
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeUint8, 0, 255, 6, 4, 3)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeUint8, 0.01, 100), "wf")
			m.node("Conv", "a wf", "c", attr{"pads", []int64{1, 2}})
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Resize Conv Convert Transpose"},
		{name: "such weights dilated both ways stay float", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeUint8, 0, 255, 6, 4, 3, 3)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeUint8, 0.01, 100), "wf")
			m.node("Conv", "a wf", "c", attr{"dilations", []int64{2, 2}})
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Convert Conv Convert Convert Transpose", float: true},
		{name: "such weights of a product", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.qdqConv("a", "p", 8, 4, 3, inScale)
			m.qdq("p", "q", typeUint8, 0.05, 100)
			m.node("Flatten", "q", "f")
			m.codes("w", typeUint8, 0, 255, 288, 5)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeUint8, 0.01, 77), "wf")
			m.node("MatMul", "f wf", "c")
			m.qdq("c", "y", typeUint8, 0.9, 128)
		}, steps: "Transpose Convert Conv Transpose Take FullyConnected Convert"},
		{name: "a weight of 255 stays float", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.integers("w", typeUint8, []int{1, 4, 1, 1}, 255, 3, 0, 200)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeUint8, 0.01, 0), "wf")
			m.node("Conv", "a wf", "c")
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Convert Conv Convert Convert", float: true},
		{name: "weights of uint8", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeUint8, 0, 255, 6, 4, 3, 3)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeUint8, 0.01, 128), "wf")
			m.node("Conv", "a wf", "c")
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "weights of int8 with a zero point", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeInt8, -100, 127, 6, 4, 3, 3)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeInt8, 0.01, 9), "wf")
			m.node("Conv", "a wf", "c")
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "a bias of another scale", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeInt8, -127, 127, 6, 4, 3, 3)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeInt8, 0.01, 0), "wf")
			m.codes("b", typeInt32, -1000, 1000, 6)
			m.constant("DequantizeLinear", "b "+m.encoding("b", typeInt32, 0.003, 0), "bf")
			m.node("Conv", "a wf bf", "c")
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "a bias too large for its unit", build: func(m *model) {
			m.qdq("x", "a", typeUint8, 1e-4, inZero)
			m.codes("w", typeInt8, -127, 127, 6, 4, 3, 3)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeInt8, 1e-7, 0), "wf")
			m.weight("b", -0.1, 0.1, 6)
			m.node("Conv", "a wf b", "c")
			m.qdq("c", "y", typeUint8, 0.001, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "a channel of zeros", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.integers("w", typeInt8, []int{2, 4, 1, 1}, 1, -2, 3, 100, 0, 0, 0, 0)
			m.floats("w.s", []int{2}, 0.01, 1e-12)
			m.integers("w.z", typeInt8, []int{2}, 0, 0)
			m.constant("DequantizeLinear", "w w.s w.z", "wf", attr{"axis", 0})
			m.floats("b", []int{2}, 0.1, 0.37)
			m.node("Conv", "a wf b", "c")
			m.qdq("c", "y", typeUint8, 0.01, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "a product with a matrix", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeInt8, -127, 127, 8, 5)
			m.constant("DequantizeLinear", "w "+m.channelScales("w", typeInt8, 5), "wf", attr{"axis", 1})
			m.node("MatMul", "a wf", "c")
			m.weight("b", -1, 1, 5)
			m.node("Add", "b c", "d")
			m.qdq("d", "y", typeUint8, 0.06, 128)
		}, steps: "Convert FullyConnected Convert"},
		{name: "a product with a matrix that is transposed", build: func(m *model) {
			m.qdq("x", "a", typeInt8, inScale, 0)
			m.codes("w", typeInt8, -127, 127, 5, 8)
			m.constant("DequantizeLinear", "w "+m.channelScales("w", typeInt8, 5), "wf", attr{"axis", 0})
			m.constant("Transpose", "wf", "wt", attr{"perm", []int64{1, 0}})
			m.node("MatMul", "a wt", "c")
			m.qdq("c", "y", typeInt8, 0.06, 0)
		}, steps: "Convert FullyConnected Convert"},
		{name: "weights whose dimensions are permuted and joined", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.codes("w", typeInt8, -127, 127, 3, 3, 4, 6)
			m.constant("DequantizeLinear", "w "+m.channelScales("w", typeInt8, 6), "wf", attr{"axis", 3})
			m.constant("Transpose", "wf", "wt", attr{"perm", []int64{3, 2, 0, 1}})
			m.ints("shape", 6, 4, 9, 1)
			m.constant("Reshape", "wt shape", "wr")
			m.node("Conv", "a wr", "c", attr{"pads", []int64{4, 0, 4, 0}})
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "products of two values stay float", build: func(m *model) {
			m.qdq("x", "a", typeUint8, inScale, inZero)
			m.node("MatMul", "a a", "c")
			m.qdq("c", "y", typeUint8, 0.06, 128)
		}, steps: "Convert Convert MatMul Convert Convert", float: true},
	} {
		t.Run(c.name, func(t *testing.T) { c.compare(t, 14) })
	}
}

// TestQLinearOperators compares operators on quantised elements with what they
// mean.
func TestQLinearOperators(t *testing.T) {
	input := func(m *model, kind elemType) string { // x quantised, and its scale and zero point
		zero := int64(inZero)
		if kind == typeInt8 {
			zero -= 128
		}
		e := m.encoding("a", kind, inScale, zero)
		m.node("QuantizeLinear", "x "+e, "a")
		return "a " + e
	}
	real := func(m *model, kind elemType) string {
		e := input(m, kind)
		m.node("DequantizeLinear", e, "ar")
		return "ar"
	}
	end := func(m *model, e string) { m.node("DequantizeLinear", "q "+e, "y") }
	// one is an operator of one operand.
	one := func(name, of, steps string, float bool, qattrs []attr, attrs ...attr) quantisedCase {
		return quantisedCase{name: name, steps: steps, float: float, build: func(m *model) {
			in := input(m, typeInt8)
			e := m.encoding("q", typeInt8, 0.005, -10)
			m.node(name, in+" "+e, "q", append(slices.Clone(qattrs), attrs...)...)
			end(m, e)
		}, spelled: func(m *model) {
			m.node(of, real(m, typeInt8), "r", attrs...)
			m.qdq("r", "y", typeInt8, 0.005, -10)
		}}
	}
	two := func(name, of string, kind elemType) quantisedCase {
		return quantisedCase{name: fmt.Sprint(name, " of ", kind), steps: "Convert Binary Convert", build: func(m *model) {
			in := input(m, kind)
			e := m.encoding("q", kind, 0.03, 60)
			m.node(name, in+" "+in+" "+e, "q")
			end(m, e)
		}, spelled: func(m *model) {
			in := real(m, kind)
			m.node(of, in+" "+in, "r")
			m.qdq("r", "y", kind, 0.03, 60)
		}}
	}
	weights := func(m *model, kind elemType, dims ...int) {
		m.codes("w", kind, -100, 100, dims...)
		if kind == typeUint8 {
			m.tensors = m.tensors[:len(m.tensors)-1]
			m.codes("w", kind, 28, 228, dims...)
		}
	}
	pads := attr{"pads", []int64{1, 0, 0, 1}}
	conv := func(kind elemType, channels bool, bias bool) quantisedCase {
		scales := func(m *model) string {
			if channels {
				return m.channelScales("w", kind, 6)
			}
			return m.encoding("w", kind, 0.01, map[elemType]int64{typeUint8: 128, typeInt8: 3}[kind])
		}
		return quantisedCase{name: fmt.Sprint("QLinearConv of ", kind, channels, bias), steps: "Transpose Convert Conv Convert Transpose", build: func(m *model) {
			in := input(m, typeUint8)
			weights(m, kind, 6, 4, 3, 3)
			in += " w " + scales(m)
			e := m.encoding("q", typeUint8, 0.05, 120)
			in += " " + e
			if bias {
				m.codes("b", typeInt32, -2000, 2000, 6)
				in += " b"
			}
			m.node("QLinearConv", in, "q", pads)
			end(m, e)
		}, spelled: func(m *model) {
			in := real(m, typeUint8)
			weights(m, kind, 6, 4, 3, 3)
			m.constant("DequantizeLinear", "w "+scales(m), "wr", attr{"axis", 0})
			in += " wr"
			m.encoding("q", typeUint8, 0.05, 120)
			if bias {
				m.codes("b", typeInt32, -2000, 2000, 6)
				m.floats("ten", nil, inScale)
				m.constant("Mul", "w.s ten", "b.s")
				m.constant("DequantizeLinear", "b b.s", "br", attr{"axis", 0})
				in += " br"
			}
			m.node("Conv", in, "r", pads)
			m.qdq("r", "y", typeUint8, 0.05, 120)
		}}
	}
	gemm := func(transposed int, float bool) quantisedCase {
		dims := [][]int{{8, 6}, {6, 8}}[transposed]
		c := quantisedCase{name: fmt.Sprint("QGemm ", transposed, float), steps: "Convert FullyConnected Convert", build: func(m *model) {
			m.input("x", 0, 8)
			in := input(m, typeUint8)
			weights(m, typeInt8, dims...)
			in += " w " + m.channelScales("w", typeInt8, 6)
			m.codes("b", typeInt32, -2000, 2000, 6)
			in += " b"
			if float {
				m.node("QGemm", in, "y", attr{"transB", transposed}, attr{"alpha", float32(2)})
				return
			}
			e := m.encoding("q", typeUint8, 0.05, 120)
			m.node("QGemm", in+" "+e, "q", attr{"transB", transposed}, attr{"alpha", float32(2)})
			end(m, e)
		}, spelled: func(m *model) {
			m.input("x", 0, 8)
			in := real(m, typeUint8)
			weights(m, typeInt8, dims...)
			m.constant("DequantizeLinear", "w "+m.channelScales("w", typeInt8, 6), "wr", attr{"axis", 1 - transposed})
			m.codes("b", typeInt32, -2000, 2000, 6)
			m.floats("ten", nil, 2*inScale)
			m.constant("Mul", "w.s ten", "b.s")
			m.constant("DequantizeLinear", "b b.s", "br", attr{"axis", 0})
			if float {
				m.node("Gemm", in+" wr br", "y", attr{"transB", transposed}, attr{"alpha", float32(2)})
				return
			}
			m.node("Gemm", in+" wr br", "r", attr{"transB", transposed}, attr{"alpha", float32(2)})
			m.qdq("r", "y", typeUint8, 0.05, 120)
		}}
		if float {
			c.steps = "Convert FullyConnected"
		}
		return c
	}
	matMul := quantisedCase{name: "QLinearMatMul", steps: "Convert FullyConnected Convert", build: func(m *model) {
		in := input(m, typeUint8)
		weights(m, typeInt8, 8, 6)
		in += " w " + m.channelScales("w", typeInt8, 6)
		e := m.encoding("q", typeUint8, 0.05, 120)
		m.node("QLinearMatMul", in+" "+e, "q")
		end(m, e)
	}, spelled: func(m *model) {
		in := real(m, typeUint8)
		weights(m, typeInt8, 8, 6)
		m.constant("DequantizeLinear", "w "+m.channelScales("w", typeInt8, 6), "wr", attr{"axis", 1})
		m.node("MatMul", in+" wr", "r")
		m.qdq("r", "y", typeUint8, 0.05, 120)
	}}
	concat := quantisedCase{name: "QLinearConcat", steps: "Convert Unary Concat Convert", build: func(m *model) {
		in := input(m, typeUint8)
		e := m.encoding("q", typeUint8, 0.02, 100)
		m.node("QLinearConcat", e+" "+in+" "+in, "q", attr{"axis", 2})
		end(m, e)
	}, spelled: func(m *model) {
		in := real(m, typeUint8)
		m.node("Concat", in+" "+in, "r", attr{"axis", 2})
		m.qdq("r", "y", typeUint8, 0.02, 100)
	}}
	window := []attr{{"kernel_shape", []int64{3, 3}}, {"strides", []int64{2, 2}}, {"count_include_pad", 1}, pads}
	for _, c := range []quantisedCase{
		one("QLinearSigmoid", "Sigmoid", "Convert Unary Convert", false, nil),
		one("QLinearLeakyRelu", "LeakyRelu", "Convert Unary Convert", false, nil, attr{"alpha", float32(0.3)}),
		one("QLinearGlobalAveragePool", "GlobalAveragePool", "Transpose Convert Pool Convert", false, []attr{{"channels_last", 0}}),
		one("QLinearAveragePool", "AveragePool", "Transpose Convert Pool Convert Transpose", false, nil, window...),
		one("QLinearSoftmax", "Softmax", "Convert Convert Softmax Convert Convert", true, []attr{{"opset", 13}}, attr{"axis", 1}),
		two("QLinearAdd", "Add", typeUint8), two("QLinearAdd", "Add", typeInt8), two("QLinearMul", "Mul", typeUint8),
		conv(typeInt8, true, true), conv(typeInt8, false, true), conv(typeInt8, false, false), conv(typeUint8, false, true),
		gemm(0, false), gemm(1, false), gemm(1, true), matMul, concat,
	} {
		t.Run(c.name, func(t *testing.T) { c.compare(t, 14) })
	}
}

// TestComputedZeroPoints has zero points of ConvInteger and MatMulInteger that are
// inputs, of each kernel, of each row and of each column.
func TestComputedZeroPoints(t *testing.T) {
	m := newModel(13)
	m.inputs = []testValue{{"x", []int{1, 1, 2, 2}, typeUint8}, {"w", []int{2, 1, 2, 2}, typeUint8}, {"wz", []int{2}, typeUint8}, {"rows", []int{2}, typeUint8}}
	m.integers("xz", typeUint8, nil, 1)
	m.ints("matrix", 2, 2)
	m.node("ConvInteger", "x w xz wz", "c")
	m.node("Reshape", "x matrix", "a")
	m.node("MatMulInteger", "a a rows wz", "p")
	m.output("c", "p")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := runBytes(t, net, nil, 1, []byte{2, 3, 4, 5}, []byte{1, 1, 1, 1, 1, 2, 3, 4}, []byte{0, 1}, []byte{2, 4})
	// (x − 1)·w, and (x − 1)·(w − 1); (0 1; 0 1)·(2 2; 4 4) after rows and columns.
	for i, want := range [][]float32{{1 + 2 + 3 + 4, 2 + 6 + 12}, {4, 4, 4, 4}} {
		if got := asFloats(tensor.I32, out[i]); !slices.Equal(got, want) {
			t.Errorf("output %d is %v, want %v", i, got, want)
		}
	}
}

// TestIntegerSums compares ConvInteger and MatMulInteger with sums of products,
// exactly: as integers, and multiplied by scales afterwards.
func TestIntegerSums(t *testing.T) {
	const rows, k, columns = 3, 40, 5
	for _, c := range []struct {
		name  string
		xKind elemType
		wKind elemType
		xZero int64
		wZero []int64
		conv  bool
	}{
		{"int8 weights", typeUint8, typeInt8, 113, []int64{0}, false},
		{"int8 of both", typeInt8, typeInt8, -7, []int64{5}, false},
		{"uint8 weights", typeUint8, typeUint8, 3, []int64{77}, false},
		{"a zero point for each column", typeUint8, typeInt8, 3, []int64{1, -2, 3, -4, 5}, false},
		{"a convolution", typeUint8, typeInt8, 113, []int64{-1}, true},
		{"a convolution of int8", typeInt8, typeInt8, 9, nil, true},
	} {
		for _, to := range []elemType{typeInt32, typeFloat} {
			t.Run(fmt.Sprint(c.name, " as ", to), func(t *testing.T) {
				m := newModel(13)
				dims, op := []int{rows, k}, "MatMulInteger"
				shape := []int{k, columns}
				if c.conv {
					dims, shape, op = []int{rows, k, 1, 1}, []int{columns, k, 1, 1}, "ConvInteger"
				}
				m.inputs = append(m.inputs, testValue{"x", dims, c.xKind})
				w := make([]int64, k*columns)
				for i := range w {
					w[i] = int64(m.rand.IntN(200)) - 100 + map[elemType]int64{typeUint8: 100}[c.wKind]
				}
				m.integers("w", c.wKind, shape, w...)
				m.integers("xz", c.xKind, nil, c.xZero)
				in := "x w xz"
				if c.wZero != nil {
					zero := []int(nil)
					if len(c.wZero) > 1 {
						zero = []int{len(c.wZero)}
					}
					m.integers("wz", c.wKind, zero, c.wZero...)
					in += " wz"
				}
				m.node(op, in, "s")
				if to == typeFloat {
					m.node("Cast", "s", "f", attr{"to", int(typeFloat)})
					m.floats("scale", nil, 0.25)
					m.node("Mul", "f scale", "y")
				} else {
					m.node("Identity", "s", "y")
				}
				m.output("y")
				net, _, err := Freeze(m.bytes(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				x := make([]byte, rows*k)
				for i := range x {
					x[i] = byte(m.rand.IntN(256))
				}
				elem, _ := to.elem()
				got := asFloats(elem, runBytes(t, net, nil, 1, x)[0])
				for i, y := range got {
					row, column := i/columns, i%columns
					sum := int64(0)
					for j := range k {
						a := int64(x[row*k+j])
						if c.xKind == typeInt8 {
							a = int64(int8(x[row*k+j]))
						}
						b := w[(column*k+j)%len(w)]
						if !c.conv {
							b = w[j*columns+column]
						}
						if c.wZero != nil {
							b -= c.wZero[column%len(c.wZero)]
						}
						sum += (a - c.xZero) * b
					}
					want := float32(sum)
					if to == typeFloat {
						want /= 4
					}
					if y != want {
						t.Fatalf("element %d is %v, want %v", i, y, want)
					}
				}
			})
		}
	}
}

// TestDynamicQuantisation compares DynamicQuantizeLinear, of each item by itself,
// with its formula, and what a product makes of it.
func TestDynamicQuantisation(t *testing.T) {
	const n, k, columns = 3, 30, 4
	for _, open := range []int{0, 1} {
		m := newModel(13)
		m.input("x", open, k)
		m.node("DynamicQuantizeLinear", "x", "q s z")
		m.codes("w", typeInt8, -127, 127, k, columns)
		m.node("MatMulInteger", "q w z", "i")
		m.node("Cast", "i", "f", attr{"to", int(typeFloat)})
		m.floats("ws", nil, 0.01)
		m.node("Mul", "s ws", "scale")
		m.node("Mul", "f scale", "y")
		m.output("y", "q", "s", "z")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if net.Batched == (open == 1) {
			t.Fatalf("batched is %v", net.Batched)
		}
		items := n
		if open == 1 {
			items = 1
		}
		x := make([]float32, items*k)
		for i := range x {
			x[i] = float32(m.rand.NormFloat64()) * float32(1+i/k)
			if i/k == 2 {
				x[i] = 0
			}
		}
		out := runBytes(t, net, nil, items, tensor.Bytes(x))
		y, q, s, z := asFloats(tensor.F32, out[0]), out[1], asFloats(tensor.F32, out[2]), out[3]
		w := m.tensors[slices.IndexFunc(m.tensors, func(t testTensor) bool { return t.name == "w" })].raw
		for item := range items {
			part := x[item*k:][:k]
			lo, hi := min(slices.Min(part), 0), max(slices.Max(part), 0)
			scale := (hi - lo) / 255
			if lo == hi {
				scale = 1
			}
			zero := math.RoundToEven(float64(-lo / scale))
			if s[item] != scale || float64(z[item]) != zero {
				t.Errorf("item %d: scale %v and zero point %d, want %v and %v", item, s[item], z[item], scale, zero)
			}
			sums := make([]float64, columns)
			for i, v := range part {
				want := min(max(math.RoundToEven(float64(v/scale))+zero, 0), 255)
				if float64(q[item*k+i]) != want {
					t.Errorf("item %d: element %d is %d, want %v", item, i, q[item*k+i], want)
				}
				for j := range sums {
					sums[j] += (want - zero) * float64(int8(w[i*columns+j]))
				}
			}
			for j, sum := range sums {
				if want := sum * float64(scale) * 0.01; !(math.Abs(float64(y[item*columns+j])-want) <= 1e-5*max(1, math.Abs(want))) {
					t.Errorf("item %d: result %d is %v, want %v", item, j, y[item*columns+j], want)
				}
			}
		}
	}
}

// TestBadQuantisation checks what is refused, and that the errors name the node
// and what is wrong with it.
func TestBadQuantisation(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	q := func(scale float32) func(*model) {
		return func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, scale, 0), "q")
			m.node("DequantizeLinear", "q a.s a.z", "y")
		}
	}
	for _, c := range []struct {
		name  string
		build func(m *model)
		want  []string
	}{
		{"a scale of 0", q(0), []string{`QuantizeLinear "QuantizeLinearq"`, `"a.s": element 0 is 0, which is not positive and finite`}},
		{"an infinite scale", q(inf), []string{"QuantizeLinearq", "+Inf, which is not"}},
		{"a scale of NaN", q(nan), []string{"QuantizeLinearq", "NaN, which is not"}},
		{"a negative scale", q(-0.5), []string{"QuantizeLinearq", "-0.5, which is not"}},
		{"a zero point of another type", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.integers("z", typeInt8, nil, 0)
			m.node("DequantizeLinear", "q a.s z", "y")
		}, []string{"DequantizeLineary", `the zero point, "z", is of int8 for elements of uint8`}},
		{"elements of int32", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeInt32, 0.1, 0), "y")
		}, []string{"QuantizeLineary", "quantised elements of int32 are not supported"}},
		{"an output of uint16", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint16, 0.1, 0), "y")
		}, []string{`"y"`, "uint16", "int32 holds its numbers"}},
		{"scales of the wrong number", func(m *model) {
			m.weight("s", 0.1, 0.2, 5)
			m.integers("z", typeUint8, []int{5}, 0, 0, 0, 0, 0)
			m.node("QuantizeLinear", "x s z", "y")
		}, []string{"QuantizeLineary", `the scale, "s", of 5 numbers for dimension 1 of shape 1×4×8×8`}},
		{"zero points of the wrong number", func(m *model) {
			m.weight("s", 0.1, 0.2, 4)
			m.integers("z", typeUint8, []int{3}, 0, 0, 0)
			m.node("QuantizeLinear", "x s z", "y")
		}, []string{"QuantizeLineary", `the zero point, "z", of shape 3 for 4 scales`}},
		{"a bias of the wrong length", func(m *model) {
			m.codes("w", typeInt8, -127, 127, 8, 1)
			m.weight("b", 0.1, 0.2, 2)
			m.node("DynamicQuantizeMatMul", "x w "+m.encoding("w", typeInt8, 0.1, 0)+" b", "y")
		}, []string{"DynamicQuantizeMatMuly", `"b", of shape 2, for sums of shape 1×4×8×1`}},
		{"too many scales of columns", func(m *model) {
			m.codes("w", typeUint8, 0, 255, 8, 1)
			m.weight("s", 0.1, 0.2, 3)
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.node("MatMulIntegerToFloat", "q w a.s s a.z", "y")
		}, []string{"MatMulIntegerToFloaty", `"s", of shape 3, for sums of shape 1×4×8×1`}},
		{"elements of int64", func(m *model) {
			m.integers("q", typeInt64, []int{4}, 1, 2, 3, 4)
			m.node("DequantizeLinear", "q "+m.encoding("a", typeInt64, 0.1, 0), "d")
			m.node("Add", "x d", "y")
		}, []string{"DequantizeLineard", `"q", is of int64, and not quantised`}},
		{"an axis that does not exist", func(m *model) {
			m.weight("s", 0.1, 0.2, 4)
			m.node("QuantizeLinear", "x s", "y", attr{"axis", 4})
		}, []string{"QuantizeLineary", "axis 4 of a tensor of 4 dimensions"}},
		{"blocks", func(m *model) {
			m.weight("s", 0.1, 0.2, 2, 4)
			m.node("QuantizeLinear", "x s", "y", attr{"block_size", 2})
		}, []string{"QuantizeLineary", "for each block"}},
		{"blocks of constants that do not fit", func(m *model) {
			m.codes("w", typeInt8, -5, 5, 8, 3)
			m.weight("s", 0.1, 0.2, 2, 3)
			m.constant("DequantizeLinear", "w s", "wf", attr{"axis", 0}, attr{"block_size", 3})
			m.node("MatMul", "x wf", "y")
		}, []string{"DequantizeLinearwf", `"s", of shape 2×3, for blocks of 3 along dimension 0 of shape 8×3`}},
		{"zero points of blocks of another type", func(m *model) {
			m.codes("w", typeInt8, -5, 5, 8, 3)
			m.weight("s", 0.1, 0.2, 2, 3)
			m.codes("z", typeUint8, 0, 5, 2, 3)
			m.constant("DequantizeLinear", "w s z", "wf", attr{"axis", 0}, attr{"block_size", 4})
			m.node("MatMul", "x wf", "y")
		}, []string{"DequantizeLinearwf", `the zero point, "z", is of uint8 for elements of int8`}},
		{"blocks of less than an element", func(m *model) {
			m.codes("w", typeInt8, -5, 5, 8, 3)
			m.weight("s", 0.1, 0.2, 2, 3)
			m.constant("DequantizeLinear", "w s", "wf", attr{"axis", 0}, attr{"block_size", -4})
			m.node("MatMul", "x wf", "y")
		}, []string{"DequantizeLinearwf", "a block_size of -4"}},
		{"a scale of 0 of a block", func(m *model) {
			m.codes("w", typeInt8, -5, 5, 8, 3)
			m.weight("s", 0, 0, 2, 3)
			m.constant("DequantizeLinear", "w s", "wf", attr{"axis", 0}, attr{"block_size", 4})
			m.node("MatMul", "x wf", "y")
		}, []string{"DequantizeLinearwf", `"s": element 0 is 0, which is not positive and finite`}},
		{"a scale that is not constant", func(m *model) {
			m.ints("axes", 0, 1, 2, 3)
			m.node("ReduceMax", "x", "s", attr{"keepdims", 0})
			m.node("QuantizeLinear", "x s", "y")
		}, []string{"QuantizeLineary", "the scale, operand 1", "is not constant"}},
		{"scales of weights of the wrong number", func(m *model) {
			m.codes("w", typeInt8, -5, 5, 6, 4, 1, 1)
			m.constant("DequantizeLinear", "w "+m.channelScales("w", typeInt8, 5), "wf", attr{"axis", 0})
			m.node("Conv", "x wf", "y")
		}, []string{"DequantizeLinearwf", "of 5 numbers for dimension 0 of shape 6×4×1×1"}},
		{"a bias of floats", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.codes("w", typeInt8, -5, 5, 6, 4, 1, 1)
			m.weight("b", -1, 1, 6)
			m.node("QLinearConv", "q a.s a.z w "+m.encoding("w", typeInt8, 0.1, 0)+" a.s a.z b", "y")
		}, []string{"QLinearConvy", `the bias, "b", is of float where int32 is expected`}},
		{"a bias of the wrong length", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.codes("w", typeInt8, -5, 5, 6, 4, 1, 1)
			m.codes("b", typeInt32, -5, 5, 5)
			m.node("QLinearConv", "q a.s a.z w "+m.encoding("w", typeInt8, 0.1, 0)+" a.s a.z b", "y")
		}, []string{"QLinearConvy", "a bias of shape 5 for 6 channels"}},
		{"scales of QLinearConv's weights of the wrong number", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.codes("w", typeInt8, -5, 5, 6, 4, 1, 1)
			m.node("QLinearConv", "q a.s a.z w "+m.channelScales("w", typeInt8, 5)+" a.s a.z", "y")
		}, []string{"QLinearConvy", "of 5 numbers for dimension 0 of shape 6×4×1×1"}},
		{"a result's scale of 0", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.codes("w", typeInt8, -5, 5, 6, 4, 1, 1)
			m.node("QLinearConv", "q a.s a.z w "+m.encoding("w", typeInt8, 0.1, 0)+" "+m.encoding("r", typeUint8, 0, 0), "y")
		}, []string{"QLinearConvy", `"r.s": element 0 is 0, which is not positive and finite`}},
		{"a matrix's scale of NaN", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.codes("w", typeInt8, -5, 5, 8, 3)
			m.node("QLinearMatMul", "q a.s a.z w "+m.encoding("w", typeInt8, nan, 0)+" a.s a.z", "y")
		}, []string{"QLinearMatMuly", `"w.s": element 0 is NaN`}},
		{"zero points of ConvInteger's weights of the wrong number", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.codes("w", typeInt8, -5, 5, 6, 4, 1, 1)
			m.integers("z", typeInt8, []int{5}, 1, 2, 3, 4, 5)
			m.node("ConvInteger", "q w a.z z", "y")
		}, []string{"ConvIntegery", `the zero point, "z", of shape 5`}},
		{"a scale of infinity of a bias", func(m *model) {
			m.qdq("x", "a", typeUint8, 0.1, 0)
			m.codes("w", typeInt8, -5, 5, 6, 4, 1, 1)
			m.constant("DequantizeLinear", "w "+m.encoding("w", typeInt8, 0.1, 0), "wf")
			m.codes("b", typeInt32, -5, 5, 6)
			m.floats("b.s", nil, inf)
			m.constant("DequantizeLinear", "b b.s", "bf")
			m.node("Conv", "a wf bf", "y")
		}, []string{"DequantizeLinearbf", `"b.s": element 0 is +Inf`}},
		{"several scales of a result", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.weight("s", 0.1, 0.2, 3)
			m.node("QLinearSigmoid", "q a.s a.z s", "y")
		}, []string{"QLinearSigmoidy", "3"}},
		{"floats where integers are expected", func(m *model) {
			m.node("QLinearSigmoid", "x "+m.encoding("a", typeUint8, 0.1, 0)+" a.s a.z", "y")
		}, []string{"QLinearSigmoidy", `operand 0, "x", is of float where uint8 or int8 is expected`}},
		{"channels last", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.node("QLinearGlobalAveragePool", "q a.s a.z a.s a.z", "y", attr{"channels_last", 1})
		}, []string{"QLinearGlobalAveragePooly", "channels_last 1 is not supported"}},
		{"a concatenation of two thirds", func(m *model) {
			m.node("QuantizeLinear", "x "+m.encoding("a", typeUint8, 0.1, 0), "q")
			m.node("QLinearConcat", "a.s a.z q a.s", "y", attr{"axis", 1})
		}, []string{"QLinearConcaty", "4 operands"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(21)
			m.input("x", 0, 4, 8, 8)
			c.build(m)
			m.output("y")
			_, _, err := Freeze(m.bytes(), Options{})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v; want %q in it", err, want)
				}
			}
		})
	}
}

// TestBlocks multiplies the identity by matrices that are dequantised by blocks
// along either axis, of which the last is shorter.
func TestBlocks(t *testing.T) {
	const rows, columns, block = 7, 5, 3
	for axis := range 2 {
		for _, zeros := range []bool{false, true} {
			dims, blocks := []int{rows, columns}, []int{rows, columns}
			blocks[axis] = (dims[axis] + block - 1) / block
			m := newModel(21)
			m.input("x", rows, rows)
			w, s, z := make([]int64, rows*columns), make([]float32, blocks[0]*blocks[1]), make([]int64, blocks[0]*blocks[1])
			for i := range w {
				w[i] = int64(m.rand.IntN(256) - 128)
			}
			for i := range s {
				s[i] = 0.1 + m.rand.Float32()
				if zeros {
					z[i] = int64(m.rand.IntN(256) - 128)
				}
			}
			m.integers("w", typeInt8, dims, w...)
			m.floats("s", blocks, s...)
			in := "w s"
			if zeros {
				m.integers("z", typeInt8, blocks, z...)
				in = "w s z"
			}
			m.constant("DequantizeLinear", in, "wf", attr{"axis", axis - 2}, attr{"block_size", block})
			m.node("MatMul", "x wf", "y")
			m.output("y")
			net, _, err := Freeze(m.bytes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, rows*rows)
			for i := range rows {
				x[i*rows+i] = 1
			}
			got := run(t, net, 1, x)[0]
			for i := range w {
				at := []int{i / columns, i % columns}
				at[axis] /= block
				k := at[0]*blocks[1] + at[1]
				if want := float32(w[i]-z[k]) * s[k]; got[i] != want {
					t.Fatalf("axis %d: element %d is %v, want %v", axis, i, got[i], want)
				}
			}
		}
	}
}

// TestSixteenBits quantises to 16 bits and back, within the limits of the type and
// beyond them.
func TestSixteenBits(t *testing.T) {
	const scale = 0.25
	for _, c := range []struct {
		kind   elemType
		zero   int64
		lo, hi float64
	}{{typeUint16, 1000, 0, math.MaxUint16}, {typeInt16, -1000, math.MinInt16, math.MaxInt16}} {
		m := newModel(21)
		m.input("x", 1, 6)
		m.qdq("x", "a", c.kind, scale, c.zero)
		m.node("Transpose", "a.q", "t", attr{"perm", []int64{1, 0}})
		m.node("DequantizeLinear", "t a.s a.z", "y")
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		x := []float32{0, 0.3, -77.125, 7000.375, -1e6, 1e6}
		for i, got := range run(t, net, 1, x)[0] {
			q := math.RoundToEven(float64(x[i])/scale) + float64(c.zero)
			if want := scale * (min(max(q, c.lo), c.hi) - float64(c.zero)); float64(got) != want {
				t.Errorf("%v: %v becomes %v, want %v", c.kind, x[i], got, want)
			}
		}
	}
}

// TestFourBits checks that weights of int4 give the net that the same numbers as
// int8 give.
func TestFourBits(t *testing.T) {
	freeze := func(kind elemType, raw, zeros []byte) *weights.Net {
		m := newModel(21)
		m.input("x", 0, 2, 8, 8)
		m.qdq("x", "a", typeUint8, inScale, inZero)
		m.tensors = append(m.tensors, testTensor{"w", kind, []int{3, 2, 1, 1}, raw}, testTensor{"z", kind, []int{3}, zeros})
		m.floats("s", []int{3}, 0.1, 0.2, 0.3)
		m.constant("DequantizeLinear", "w s z", "wf", attr{"axis", 0})
		m.node("Conv", "a wf", "c")
		m.qdq("c", "y", typeUint8, 0.05, 100)
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return net
	}
	four := freeze(typeInt4, []byte{0x78, 0x1f, 0x20}, []byte{0x0e, 0x03})
	eight := freeze(typeInt8, []byte{0xf8, 7, 0xff, 1, 0, 2}, []byte{0xfe, 0, 3})
	if !four.Integer() {
		t.Errorf("steps %s are not all of integers", steps(four))
	}
	a, err := weights.Marshal(four)
	if err != nil {
		t.Fatal(err)
	}
	b, err := weights.Marshal(eight)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) {
		t.Error("the nets differ")
	}
}

// TestQuantisedProbabilities checks that the answer of a net whose softmax is
// quantised is probabilities.
func TestQuantisedProbabilities(t *testing.T) {
	m := newModel(13)
	m.input("x", 0, 9)
	m.node("Softmax", "x", "s")
	m.qdq("s", "y", typeUint8, 1./256, 0)
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if kind := net.Meta.Answer.Kind; kind != weights.Probabilities {
		t.Errorf("the answer is of kind %v", kind)
	}
}

// TestIntegerModel runs a net of integers on every tier, in batches of 1 and 3 and
// on one thread and two: all bytes are the same, and nothing is allocated.
func TestIntegerModel(t *testing.T) {
	m := newModel(14)
	m.input("x", 0, 4, 9, 9)
	pads := attr{"pads", []int64{1, 1, 1, 1}}
	m.qdq("x", "a", typeUint8, inScale, inZero)
	m.qdqConv("a", "c", 20, 4, 3, inScale, pads)
	m.node("Relu", "c", "r")
	m.qdq("r", "b", typeUint8, 0.02, 0)
	m.qdqConv("b", "d", 20, 1, 3, 0.02, pads, attr{"group", 20})
	m.qdq("d", "dq", typeUint8, 0.03, 100)
	m.node("HardSwish", "dq", "e")
	m.qdq("e", "f", typeUint8, 0.01, 20)
	m.node("Add", "b f", "g")
	m.qdq("g", "h", typeUint8, 0.03, 5)
	m.node("MaxPool", "h", "i", attr{"kernel_shape", []int64{2, 2}}, attr{"strides", []int64{2, 2}})
	m.node("AveragePool", "i", "j", attr{"kernel_shape", []int64{2, 2}})
	m.qdq("j", "k", typeUint8, 0.02, 0)
	m.node("Flatten", "k", "l")
	m.codes("w", typeInt8, -127, 127, 180, 11)
	m.constant("DequantizeLinear", "w "+m.channelScales("w", typeInt8, 11), "wf", attr{"axis", 1})
	m.node("MatMul", "l wf", "y")
	m.output("y")
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := weights.Marshal(net)
	if err != nil {
		t.Fatal(err)
	}
	const items = 3
	x := make([]float32, items*4*81)
	for i := range x {
		x[i] = 2.4*m.rand.Float32() - 1.2
	}
	var want []byte
	for _, tier := range kernels.Tiers() {
		if !tier.Supported {
			t.Logf("%s is not supported here", tier.Name)
			continue
		}
		model, err := engine.Options{Kernels: tier.Name}.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		defer model.Close()
		for _, batch := range []int{1, items} {
			for _, threads := range []int{1, 2} {
				s, err := model.NewSession(engine.SessionOptions{Batch: batch, Threads: threads})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				var got []byte
				for from := 0; from < items; from += batch {
					copy(s.Input(0), x[from*4*81:])
					if err := s.Run(batch); err != nil {
						t.Fatal(err)
					}
					got = append(got, s.OutputBytes(0)...)
				}
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, batch %d, %d threads: other bytes than of the first tier", tier.Name, batch, threads)
				}
				if allocs := testing.AllocsPerRun(10, func() { s.Run(batch) }); allocs != 0 && threads == 1 {
					t.Errorf("%s, batch %d: %v allocations", tier.Name, batch, allocs)
				}
			}
		}
	}
	if !net.Integer() {
		t.Errorf("not all steps are integer: %s", steps(net))
	}
}

// TestLargestBiases checks channels whose biases are about all that an int32 can
// hold, in units of the products. Quantisers write these where weights are next to
// nothing: they enlarge a channel's scale until its bias fits.
func TestLargestBiases(t *testing.T) {
	const most = math.MaxInt32
	for _, biases := range [][]int64{{most, -most, most - 400, 1000}, {most - 1<<16, 1<<16 - most, most - 1<<17, 1000}} {
		testLargestBiases(t, biases)
	}
}

// testLargestBiases does so for the biases of 4 channels.
func testLargestBiases(t *testing.T, biases []int64) {
	scales := make([]float32, len(biases))
	for i, q := range biases {
		scales[i] = 0.5 / inScale / float32(math.Abs(float64(q))) // biases of ±0.5
	}
	weights := func(m *model, each ...int) {
		m.qdq("x", "xq", typeUint8, inScale, inZero)
		m.codes("w", typeInt8, -127, 127, append([]int{4}, each...)...)
		m.floats("w.s", []int{4}, scales...)
		m.constant("DequantizeLinear", "w w.s", "wf", attr{"axis", 0})
		bias := make([]float32, 4)
		for i, q := range biases {
			bias[i] = float32(float64(q) * inScale * float64(scales[i]))
		}
		m.floats("b", []int{4}, bias...)
	}
	for _, c := range []quantisedCase{
		{name: "convolution", build: func(m *model) {
			weights(m, 4, 3, 3)
			m.node("Conv", "xq wf b", "c")
			m.qdq("c", "y", typeUint8, 0.01, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "depthwise", build: func(m *model) {
			weights(m, 1, 3, 3)
			m.node("Conv", "xq wf b", "c", attr{"group", 4})
			m.qdq("c", "y", typeUint8, 0.01, 128)
		}, steps: "Transpose Convert Conv Convert Transpose"},
		{name: "fully connected", build: func(m *model) {
			weights(m, 256)
			m.node("Flatten", "xq", "f")
			m.node("Gemm", "f wf b", "y", attr{"transB", 1})
		}, steps: "Convert FullyConnected"},
		{name: "twice", build: func(m *model) { // what is the first's alone must not show in the second
			weights(m, 4, 3, 3)
			m.node("Conv", "xq wf b", "c")
			m.node("Conv", "xq wf", "d")
			m.node("Add", "c d", "e")
			m.qdq("e", "y", typeUint8, 0.01, 128)
		}, steps: "Transpose Convert Conv Conv Binary Convert Convert Transpose", float: true},
	} {
		t.Run(fmt.Sprintf("%s, %d", c.name, biases), func(t *testing.T) { c.compare(t, 13) })
	}
}

// Sums that an int32 cannot hold are computed in float32.
func TestLargestSums(t *testing.T) {
	const k = 1 << 17
	for _, each := range []int64{63, 127} {
		m := newModel(13)
		m.input("x", 0, k)
		m.qdq("x", "xq", typeUint8, 1./255, 0)
		m.integers("w", typeInt8, []int{1, k}, slices.Repeat([]int64{each}, k)...)
		m.floats("w.s", nil, 1./k)
		m.constant("DequantizeLinear", "w w.s", "wf")
		m.node("Gemm", "xq wf", "y", attr{"transB", 1})
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, net, 1, slices.Repeat([]float32{1}, k))[0][0]; math.Abs(float64(got)-float64(each)) > 0.01 {
			t.Errorf("%d: %v", each, got)
		}
		if fits := each*k*255 <= math.MaxInt32; net.Integer() != fits {
			t.Errorf("%d: integer is %v", each, net.Integer())
		}
	}
}

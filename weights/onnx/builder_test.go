package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
	"github.com/infer-go/infer/weights"
)

// A model is an ONNX model under construction. Its tensors are random, and the
// same ones every time.
type model struct {
	opset   int64
	nodes   []testNode
	tensors []testTensor
	inputs  []testValue
	outputs []string
	rand    *rand.Rand
}

type testNode struct {
	op, name string
	domain   string
	in, out  []string
	attrs    []attr
	constant bool // its results are constants
}

type testTensor struct {
	name string
	kind elemType
	dims []int
	raw  []byte
}

// A testValue is an input; a dimension of 0 is an open one.
type testValue struct {
	name string
	dims []int
	elem elemType // 0 for float
}

// An attr is an attribute: an int64, a float32, a string, an []int64, a
// []float32 or a testTensor.
type attr struct {
	name  string
	value any
}

func newModel(opset int64) *model {
	return &model{opset: opset, rand: rand.New(rand.NewPCG(1, 2))}
}

func (m *model) input(name string, dims ...int) {
	m.inputs = append(m.inputs, testValue{name: name, dims: dims})
}

func (m *model) output(names ...string) { m.outputs = append(m.outputs, names...) }

// node adds a node; operands and results are separated by spaces, and _ stands
// for one left out.
func (m *model) node(op, in, out string, attrs ...attr) {
	n := testNode{op: op, name: op + strings.Fields(out)[0], domain: operators[op].domain, in: strings.Fields(in), out: strings.Fields(out), attrs: attrs}
	for i, name := range n.in {
		if name == "_" {
			n.in[i] = ""
		}
	}
	m.nodes = append(m.nodes, n)
}

// constant is node for one whose results are constants.
func (m *model) constant(op, in, out string, attrs ...attr) {
	m.node(op, in, out, attrs...)
	m.nodes[len(m.nodes)-1].constant = true
}

// weight adds an initializer of random floats between lo and hi.
func (m *model) weight(name string, lo, hi float32, dims ...int) {
	n, _ := tensor.Shape(dims).Elements()
	x := make([]float32, n)
	for i := range x {
		x[i] = lo + (hi-lo)*m.rand.Float32()
	}
	m.floats(name, dims, x...)
}

func (m *model) floats(name string, dims []int, x ...float32) {
	m.tensors = append(m.tensors, testTensor{name, typeFloat, dims, rawFloats(x)})
}

func (m *model) ints(name string, x ...int64) {
	var raw []byte
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	m.tensors = append(m.tensors, testTensor{name, typeInt64, []int{len(x)}, raw})
}

// conv adds a convolution with a bias and random weights.
func (m *model) conv(in, out string, cout, cin, k int, attrs ...attr) {
	m.weight(out+".w", -0.5, 0.5, cout, cin, k, k)
	m.weight(out+".b", -0.5, 0.5, cout)
	m.node("Conv", fmt.Sprintf("%s %s.w %s.b", in, out, out), out, attrs...)
}

// batchNorm adds a BatchNormalization with random statistics.
func (m *model) batchNorm(in, out string, channels int) {
	m.weight(out+".scale", 0.5, 1.5, channels)
	m.weight(out+".shift", -0.5, 0.5, channels)
	m.weight(out+".mean", -0.5, 0.5, channels)
	m.weight(out+".var", 0.5, 1.5, channels)
	m.node("BatchNormalization", in+strings.ReplaceAll(" @.scale @.shift @.mean @.var", "@", out), out)
}

func rawFloats(x []float32) []byte {
	var raw []byte
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return raw
}

// bytes encodes the model.
func (m *model) bytes() []byte {
	var g []byte
	for _, n := range m.nodes {
		g = appendMessage(g, 1, n.bytes())
	}
	g = appendString(g, 2, "test")
	for _, t := range m.tensors {
		g = appendMessage(g, 5, t.bytes())
	}
	for _, v := range m.inputs {
		g = appendMessage(g, 11, v.bytes())
	}
	for _, name := range m.outputs {
		g = appendMessage(g, 12, appendString(nil, 1, name))
	}
	b := appendInt(nil, 1, 8)
	b = appendString(b, 2, "a test")
	b = appendMessage(b, 7, g)
	return appendMessage(b, 8, appendInt(nil, 2, m.opset))
}

func (n testNode) bytes() []byte {
	var b []byte
	for _, name := range n.in {
		b = appendString(b, 1, name)
	}
	for _, name := range n.out {
		b = appendString(b, 2, name)
	}
	b = appendString(b, 3, n.name)
	b = appendString(b, 4, n.op)
	for _, a := range n.attrs {
		b = appendMessage(b, 5, a.bytes())
	}
	return appendString(b, 7, n.domain)
}

func (a attr) bytes() []byte {
	b := appendString(nil, 1, a.name)
	typ := attrInt
	switch v := a.value.(type) {
	case int64:
		b = appendInt(b, 3, v)
	case int:
		b = appendInt(b, 3, int64(v))
	case float32:
		typ = attrFloat
		b = protowire.AppendTag(b, 2, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(v))
	case string:
		typ = attrString
		b = appendString(b, 4, v)
	case testTensor:
		typ = attrTensor
		b = appendMessage(b, 5, v.bytes())
	case []float32:
		typ = attrFloats
		b = appendMessage(b, 7, rawFloats(v))
	case []int64:
		typ = attrInts
		for _, i := range v {
			b = appendInt(b, 8, i)
		}
	case []string:
		typ = attrStrings
		for _, s := range v {
			b = appendString(b, 9, s)
		}
	default:
		panic(fmt.Sprintf("attribute %T", v))
	}
	return appendInt(b, 20, int64(typ))
}

func (t testTensor) bytes() []byte {
	var dims []byte
	for _, d := range t.dims {
		dims = protowire.AppendVarint(dims, uint64(d))
	}
	b := appendMessage(nil, 1, dims)
	b = appendInt(b, 2, int64(t.kind))
	b = appendString(b, 8, t.name)
	return appendMessage(b, 9, t.raw)
}

func (v testValue) bytes() []byte {
	var shape []byte
	for i, d := range v.dims {
		dim := appendInt(nil, 1, int64(d))
		if d == 0 {
			dim = appendString(nil, 2, fmt.Sprintf("dim%d", i))
		}
		shape = appendMessage(shape, 1, dim)
	}
	tensor := appendMessage(appendInt(nil, 1, int64(max(v.elem, typeFloat))), 2, shape)
	return appendMessage(appendString(nil, 1, v.name), 2, appendMessage(nil, 1, tensor))
}

func appendMessage(b []byte, num protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), m)
}

func appendString(b []byte, num protowire.Number, s string) []byte {
	return appendMessage(b, num, []byte(s))
}

func appendInt(b []byte, num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
}

// A tensorValue is a computed activation.
type tensorValue struct {
	dims []int
	x    []float32
}

// run computes n items of a net of float32.
func run(t testing.TB, net *weights.Net, n int, in ...[]float32) [][]float32 {
	t.Helper()
	return runSized(t, net, nil, n, in...)
}

// runSized computes n items of a net of float32 at some sizes of its open
// dimensions.
func runSized(t testing.TB, net *weights.Net, sizes []int, n int, in ...[]float32) [][]float32 {
	t.Helper()
	bytes := make([][]byte, len(in))
	for i, x := range in {
		bytes[i] = tensor.Bytes(x)
	}
	var out [][]float32
	for i, b := range runBytes(t, net, sizes, n, bytes...) {
		if e := net.Values[net.Outputs[i]].Elem; e != tensor.F32 {
			t.Fatalf("output %d is %v", i, e)
		}
		out = append(out, asFloats(tensor.F32, b))
	}
	return out
}

// runBytes computes n items of a net of any types at some sizes of its open
// dimensions.
func runBytes(t testing.TB, net *weights.Net, sizes []int, n int, in ...[]byte) [][]byte {
	t.Helper()
	data, err := weights.Marshal(net)
	if err != nil {
		t.Fatal(err)
	}
	model, err := engine.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	s, err := model.NewSession(engine.SessionOptions{Batch: n, Sizes: sizes})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, x := range in {
		if len(x) != len(s.InputBytes(i)) {
			t.Fatalf("input %d has %d bytes, want %d", i, len(x), len(s.InputBytes(i)))
		}
		copy(s.InputBytes(i), x)
	}
	if err := s.Run(n); err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for i := range net.Outputs {
		out = append(out, slices.Clone(s.OutputBytes(i)))
	}
	return out
}

// check freezes the model and compares it with what its nodes compute when
// each is frozen alone, with row-major operands and results: no pass and no
// layout can hide there. It returns the net.
func (m *model) check(t *testing.T) (*weights.Net, *Report) {
	t.Helper()
	net, report, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 1
	if net.Batched {
		n = 3
	}
	values := map[string]tensorValue{}
	var in [][]float32
	for _, v := range m.inputs {
		dims := slices.Clone(v.dims)
		if dims[0] == 0 {
			dims[0] = n
		}
		size, _ := tensor.Shape(dims).Elements()
		x := make([]float32, size)
		for i := range x {
			x[i] = 2*m.rand.Float32() - 1
		}
		values[v.name] = tensorValue{dims, x}
		in = append(in, x)
	}
	m.stepwise(t, values)
	for i, got := range run(t, net, n, in...) {
		want := values[m.outputs[i]]
		shape := slices.Clone(net.Values[net.Outputs[i]].Shape)
		if net.Batched {
			shape[0] = n
		}
		if !slices.Equal(shape, want.dims) {
			t.Errorf("output %q has shape %v, want %v", m.outputs[i], shape, want.dims)
		}
		if at, ok := differs(got, want.x); ok {
			t.Errorf("output %q: element %d of %d is %v, want %v", m.outputs[i], at, len(want.x), got[at], want.x[at])
		}
	}
	return net, report
}

// differs finds an element in which two tensors differ by more than rounding.
func differs(got, want []float32) (int, bool) {
	scale := 1e-3
	for _, w := range want {
		scale = max(scale, math.Abs(float64(w)))
	}
	if len(got) != len(want) {
		return min(len(got), len(want)) - 1, true
	}
	for i := range want {
		if !(math.Abs(float64(got[i])-float64(want[i])) <= 2e-6*scale) {
			return i, true
		}
	}
	return 0, false
}

// stepwise computes a model node by node, each with those before it that
// compute constants.
func (m *model) stepwise(t *testing.T, values map[string]tensorValue) {
	t.Helper()
	var constants []testNode
	for _, n := range m.nodes {
		if n.constant {
			constants = append(constants, n)
			continue
		}
		one := newModel(m.opset)
		one.nodes, one.tensors, one.outputs = append(slices.Clone(constants), n), m.tensors, n.out
		var in [][]float32
		for _, user := range one.nodes {
			for _, name := range user.in {
				known := slices.ContainsFunc(one.inputs, func(v testValue) bool { return v.name == name })
				if v, ok := values[name]; ok && !known {
					one.input(name, v.dims...)
					in = append(in, v.x)
				}
			}
		}
		net, _, err := Freeze(one.bytes(), Options{})
		if err != nil {
			t.Fatalf("node by node: %v", err)
		}
		for i, x := range run(t, net, 1, in...) {
			values[n.out[i]] = tensorValue{net.Values[net.Outputs[i]].Shape, x}
		}
	}
}

// steps lists the operations of a net, without those that only reshape.
func steps(net *weights.Net) string {
	var ops []string
	for _, s := range net.Steps {
		if _, ok := s.Spec.(*kernels.Reshape); !ok {
			ops = append(ops, s.Spec.Op())
		}
	}
	return strings.Join(ops, " ")
}

// A passCase is a model, the steps that it must come to, and how many nodes a
// pass must remove.
type passCase struct {
	name    string
	build   func(m *model)
	steps   string
	removed int
}

// testPass checks a pass on models of one input x, [n, 4, 8, 8], and one
// output y.
func testPass(t *testing.T, pass string, cases []passCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(13)
			c.build(m)
			if len(m.inputs) == 0 {
				m.input("x", 0, 4, 8, 8)
			}
			m.output("y")
			net, report := m.check(t)
			if got := steps(net); got != c.steps {
				t.Errorf("steps %q, want %q", got, c.steps)
			}
			i := slices.IndexFunc(report.Passes, func(p Pass) bool { return p.Name == pass })
			if i < 0 || report.Passes[i].Removed != c.removed {
				t.Errorf("%q removed %v, want %d", pass, report.Passes, c.removed)
			}
		})
	}
}

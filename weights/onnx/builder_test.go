package onnx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/internal/onnxtest"
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

// A testSparse is a tensor of which only the values stand for themselves.
type testSparse struct {
	values, indices testTensor
	dims            []int
}

// A testValue is an input; a dimension of 0 is an open one.
type testValue struct {
	name string
	dims []int
	elem elemType // 0 for float
}

// An attr is an attribute: an int64, a float32, a string, an []int64, a
// []float32, a testTensor, a sparse one, or a model, of which it is the graph.
type attr struct {
	name  string
	value any
}

// What tests of the decoder put fields together with.
var (
	appendMessage, appendString, appendInt = onnxtest.AppendMessage, onnxtest.AppendString, onnxtest.AppendInt
	rawFloats                              = onnxtest.RawFloats
)

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
	m.tensors = append(m.tensors, testTensor{name, typeInt64, []int{len(x)}, onnxtest.RawInts(x)})
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

// bytes encodes the model.
func (m *model) bytes() []byte { return m.made().Bytes() }

func (m *model) made() *onnxtest.Model {
	made := &onnxtest.Model{Opset: m.opset, Outputs: m.outputs}
	for _, n := range m.nodes {
		made.Nodes = append(made.Nodes, onnxtest.Node{Op: n.op, Name: n.name, Domain: n.domain, In: n.in, Out: n.out, Attrs: attrsOf(n.attrs)})
	}
	for _, t := range m.tensors {
		made.Tensors = append(made.Tensors, t.made())
	}
	for _, v := range m.inputs {
		made.Inputs = append(made.Inputs, onnxtest.Input{Name: v.name, Type: onnxtest.DataType(max(v.elem, typeFloat)), Dims: v.dims})
	}
	return made
}

func attrsOf(list []attr) []onnxtest.Attr {
	made := make([]onnxtest.Attr, len(list))
	for i, a := range list {
		made[i] = onnxtest.Attr{Name: a.name, Value: a.value}
		switch v := a.value.(type) {
		case testTensor:
			made[i].Value = v.made()
		case *model:
			made[i].Value = v.made()
		case testSparse:
			made[i].Value = onnxtest.Sparse{Values: v.values.made(), Indices: v.indices.made(), Dims: v.dims}
		}
	}
	return made
}

func (t testTensor) made() onnxtest.Tensor {
	return onnxtest.Tensor{Name: t.name, Type: onnxtest.DataType(t.kind), Dims: t.dims, Raw: t.raw}
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

// inModelOrder is the shape of output i of n items, and their elements as the
// model orders them, of those that a session holds.
func inModelOrder(net *weights.Net, i, n int, data []byte) (tensor.Shape, []byte) {
	v := engine.Tensor{Type: net.Values[net.Outputs[i]].Type}
	if net.Batched {
		v.Shape = slices.Concat([]int{-1}, v.Shape[1:])
	}
	if net.BatchDims != nil {
		v.BatchDim = net.BatchDims[i]
	}
	return v.InModelOrder(data, n)
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
		shape, ordered := inModelOrder(net, i, n, tensor.Bytes(got))
		got := asFloats(tensor.F32, ordered)
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

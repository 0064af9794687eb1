package onnx

import (
	"fmt"
	"slices"
	"testing"

	"github.com/infer-go/infer/internal/onnxtest"
)

// unseen are the operators of which there are no random graphs, and why.
var unseen = map[string]string{
	"If":                               "TestIf has its branches, which are graphs of their own",
	"NonMaxSuppression":                "how many rows it has is known at a run",
	"Unique":                           "its own tests compare it with its definition: it is only computed of constants",
	"FusedConv":                        byFused,
	"FusedGemm":                        byFused,
	"FusedMatMul":                      byFused,
	"SkipLayerNormalization":           byFused,
	"SimplifiedLayerNormalization":     byFused,
	"SkipSimplifiedLayerNormalization": byFused,
	"DynamicQuantizeMatMul":            byFused,
	"MatMulIntegerToFloat":             byFused,
	"ConvInteger":                      byQuantised,
	"DequantizeLinear":                 byQuantised,
	"DynamicQuantizeLinear":            byQuantised,
	"MatMulInteger":                    byQuantised,
	"QGemm":                            byQuantised,
	"QLinearAdd":                       byQuantised,
	"QLinearAveragePool":               byQuantised,
	"QLinearConcat":                    byQuantised,
	"QLinearConv":                      byQuantised,
	"QLinearGlobalAveragePool":         byQuantised,
	"QLinearLeakyRelu":                 byQuantised,
	"QLinearMatMul":                    byQuantised,
	"QLinearMul":                       byQuantised,
	"QLinearSigmoid":                   byQuantised,
	"QLinearSoftmax":                   byQuantised,
	"QuantizeLinear":                   byQuantised,
}

const byFused = "TestFused compares it with the nodes that it is made of"

const byQuantised = "TestRandomQuantised has them"

// TestOperatorsAreRandom checks that random graphs have nodes of every operator.
func TestOperatorsAreRandom(t *testing.T) {
	have := onnxtest.Operators()
	for name := range operators {
		_, excused := unseen[name]
		if _, ok := slices.BinarySearch(have, name); ok == excused {
			t.Errorf("%s has random nodes: %v; is excused: %v", name, ok, excused)
		}
	}
}

// TestRandomGraphs compares graphs that nobody has thought of with what their
// nodes compute when each is frozen alone, with row-major operands and results:
// no pass and no layout can hide there.
func TestRandomGraphs(t *testing.T) {
	nodes, open, batched := 0, 0, 0
	for seed := range uint64(1000) {
		g := onnxtest.Random(seed, MaxOpset)
		if g.OpenPlane() {
			continue // its open dimensions are proved elsewhere
		}
		var many, isOpen bool
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { many, isOpen = checkGraph(t, g) }) {
			t.Fatalf("%s", g)
		}
		nodes += len(g.Nodes)
		if isOpen {
			open++
		}
		if many {
			batched++
		}
	}
	if nodes < 6000 {
		t.Errorf("only %d nodes", nodes)
	}
	if open < 300 || batched < open*9/10 {
		t.Errorf("%d graphs have an open batch, and %d of them take any number of items", open, batched)
	}
}

// checkGraph says whether a graph takes any number of items, and whether its
// batch is open.
func checkGraph(t *testing.T, g *onnxtest.Graph) (batched, open bool) {
	open = slices.ContainsFunc(g.Inputs, func(in onnxtest.Input) bool { return in.Dims[0] == 0 })
	net, _, err := Freeze(g.Bytes(), Options{})
	if err != nil {
		t.Skip(err) // what is refused is no wrong answer
	}
	items := 1
	if net.Batched {
		items = g.Items
	}
	values := map[string]onnxtest.Tensor{}
	var in [][]byte
	for _, v := range g.Inputs {
		x := g.Data(v.Name, items)
		values[v.Name] = onnxtest.Tensor{Name: v.Name, Type: v.Type, Dims: g.Shape(v.Name, items), Raw: x}
		in = append(in, x)
	}
	var got, want []onnxtest.Tensor
	for i, raw := range runBytes(t, net, nil, items, in...) {
		dims, ordered := inModelOrder(net, i, items, raw)
		got = append(got, onnxtest.Tensor{Type: onnxtest.TypeOf(net.Values[net.Outputs[i]].Elem), Dims: dims, Raw: ordered})
	}
	for i, n := range g.Nodes {
		if g.Constant(i) {
			continue
		}
		one := g.Alone(i, values)
		net, _, err := Freeze(one.Bytes(), Options{})
		if err != nil {
			t.Fatalf("%s %q alone: %v", n.Op, n.Name, err)
		}
		var in [][]byte
		for _, v := range one.Inputs {
			in = append(in, values[v.Name].Raw)
		}
		for j, raw := range runBytes(t, net, nil, 1, in...) {
			v := net.Values[net.Outputs[j]]
			values[one.Outputs[j]] = onnxtest.Tensor{Type: onnxtest.TypeOf(v.Elem), Dims: v.Shape, Raw: raw}
		}
	}
	for _, name := range g.Outputs {
		want = append(want, values[name])
	}
	if d := g.Differ(got, want); d != "" {
		t.Error(d)
	}
	return net.Batched, open
}

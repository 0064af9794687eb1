package onnx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/infer-go/infer/kernels"
	"github.com/infer-go/infer/tensor"
)

// randomQuantised is a model of some layers of a map x, [n, 4, 6, 6], with
// conversions to quantised elements and back here and there.
func randomQuantised(r *rand.Rand, scale func() float32) *model {
	m := newModel(14)
	m.rand = rand.New(rand.NewPCG(r.Uint64(), 1))
	m.input("x", 0, 4, 6, 6)
	last, all := "x", []string{"x"}
	for i := range 2 + r.IntN(9) {
		next, other := fmt.Sprintf("v%d", i), all[r.IntN(len(all))]
		switch r.IntN(18) {
		case 0:
			m.qdqConv(last, next, 4, 4, 3, 0, attr{"pads", []int64{1, 1, 1, 1}})
		case 1:
			m.qdqConv(last, next, 4, 1, 3, 0, attr{"pads", []int64{1, 1, 1, 1}}, attr{"group", 4})
		case 2:
			m.node("Relu", last, next)
		case 3:
			m.node("Sigmoid", last, next)
		case 4:
			m.node([]string{"Add", "Sub", "Mul", "Max"}[r.IntN(4)], last+" "+other, next)
		case 5:
			m.node([]string{"MaxPool", "AveragePool"}[r.IntN(2)], last, next, attr{"kernel_shape", []int64{3, 3}}, attr{"pads", []int64{1, 1, 1, 1}})
		case 6:
			m.node("Concat", last+" "+other, next+"c", attr{"axis", 1})
			m.node("Split", next+"c", next+" "+next+"s", attr{"axis", 1})
		case 7:
			m.node("Transpose", last, next, attr{"perm", []int64{0, 1, 3, 2}})
		case 8:
			m.floats(next+".c", nil, 0.3)
			m.node([]string{"Add", "Mul"}[r.IntN(2)], last+" "+next+".c", next)
		case 9:
			m.batchNorm(last, next, 4)
		case 10:
			m.codes(next+".w", typeUint8, 0, 255, 4, 4, 3, 3)
			m.constant("DequantizeLinear", next+".w "+m.encoding(next+".w", typeUint8, 0.005, int64(1+r.IntN(255))), next+".wf")
			m.node("Conv", last+" "+next+".wf", next, attr{"pads", []int64{1, 1, 1, 1}})
		case 11:
			m.node("Clip", last+" "+next+".lo", next)
			m.floats(next+".lo", nil, -0.2)
		default:
			kind := []elemType{typeUint8, typeInt8}[r.IntN(2)]
			m.qdq(last, next, kind, scale(), int64(r.IntN(256))-kind.shift())
		}
		last, all = next, append(all, next)
	}
	m.qdq(last, "y", typeUint8, scale(), 128)
	m.output("y")
	return m
}

// TestRandomQuantised compares random models with what their nodes compute one by
// one.
func TestRandomQuantised(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	integer := 0
	for i := range 300 {
		m := randomQuantised(r, func() float32 { return 0.01 * (1 + r.Float32()) })
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if net.Integer() {
			integer++
		}
		const n = 2
		x := make([]float32, n*4*6*6)
		for i := range x {
			x[i] = 2*r.Float32() - 1
		}
		values := map[string]typedValue{"x": {[]int{n, 4, 6, 6}, typeFloat, tensor.Bytes(x)}}
		m.spell(t, values)
		got, want := run(t, net, n, x)[0], asFloats(tensor.F32, values["y"].x)
		far, step := 0, float64(net.Values[net.Outputs[0]].Scale)
		for _, s := range net.Steps {
			if _, ok := s.Spec.(*kernels.Convert); ok {
				step = max(step, float64(net.Values[s.In[0]].Scale))
			}
		}
		for i := range want {
			if diff := math.Abs(float64(got[i] - want[i])); !(diff <= 1.01*step) {
				far++
			}
		}
		if far > len(want)/50 {
			var ops []string
			for _, n := range m.nodes {
				ops = append(ops, fmt.Sprint(n.op, n.in, n.out))
			}
			t.Errorf("model %d: %d of %d elements are further apart than a step of %v\n%s\n%s", i, far, len(want), step, strings.Join(ops, "\n"), steps(net))
		}
	}
	if integer < 20 {
		t.Errorf("only %d nets are of integers", integer)
	}
}

// TestOddScales checks that what Freeze makes of models with scales of any size
// can be run.
func TestOddScales(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	scale := func() float32 { return float32(math.Pow(10, float64(r.IntN(76)-38))) }
	for range 300 {
		m := randomQuantised(r, scale)
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if y := run(t, net, 1, make([]float32, 4*6*6))[0]; slices.ContainsFunc(y, tensor.IsNaN) {
			t.Error("a NaN")
		}
	}
}

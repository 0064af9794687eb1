package onnx

import (
	"math"
	"strings"
	"testing"
)

// TestFused compares the operators that ONNX Runtime's optimiser writes with the
// nodes that it made them of.
func TestFused(t *testing.T) {
	matrices := func(m *model) {
		m.input("x", 0, 3, 4, 5)
		m.weight("w", -1, 1, 3, 5, 6)
		m.weight("one", -1, 1, 6, 5)
	}
	vectors := func(m *model) {
		m.input("x", 0, 7, 6)
		for _, name := range []string{"scale", "shift", "bias"} {
			m.weight(name, 0.5, 1.5, 6)
		}
		m.weight("skip", -1, 1, 7, 6)
	}
	picture := func(m *model) {
		m.input("x", 0, 3, 6, 5)
		m.weight("w", -1, 1, 3, 3, 3, 3)
		m.weight("b", -1, 1, 3)
	}
	plane := func(m *model) {
		m.input("x", 0, 5)
		m.weight("w", -1, 1, 5, 4)
		m.weight("b", -1, 1, 4)
	}
	pads := attr{"pads", []int64{1, 1, 1, 1}}
	for name, c := range map[string]struct {
		with        func(*model)
		fused, same func(*model)
	}{
		"FusedConv with Relu": {picture, func(m *model) {
			m.node("FusedConv", "x w b", "y", pads, attr{"activation", "Relu"})
		}, func(m *model) {
			m.node("Conv", "x w b", "c", pads)
			m.node("Relu", "c", "y")
		}},
		"FusedConv with a sum and Clip": {picture, func(m *model) {
			m.node("FusedConv", "x w _ x", "y", pads, attr{"activation", "Clip"}, attr{"activation_params", []float32{-0.5, 2}})
		}, func(m *model) {
			m.floats("lo", nil, -0.5)
			m.floats("hi", nil, 2)
			m.node("Conv", "x w", "c", pads)
			m.node("Add", "c x", "s")
			m.node("Clip", "s lo hi", "y")
		}},
		"FusedConv with HardSigmoid": {picture, func(m *model) {
			m.node("FusedConv", "x w", "y", attr{"activation", "HardSigmoid"}, attr{"activation_params", []float32{0.25, 0.125}})
		}, func(m *model) {
			m.node("Conv", "x w", "c")
			m.node("HardSigmoid", "c", "y", attr{"alpha", float32(0.25)}, attr{"beta", float32(0.125)})
		}},
		"FusedConv with LeakyRelu": {picture, func(m *model) {
			m.node("FusedConv", "x w b", "y", attr{"activation", "LeakyRelu"}, attr{"activation_params", []float32{0.25}})
		}, func(m *model) {
			m.node("Conv", "x w b", "c")
			m.node("LeakyRelu", "c", "y", attr{"alpha", float32(0.25)})
		}},
		"FusedGemm with LeakyRelu": {plane, func(m *model) {
			m.node("FusedGemm", "x w b", "y", attr{"alpha", float32(2)}, attr{"activation", "LeakyRelu"}, attr{"activation_alpha", float32(0.25)})
		}, func(m *model) {
			m.node("Gemm", "x w b", "g", attr{"alpha", float32(2)})
			m.node("LeakyRelu", "g", "y", attr{"alpha", float32(0.25)})
		}},
		"FusedGemm with Elu's default": {plane, func(m *model) {
			m.node("FusedGemm", "x w", "y", attr{"activation", "Elu"})
		}, func(m *model) {
			m.node("MatMul", "x w", "g")
			m.node("Elu", "g", "y")
		}},
		"FusedMatMul of an activation and constants": {matrices, func(m *model) {
			m.node("FusedMatMul", "x one", "y", attr{"transB", 1}, attr{"alpha", float32(0.5)})
		}, func(m *model) {
			m.constant("Transpose", "one", "t")
			m.floats("half", nil, 0.5)
			m.node("MatMul", "x t", "p")
			m.node("Mul", "p half", "y")
		}},
		"FusedMatMul of stacks": {matrices, func(m *model) {
			m.node("FusedMatMul", "w x", "y", attr{"transA", 1}, attr{"transB", 1})
		}, func(m *model) {
			m.constant("Transpose", "w", "tw", attr{"perm", []int64{0, 2, 1}})
			m.node("Transpose", "x", "tx", attr{"perm", []int64{0, 1, 3, 2}})
			m.node("MatMul", "tw tx", "y")
		}},
		"FusedMatMul of activations": {matrices, func(m *model) {
			m.node("FusedMatMul", "x x", "y", attr{"transA", 1})
		}, func(m *model) {
			m.node("Transpose", "x", "t", attr{"perm", []int64{0, 1, 3, 2}})
			m.node("MatMul", "t x", "y")
		}},
		"BiasGelu": {vectors, func(m *model) {
			m.node("BiasGelu", "x bias", "y")
		}, func(m *model) {
			m.node("Add", "x bias", "s")
			m.node("Gelu", "s", "y")
		}},
		"FastGelu": {vectors, func(m *model) {
			m.node("FastGelu", "x", "a")
			m.node("FastGelu", "a bias", "y")
		}, func(m *model) {
			m.node("Gelu", "x", "a", attr{"approximate", "tanh"})
			m.node("Add", "a bias", "s")
			m.node("Gelu", "s", "y", attr{"approximate", "tanh"})
		}},
		"QuickGelu": {vectors, func(m *model) {
			m.node("QuickGelu", "x", "a")
			m.node("QuickGelu", "a", "y", attr{"alpha", float32(1)})
		}, func(m *model) {
			m.node("Swish", "x", "a", attr{"alpha", float32(1.702)})
			m.node("Swish", "a", "y")
		}},
		"SkipLayerNormalization": {vectors, func(m *model) {
			m.node("SkipLayerNormalization", "x skip scale shift bias", "n", attr{"epsilon", float32(0.01)})
			m.nodes[0].out = []string{"n", "", "", "s"}
			m.node("Add", "n s", "y")
		}, func(m *model) {
			m.node("Add", "x skip", "p")
			m.node("Add", "p bias", "s")
			m.node("LayerNormalization", "s scale shift", "n", attr{"epsilon", float32(0.01)})
			m.node("Add", "n s", "y")
		}},
		"SkipSimplifiedLayerNormalization": {vectors, func(m *model) {
			m.node("SkipSimplifiedLayerNormalization", "x x scale bias", "y")
		}, func(m *model) {
			m.node("Add", "x x", "p")
			m.node("Add", "p bias", "s")
			m.node("SimplifiedLayerNormalization", "s scale", "y", attr{"epsilon", float32(1e-12)})
		}},
		"SimplifiedLayerNormalization": {vectors, func(m *model) {
			m.node("SimplifiedLayerNormalization", "x scale", "y")
		}, func(m *model) {
			m.node("RMSNormalization", "x scale", "y")
		}},
		"DynamicQuantizeMatMul": {plane, func(m *model) {
			m.codes("q", typeInt8, -90, 90, 5, 4)
			m.node("DynamicQuantizeMatMul", "x q "+m.channelScales("q", typeInt8, 4)+" b", "y")
		}, func(m *model) {
			m.codes("q", typeInt8, -90, 90, 5, 4)
			m.channelScales("q", typeInt8, 4)
			m.node("DynamicQuantizeLinear", "x", "xq xs xz")
			m.node("MatMulInteger", "xq q xz q.z", "p")
			m.node("Cast", "p", "f", attr{"to", 1})
			m.node("Mul", "f xs", "s")
			m.node("Mul", "s q.s", "r")
			m.node("Add", "r b", "y")
		}},
		"MatMulIntegerToFloat": {plane, func(m *model) {
			m.codes("q", typeUint8, 0, 250, 5, 4)
			m.node("DynamicQuantizeLinear", "x", "xq xs xz")
			m.node("MatMulIntegerToFloat", "xq q xs q.s xz q.z b", "y")
			m.encoding("q", typeUint8, 0.01, 120)
		}, func(m *model) {
			m.codes("q", typeUint8, 0, 250, 5, 4)
			m.node("DynamicQuantizeLinear", "x", "xq xs xz")
			m.node("MatMulInteger", "xq q xz q.z", "p")
			m.encoding("q", typeUint8, 0.01, 120)
			m.node("Cast", "p", "f", attr{"to", 1})
			m.node("Mul", "f xs", "s")
			m.node("Mul", "s q.s", "r")
			m.node("Add", "r b", "y")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var results [2][]float32
			for i, build := range []func(*model){c.fused, c.same} {
				m := newModel(24)
				c.with(m)
				build(m)
				m.output("y")
				net, _, err := Freeze(m.bytes(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				size := 2
				for _, d := range m.inputs[0].dims[1:] {
					size *= d
				}
				results[i] = run(t, net, 2, ramp(size))[0]
			}
			if at, ok := differs(results[0], results[1]); ok {
				t.Errorf("element %d is %v, want %v", at, results[0][at], results[1][at])
			}
		})
	}
}

// TestFusedDomains has the operators that have one name in ONNX's domain and in
// ONNX Runtime's, in models that are older than ONNX's.
func TestFusedDomains(t *testing.T) {
	m := newModel(13)
	m.input("x", 0, 7, 6)
	m.weight("scale", 1, 1, 6)
	m.node("LayerNormalization", "x scale", "n")
	m.node("Gelu", "n", "y")
	m.output("y")
	if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), `not supported: Gelu`) {
		t.Errorf("error %v for a Gelu of opset 13", err)
	}
	m.nodes[1].domain = ortDomain
	net, _, err := Freeze(m.bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := ramp(6)
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += float64(v) / 6
	}
	for _, v := range x {
		square += (float64(v) - mean) * (float64(v) - mean) / 6
	}
	got := run(t, net, 1, append(make([]float32, 36), x...))[0][36:]
	compareFunction(t, func(v float64) float64 {
		v = (v - mean) / math.Sqrt(square+1e-5)
		return v / 2 * math.Erfc(-v/math.Sqrt2)
	}, got, x)
}

// TestFusedFaults has what is refused, and how.
func TestFusedFaults(t *testing.T) {
	for want, build := range map[string]func(*model){
		`activation "Erf" is not supported`:           func(m *model) { m.node("FusedConv", "x w", "y", attr{"activation", "Erf"}) },
		"0 activation_params where there should be 1": func(m *model) { m.node("FusedConv", "x w", "y", attr{"activation", "LeakyRelu"}) },
		"do not broadcast":                            func(m *model) { m.node("FusedConv", "x w _ x", "y", attr{"activation", "Relu"}) },
		"transBatchA":                                 func(m *model) { m.node("FusedMatMul", "x x", "y", attr{"transBatchA", 1}) },
		"the scale, \"w\"":                            func(m *model) { m.node("SkipLayerNormalization", "x x w", "y") },
		"result 1, a statistic":                       func(m *model) { m.node("SkipLayerNormalization", "x x v", "y m") },
		"is not a stack of vectors":                   func(m *model) { m.node("SkipLayerNormalization", "v x v", "y") },
		"level extended":                              func(m *model) { m.node("Conv", "x w", "y"); m.nodes[0].domain = ortBlockedDomain },
	} {
		m := newModel(13)
		m.input("x", 1, 3, 6, 6)
		m.weight("w", -1, 1, 3, 3, 3, 3)
		m.weight("v", -1, 1, 6)
		build(m)
		m.output("y")
		if _, _, err := Freeze(m.bytes(), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}

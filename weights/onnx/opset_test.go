package onnx

import (
	"slices"
	"strings"
	"testing"
)

// TestOpsets checks that what an operator meant in an old opset comes to the
// same as its spelling in a new one.
func TestOpsets(t *testing.T) {
	for _, c := range []struct {
		name  string
		old   int64
		build func(m *model)
		new   int64
		same  func(m *model)
	}{
		{"Softmax over all dimensions from axis on", 12, func(m *model) {
			m.node("Softmax", "x", "y")
		}, 13, func(m *model) {
			m.ints("shape", 0, 4, 6, 6)
			m.node("Flatten", "x", "f")
			m.node("Softmax", "f", "s")
			m.node("Reshape", "s shape", "y")
		}},
		{"LogSoftmax over the last dimension", 9, func(m *model) {
			m.node("LogSoftmax", "x", "y", attr{"axis", 3})
		}, 13, func(m *model) {
			m.node("LogSoftmax", "x", "y")
		}},
		{"Squeeze and Unsqueeze with attributes", 11, func(m *model) {
			m.node("Unsqueeze", "x", "u", attr{"axes", []int64{1, 5}})
			m.node("Abs", "u", "a")
			m.node("Squeeze", "a", "y", attr{"axes", []int64{-1, 1}})
		}, 13, func(m *model) {
			m.ints("a1", 5, 1)
			m.ints("a2", 1, -1)
			m.node("Unsqueeze", "x a1", "u")
			m.node("Abs", "u", "a")
			m.node("Squeeze", "a a2", "y")
		}},
		{"Split with attributes", 11, func(m *model) {
			m.node("Split", "x", "a y", attr{"axis", 1}, attr{"split", []int64{1, 3}})
		}, 13, func(m *model) {
			m.ints("sizes", 1, 3)
			m.node("Split", "x sizes", "a y", attr{"axis", -3})
		}},
		{"Split into parts of which the last is smaller", 18, func(m *model) {
			m.node("Split", "x", "a b y", attr{"axis", 1}, attr{"num_outputs", 3})
		}, 13, func(m *model) {
			m.ints("sizes", 2, 2, 1)
			m.input("x", 0, 5, 6, 6)
			m.node("Split", "x sizes", "a b y", attr{"axis", 1})
		}},
		{"Slice with attributes", 9, func(m *model) {
			m.node("Slice", "x", "y", attr{"starts", []int64{1, -3}}, attr{"ends", []int64{3, 100}}, attr{"axes", []int64{1, 3}})
		}, 13, func(m *model) {
			m.ints("starts", 0, 1, 0, 3)
			m.ints("ends", 1<<62, 3, 6, 6)
			m.node("Slice", "x starts ends", "y")
		}},
		{"Pad with attributes", 10, func(m *model) {
			m.node("Pad", "x", "y", attr{"pads", []int64{0, 0, 1, -1, 0, 0, 0, 2}}, attr{"value", float32(3)})
		}, 18, func(m *model) {
			m.ints("pads", -1, 1, 2, 0)
			m.ints("axes", 3, -2)
			m.floats("value", nil, 3)
			m.node("Pad", "x pads value axes", "y")
		}},
		{"Clip with attributes", 6, func(m *model) {
			m.node("Clip", "x", "y", attr{"min", float32(-0.5)}, attr{"max", float32(0.25)})
		}, 11, func(m *model) {
			m.floats("lo", nil, -0.5)
			m.floats("hi", nil, 0.25)
			m.node("Clip", "x lo hi", "y")
		}},
		{"Upsample with an attribute", 7, func(m *model) {
			m.node("Upsample", "x", "y", attr{"scales", []float32{1, 1, 2, 1.5}})
		}, 13, func(m *model) {
			m.floats("scales", []int{4}, 1, 1, 2, 1.5)
			m.node("Resize", "x _ scales", "y", attr{"coordinate_transformation_mode", "asymmetric"}, attr{"nearest_mode", "floor"})
		}},
		{"Upsample with an operand", 9, func(m *model) {
			m.floats("scales", []int{4}, 1, 1, 2, 2)
			m.node("Upsample", "x scales", "y", attr{"mode", "linear"})
		}, 10, func(m *model) {
			m.floats("scales", []int{4}, 1, 1, 2, 2)
			m.node("Resize", "x scales", "y", attr{"mode", "linear"})
		}},
		{"Resize of some axes", 18, func(m *model) {
			m.ints("sizes", 9, 12)
			m.node("Resize", "x _ _ sizes", "y", attr{"axes", []int64{3, 2}}, attr{"mode", "linear"})
		}, 11, func(m *model) {
			m.floats("roi", []int{0})
			m.floats("scales", []int{4}, 1, 1, 2, 1.5)
			m.node("Resize", "x roi scales", "y", attr{"mode", "linear"})
		}},
		{"ReduceMean with an operand", 18, func(m *model) {
			m.ints("axes", 1)
			m.node("ReduceMean", "x axes", "y", attr{"keepdims", 0})
		}, 11, func(m *model) {
			m.node("ReduceMean", "x", "y", attr{"axes", []int64{1}}, attr{"keepdims", 0})
		}},
		{"Dropout", 12, func(m *model) {
			m.node("Dropout", "x", "d mask", attr{"seed", 1})
			m.node("Abs", "d", "y")
		}, 7, func(m *model) {
			m.node("Dropout", "x", "d", attr{"ratio", float32(0.3)})
			m.node("Abs", "d", "y")
		}},
		{"Gemm without C", 11, func(m *model) {
			m.weight("w", -1, 1, 144, 5)
			m.node("Flatten", "x", "f")
			m.node("Gemm", "f w", "y")
		}, 7, func(m *model) {
			m.weight("w", -1, 1, 144, 5)
			m.floats("zero", nil, 0)
			m.node("Flatten", "x", "f")
			m.node("Gemm", "f w zero", "y")
		}},
		{"sums of three", 8, func(m *model) {
			m.weight("w", -1, 1, 6)
			m.node("Abs", "x", "a")
			m.node("Sum", "x w a", "s")
			m.node("Max", "s w x", "y")
		}, 21, func(m *model) {
			m.weight("w", -1, 1, 6)
			m.node("Abs", "x", "a")
			m.node("Add", "x a", "s1")
			m.node("Add", "w s1", "s")
			m.node("Max", "s x", "m")
			m.node("Max", "m w", "y")
		}},
		{"Gemm of two activations and a scaled one", 13, func(m *model) {
			m.ints("shape", 4, 36)
			m.input("x", 1, 4, 6, 6)
			m.node("Reshape", "x shape", "f")
			m.ints("bias", 16, 1)
			m.node("Gemm", "f f f4", "y", attr{"transB", 1}, attr{"alpha", float32(2)}, attr{"beta", float32(0.5)})
			m.ints("starts", 0)
			m.ints("ends", 4)
			m.ints("axes", 1)
			m.node("Slice", "f starts ends axes", "f4")
		}, 13, func(m *model) {
			m.ints("shape", 4, 36)
			m.input("x", 1, 4, 6, 6)
			m.node("Reshape", "x shape", "f")
			m.node("Transpose", "f", "ft")
			m.node("MatMul", "f ft", "p")
			m.node("Add", "p p", "p2")
			m.ints("starts", 0)
			m.ints("ends", 4)
			m.ints("axes", 1)
			m.node("Slice", "f starts ends axes", "f4")
			m.floats("half", nil, 0.5)
			m.node("Mul", "f4 half", "h")
			m.node("Add", "p2 h", "y")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var results [2][]float32
			dims := []int{0, 4, 6, 6}
			for i, b := range []struct {
				opset int64
				build func(*model)
			}{{c.new, c.same}, {c.old, c.build}} {
				m := newModel(b.opset)
				b.build(m)
				if len(m.inputs) == 0 {
					m.input("x", dims...)
				}
				dims = m.inputs[0].dims
				m.output("y")
				net, _, err := Freeze(m.bytes(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				n := 1
				if net.Batched {
					n = 2
				}
				size := n
				for _, d := range dims {
					size *= max(d, 1)
				}
				x := make([]float32, size)
				for i := range x {
					x[i] = float32(i*37%101)/50 - 1
				}
				results[i] = run(t, net, n, x)[0]
			}
			if at, ok := differs(results[1], results[0]); ok {
				t.Errorf("element %d of %d differs from that of %d", at, len(results[1]), len(results[0]))
			}
		})
	}
}

// Dropout in training mode does nothing if it drops nothing, and else has no
// answer.
func TestDropoutInTraining(t *testing.T) {
	for ratio, fault := range map[float32]string{0: "", 0.5: "what it drops is random"} {
		m := newModel(13)
		m.input("x", 1, 4)
		m.floats("ratio", nil, ratio)
		m.tensors = append(m.tensors, testTensor{name: "training", kind: typeBool, raw: []byte{1}})
		m.node("Dropout", "x ratio training", "d")
		m.node("Relu", "d", "y")
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		switch {
		case fault != "" && (err == nil || !strings.Contains(err.Error(), fault)):
			t.Errorf("ratio %v: %v", ratio, err)
		case fault == "" && err != nil:
			t.Errorf("ratio %v: %v", ratio, err)
		case fault == "":
			if got := run(t, net, 1, []float32{-1, 2, -3, 4}); !slices.Equal(got[0], []float32{0, 2, 0, 4}) {
				t.Errorf("ratio %v: %v", ratio, got)
			}
		}
	}
}

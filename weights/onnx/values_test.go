package onnx

import (
	"math"
	"slices"
	"testing"
)

// TestValues compares models of one input, x, whose elements are 1, 2, 3, …,
// with numbers worked out by hand.
func TestValues(t *testing.T) {
	cast := func(from testTensor, to elemType) func(m *model) {
		return func(m *model) {
			m.tensors = append(m.tensors, from)
			m.constant("Cast", from.name, "c", attr{"to", int(to)})
			m.constant("Cast", "c", "f", attr{"to", int(typeFloat)})
			m.node("Mul", "x f", "y")
		}
	}
	e := float32(math.E)
	for _, c := range []struct {
		name   string
		opset  int64
		dims   []int // of x; 0 is an open one
		build  func(m *model)
		shape  []int
		values []float32
	}{
		// What takes the batch away has a net of one item: not one in which
		// dimension 0 was kept for other items.
		{"a squeezed batch", 13, []int{0, 2, 1, 1}, func(m *model) {
			m.node("Squeeze", "x", "s")
			m.node("Softmax", "s", "y", attr{"axis", 0})
		}, []int{2}, []float32{1 / (1 + e), e / (1 + e)}},
		{"a batch squeezed beside something else that mixes items", 13, []int{0, 2, 1, 1}, func(m *model) {
			m.ints("two", 2)
			m.node("Reshape", "x two", "r")
			m.node("Squeeze", "x", "s")
			m.node("Softmax", "s", "p", attr{"axis", 0})
			m.node("Add", "p r", "y")
		}, []int{2}, []float32{1 + 1/(1+e), 2 + e/(1+e)}},
		{"a squeeze by an empty list", 13, []int{1, 2, 1, 1}, func(m *model) {
			m.ints("none")
			m.node("Squeeze", "x none", "y")
		}, []int{2}, []float32{1, 2}},
		{"a size that rounds up in single precision", 13, []int{1, 1, 1, 10}, func(m *model) {
			m.floats("scales", []int{4}, 1, 1, 1, 2.3)
			m.node("Resize", "x _ scales", "r", attr{"coordinate_transformation_mode", "asymmetric"}, attr{"nearest_mode", "floor"})
			m.node("Shape", "r", "s")
			m.node("Cast", "s", "f", attr{"to", int(typeFloat)})
			m.node("ReduceMean", "x", "one", attr{"axes", []int64{1, 2, 3}})
			m.node("Mul", "one f", "y")
		}, []int{1, 1, 1, 4}, []float32{5.5, 5.5, 5.5, 23 * 5.5}},
		{"nearest as in opset 10, smaller", 10, []int{1, 1, 2, 4}, func(m *model) {
			m.floats("scales", []int{4}, 1, 1, 0.6, 0.6)
			m.node("Resize", "x scales", "y")
		}, []int{1, 1, 1, 2}, []float32{1, 3}},
		{"nearest as in opset 10, smaller in one direction", 10, []int{1, 1, 2, 4}, func(m *model) {
			m.floats("scales", []int{4}, 1, 1, 1, 0.6)
			m.node("Resize", "x scales", "y")
		}, []int{1, 1, 2, 2}, []float32{1, 3, 5, 7}},
		{"nearest as in opset 10, larger", 10, []int{1, 1, 1, 2}, func(m *model) {
			m.floats("scales", []int{4}, 1, 1, 1, 2.5)
			m.node("Resize", "x scales", "y")
		}, []int{1, 1, 1, 5}, []float32{1, 1, 1, 2, 2}},
		{"integers wrap around", 13, []int{1}, cast(testTensor{"w", typeInt32, []int{1}, []byte{44, 1, 0, 0}}, typeUint8), []int{1}, []float32{44}},
		{"and become negative", 13, []int{1}, cast(testTensor{"w", typeUint8, []int{1}, []byte{200}}, typeInt8), []int{1}, []float32{-56}},
		{"half precision rounds", 13, []int{1}, cast(testTensor{"w", typeFloat, []int{1}, rawFloats([]float32{2049})}, typeFloat16), []int{1}, []float32{2048}},
		{"bfloat16 rounds", 13, []int{2}, cast(testTensor{"w", typeFloat, []int{2}, rawFloats([]float32{257, 259})}, typeBFloat16), []int{2}, []float32{256, 520}},
		{"fractions are cut off", 13, []int{1}, cast(testTensor{"w", typeFloat, []int{1}, rawFloats([]float32{-3.75})}, typeInt32), []int{1}, []float32{-3}},
		{"sums wrap around", 13, []int{1}, func(m *model) {
			m.tensors = append(m.tensors, testTensor{"w", typeUint8, []int{1}, []byte{200}})
			m.constant("Add", "w w", "c")
			m.constant("Cast", "c", "f", attr{"to", int(typeFloat)})
			m.node("Mul", "x f", "y")
		}, []int{1}, []float32{144}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(c.opset)
			m.input("x", c.dims...)
			c.build(m)
			m.output("y")
			net, _, err := Freeze(m.bytes(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			n := 1
			for _, d := range c.dims {
				n *= max(d, 1)
			}
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(i + 1)
			}
			got := run(t, net, 1, x)[0]
			if shape := net.Values[net.Outputs[0]].Shape; !slices.Equal(shape, c.shape) {
				t.Errorf("shape %v, want %v", shape, c.shape)
			}
			if at, ok := differs(got, c.values); ok {
				t.Errorf("%v, want %v: element %d", got, c.values, at)
			}
		})
	}
}

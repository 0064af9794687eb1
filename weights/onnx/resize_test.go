package onnx

import (
	"slices"
	"testing"

	"github.com/infer-go/infer/tensor"
)

// TestResizeChannelsLast compares a Resize of rows and columns in front of the
// channels with one of a map in ONNX's own order.
func TestResizeChannelsLast(t *testing.T) {
	in := []int{1, 10, 6, 3}
	x := make([]float32, 180)
	for i := range x {
		x[i] = float32(i*i%97) / 97
	}
	scales := func(m *model, s ...float32) {
		m.floats("s", []int{4}, s...)
		m.floats("roi", []int{0})
	}
	last := newModel(12)
	last.input("x", in...)
	scales(last, 1, 0.44, 1.5, 1)
	last.node("Resize", "x roi s", "y", attr{"mode", "linear"})
	last.output("y")

	first := newModel(12)
	first.input("x", in...)
	scales(first, 1, 1, 0.44, 1.5)
	first.node("Transpose", "x", "a", attr{"perm", []int64{0, 3, 1, 2}})
	first.node("Resize", "a roi s", "b", attr{"mode", "linear"})
	first.node("Transpose", "b", "y", attr{"perm", []int64{0, 2, 3, 1}})
	first.output("y")

	var got [][]float32
	for _, m := range []*model{last, first} {
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if y := net.Values[net.Outputs[0]]; !y.Shape.Equal(tensor.Shape{1, 4, 9, 3}) {
			t.Fatalf("a result of %s", y.Shape)
		}
		got = append(got, run(t, net, 1, x)[0])
	}
	if !slices.Equal(got[0], got[1]) {
		t.Error("the two differ")
	}
}

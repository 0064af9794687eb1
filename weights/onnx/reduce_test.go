package onnx

import (
	"slices"
	"testing"
)

// TestReduceFlags checks that flags other than 0 and 1 are what they are for
// ONNX Runtime: 0.
func TestReduceFlags(t *testing.T) {
	for _, c := range []struct {
		axes  []int64
		attrs []attr
		want  []int
	}{
		{[]int64{1}, nil, []int{1, 1, 6, 5}},
		{[]int64{1}, []attr{{"keepdims", 1}}, []int{1, 1, 6, 5}},
		{[]int64{1}, []attr{{"keepdims", 0}}, []int{1, 6, 5}},
		{[]int64{1}, []attr{{"keepdims", 2}}, []int{1, 6, 5}},
		{[]int64{1}, []attr{{"keepdims", -1}}, []int{1, 6, 5}},
		{[]int64{2, 3}, []attr{{"keepdims", 1}}, []int{1, 4, 1, 1}},
		{[]int64{2, 3}, []attr{{"keepdims", 2}}, []int{1, 4}},
		{nil, []attr{{"noop_with_empty_axes", 1}}, []int{1, 4, 6, 5}},
		{nil, []attr{{"noop_with_empty_axes", 2}}, []int{1, 1, 1, 1}},
	} {
		m := newModel(18)
		m.input("x", 1, 4, 6, 5)
		m.ints("axes", c.axes...)
		m.node("Abs", "x", "a")
		m.node("ReduceMean", "a axes", "y", c.attrs...)
		m.output("y")
		net, _, err := Freeze(m.bytes(), Options{})
		if err != nil {
			t.Errorf("axes %v, %v: %v", c.axes, c.attrs, err)
			continue
		}
		if got := net.Values[net.Outputs[0]].Shape; !slices.Equal(got, c.want) {
			t.Errorf("axes %v, %v: shape %v, want %v", c.axes, c.attrs, got, c.want)
		}
	}
}

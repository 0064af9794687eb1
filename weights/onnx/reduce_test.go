package onnx

import (
	"math"
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

// TestReduceNothing checks that a reduction over no axes is one of each element.
func TestReduceNothing(t *testing.T) {
	for op, f := range map[string]func(float64) float64{
		"ReduceSum":       func(x float64) float64 { return x },
		"ReduceMax":       func(x float64) float64 { return x },
		"ReduceL1":        math.Abs,
		"ReduceL2":        math.Abs,
		"ReduceSumSquare": func(x float64) float64 { return x * x },
		"ReduceLogSum":    math.Log,
		"ReduceLogSumExp": func(x float64) float64 { return x },
	} {
		x := []float32{-2, 0.5, 3}
		if op == "ReduceLogSum" {
			x[0] = 2
		}
		for _, constant := range []bool{false, true} {
			m := newModel(18)
			m.input("x", 1, 3)
			of := "x"
			if constant {
				m.floats("c", []int{1, 3}, x...)
				of = "c"
			}
			m.node(op, of, "r", attr{"noop_with_empty_axes", 1}, attr{"keepdims", 0})
			m.node("Add", "r x", "s")
			m.node("Sub", "s x", "y")
			m.output("y")
			net, _, err := Freeze(m.bytes(), Options{})
			if err != nil {
				t.Errorf("%s: %v", op, err)
				continue
			}
			for i, got := range run(t, net, 1, x)[0] {
				want := f(float64(x[i]))
				if math.Abs(float64(got)-want) > 1e-6 {
					t.Errorf("%s of %v, constant %v: %v, want %v", op, x[i], constant, got, want)
				}
			}
		}
	}
}
